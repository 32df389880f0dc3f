// The update manager: opens what can be updated, refreshes its state, and reports it to clients.
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { UpdateStatus } from '../../api/update-manager.ts'
import type { Core } from '../../component/component.ts'
import { ConfigError } from '../../config/index.ts'
import { forEachConcurrently } from '../../core/concurrency-limit.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import { singleFlight } from '../../core/single-flight.ts'
import type { ProtectedFolder } from '../files/roots/protected-folders.ts'
import type { MachineServices } from '../machine/service.ts'
import { exists } from './archive/tree.ts'
import { Entries, type Entry } from './entries.ts'
import { type KlipperPlace, type KlipperSource, UnknownKlipper } from './klipper.ts'
import { Operations } from './operations.ts'
import type { GeneralOptions } from './options.ts'
import { RefreshSchedule } from './refresh-schedule.ts'
import type { ReleaseApi } from './releases/release-api.ts'
import { type ConfiguredUpdater, sectionWarning } from './sections.ts'
import { ServiceRestarts } from './service-restarts.ts'
import type { Updater } from './updater.ts'

/** Entries that are refreshed at the same time. */
const MAX_REFRESHES = 4
/** Seconds from a reply to the notification with the same content. */
const NOTIFY_SECONDS = 0.2
/** Seconds in which machine.update.status does not refresh again. */
const SPAM_SECONDS = 60
/** In the folder of an application: clients may change its files. */
const WRITABLE_MARKER = '.writeable'

/** What it needs. */
export interface ManagerParts {
  readonly core: Core
  readonly machine: MachineServices
  readonly general: GeneralOptions
  readonly releases: ReleaseApi
  /** The packages of the operating system; null where they are not updated. */
  readonly system: ConfiguredUpdater | null
  /** This server. */
  readonly own: ConfiguredUpdater
  readonly klipper: KlipperSource
  readonly configured: readonly ConfiguredUpdater[]
  /** Makes a folder read-only for clients. */
  readonly protectFolder: (folder: ProtectedFolder) => void
}

/** An updater with the schedule of its section. */
interface OpenedUpdater extends Omit<ConfiguredUpdater, 'name' | 'open'> {
  readonly updater: Updater
}

export class UpdateManager {
  readonly operations: Operations
  readonly #parts: ManagerParts
  readonly #entries: Entries
  readonly #lock = new SerialQueue()
  readonly #schedule: RefreshSchedule
  readonly #ending = new AbortController()
  #starting: Promise<void> = Promise.resolve()
  /** The Klipper of the entry; null while none is identified. */
  #klipper: KlipperPlace | null = null
  /** False until the entries that are due at the start have been refreshed. */
  #isReady = false

  constructor(parts: ManagerParts) {
    const { core, machine, general } = parts
    this.#parts = parts
    this.#entries = new Entries(core.storage.namespaces, core.clock, core.log)
    this.#schedule = new RefreshSchedule(core.clock, general.refresh_window, () => void this.#refreshDue())
    this.operations = new Operations({
      core,
      entries: this.#entries,
      lock: this.#lock,
      restarts: new ServiceRestarts(core, machine),
      onStateChanged: () => this.#notifySoon(),
    })
  }

  /** Opens the installations. Repairs and refreshes continue after the start. */
  async start(): Promise<void> {
    const { general, system, own, klipper, configured } = this.#parts
    if (system !== null) this.#put(await this.#open(system))
    this.#put(await this.#open(own))
    const place = klipper.storedPlace(this.#entries.stored('klipper'))
    await this.#putKlipper(place)
    for (const opened of await Promise.all(configured.map(each => this.#open(each)))) {
      this.#put(opened)
      if (opened !== null) await this.#protect(opened.updater)
    }
    await this.#entries.removeOthers()
    if (general.enable_auto_refresh) this.#schedule.start()
    this.#starting = this.#prepare()
  }

  async #protect({ name, folder }: Updater): Promise<void> {
    if (folder === undefined || (await exists(join(folder, WRITABLE_MARKER)))) return
    this.#parts.protectFolder({ path: folder, name: `update_manager ${name}` })
  }

  #put(opened: OpenedUpdater | null): void {
    if (opened === null) return
    const { updater, config, refreshHours = this.#parts.general.refresh_interval } = opened
    this.#entries.put(updater, { config, refreshSeconds: refreshHours * 3600 })
  }

  /** Adds the entry of a Klipper, or replaces it. */
  async #putKlipper(place: KlipperPlace | null): Promise<void> {
    const { klipper } = this.#parts
    const updater = place === null ? null : await klipper.open(place)
    const { refreshHours } = klipper
    this.#put({
      updater: updater ?? new UnknownKlipper(place !== null),
      config: place && klipper.configOf(place),
      refreshHours,
    })
    this.#klipper = place
  }

  /** Klippy has identified itself: it may be another Klipper than before. */
  async followKlipper(): Promise<void> {
    try {
      await this.#followKlipper()
    } catch (error) {
      if (!this.#ending.signal.aborted) throw error
    }
  }

  async #followKlipper(): Promise<void> {
    const place = this.#parts.klipper.reported
    if (place === null || isDeepStrictEqual(place, this.#klipper)) return
    await this.#starting
    await this.#lock.run(async () => {
      if (this.#klipper !== null) await this.#entries.forget('klipper')
      await this.#putKlipper(place)
    })
    const entry = this.#entries.get('klipper')
    if (!(entry.updater instanceof UnknownKlipper)) await this.#refreshAll([entry])
  }

  async #open({ name, open, config, refreshHours }: ConfiguredUpdater): Promise<OpenedUpdater | null> {
    const { warnings, log } = this.#parts.core
    try {
      const updater = await open()
      return updater && { updater, config, refreshHours }
    } catch (error) {
      warnings.add(sectionWarning(name, messageOf(error)))
      if (!(error instanceof ConfigError)) log.error(`the entry ${name} cannot be opened`, error)
      return null
    }
  }

  /** Repairs what a crash left, and refreshes what is due. Does not reject. */
  async #prepare(): Promise<void> {
    const { log } = this.#parts.core
    try {
      await this.operations.repairInterrupted(this.#ending.signal)
      const due = this.#entries.list().filter(entry => this.#entries.isDue(entry))
      if (due.length > 0) await this.#refreshAll(due)
    } catch (error) {
      if (!this.#ending.signal.aborted) log.error('the first refresh failed', error)
    } finally {
      this.#isReady = true
    }
  }

  async stop(): Promise<void> {
    this.#schedule.stop()
    this.#ending.abort(new ApiError(503, 'The server stops'))
    await this.operations.stop()
    await this.#starting
    await this.#lock.idle()
  }

  /** What clients see. */
  status(): UpdateStatus {
    const { limit, remaining, reset } = this.#parts.releases.rateLimit
    const { application, running } = this.operations
    return {
      busy: application !== null,
      running,
      github_rate_limit: limit,
      github_requests_remaining: remaining,
      github_limit_reset_time: reset,
      version_info: this.#entries.status(),
    }
  }

  /** The status; before it a refresh, if nothing is in the way of it and the last one was a minute ago. */
  async statusAfterRefresh(): Promise<UpdateStatus> {
    const { clock } = this.#parts.core
    const last = Math.max(0, ...this.#entries.list().map(({ refreshedAt }) => refreshedAt))
    const isRecent = last > clock.now() - SPAM_SECONDS
    if (!isRecent && !(await this.#isBusy())) await this.#refreshNow()
    return this.status()
  }

  /** Refreshes one entry, or all where `name` is left out. Rejects with ApiError. */
  async refresh(name?: string): Promise<UpdateStatus> {
    if (await this.#isBusy()) throw new ApiError(503, 'Server is busy, cannot perform refresh')
    if (name !== undefined && this.#entries.find(name) === undefined)
      throw new ApiError(400, `No updater registered for '${name.slice(0, 100)}'`)
    await this.#refreshNow(name)
    return this.status()
  }

  /** Calls at the same time share a refresh. */
  readonly #refreshNow = singleFlight(name =>
    this.#refreshAll(this.#entries.list().filter(({ updater }) => name === '' || updater.name === name)),
  )

  async #isBusy(): Promise<boolean> {
    if (!this.#isReady || this.operations.application !== null) return true
    return this.#parts.core.printer.isPrinting()
  }

  async #refreshDue(): Promise<void> {
    try {
      if (await this.#isBusy()) return
      const due = this.#entries.list().filter(entry => this.#entries.isDue(entry))
      if (due.length > 0) await this.#refreshAll(due)
    } catch (error) {
      this.#parts.core.log.warning(`the refresh of updates failed: ${messageOf(error)}`)
    }
  }

  /** Refreshes entries side by side. Rejects only with the reason of the server's stop. */
  async #refreshAll(entries: readonly Entry[]): Promise<void> {
    await this.#lock.run(() => forEachConcurrently(entries, MAX_REFRESHES, entry => this.#refreshOne(entry)))
    this.#notifySoon()
  }

  async #refreshOne(entry: Entry): Promise<void> {
    const { clock, log } = this.#parts.core
    const { signal } = this.#ending
    signal.throwIfAborted()
    try {
      await entry.updater.refresh(signal)
    } catch (error) {
      signal.throwIfAborted()
      log.error(`the refresh of ${entry.updater.name} failed`, error)
    }
    entry.refreshedAt = clock.now()
    await this.#entries.save(entry)
  }

  #notifySoon(): void {
    const { clock, connections } = this.#parts.core
    clock.after(NOTIFY_SECONDS, () => {
      if (!this.#ending.signal.aborted) connections.notify('notify_update_refreshed', this.status())
    })
  }
}
