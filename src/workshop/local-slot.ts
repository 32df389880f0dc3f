// A printer whose server runs in this process: started, restarted, and started again after a failure. What goes wrong in it
// stays in it.
import { statSync } from 'node:fs'
import type { SharedPlaces } from '../app/listen.ts'
import { type RunningServer, startServer } from '../app/server.ts'
import { type Component, type Core, component } from '../component/component.ts'
import type { Host } from '../component/host.ts'
import { optional } from '../component/service.ts'
import { accessPolicy } from '../components/access/service.ts'
import { metricsService, type PrinterMetrics } from '../components/metrics/service.ts'
import type { WebcamService } from '../components/webcam/service.ts'
import { webcamService } from '../components/webcam/service.ts'
import { ConfigError } from '../config/index.ts'
import type { ConcurrencyLimit } from '../core/concurrency-limit.ts'
import { messageOf, StartError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { type DataPaths, dataPaths } from '../core/paths.ts'
import type { AccessPolicy } from '../rpc/access-policy.ts'
import type { LocalPrinter } from './config.ts'
import { PrinterStatus } from './printer-status.ts'
import { type PrinterEntry, type Slot, UNKNOWN_STATE } from './slot.ts'

/** Seconds until the next attempt after each failed start. */
const BACKOFF = [1, 2, 5, 10, 30]
/** Seconds between two looks at the moonraker.conf of a printer that does not start. */
const LOOK = 1

/** What a slot needs of the workshop. */
export interface LocalSlotParts {
  readonly printer: LocalPrinter
  readonly host: Host
  readonly log: Log
  /** Makes the printer's log; throws if its folder cannot be used. */
  readonly createLog: (paths: DataPaths) => Log
  /** Bounds how many printers start at the same time. */
  readonly starts: ConcurrencyLimit
  readonly places: Omit<SharedPlaces, 'prefix' | 'ownPort'>
  readonly managesMachine: boolean
  readonly debug: boolean
  readonly onChange: () => void
  /** Receives the core of each start. */
  readonly onBuilt: (core: Core) => void
  /** Replaces `klippy_uds_address`: the virtual printer's socket. */
  readonly klippySocket?: string
}

/** What the running server contributes to the entry. */
interface Inside {
  readonly core: Core
  readonly status: PrinterStatus
  readonly webcams: () => WebcamService | null
  readonly metrics: () => PrinterMetrics | null
  readonly policy: AccessPolicy
}

export class LocalSlot implements Slot {
  readonly name: string
  readonly #parts: LocalSlotParts
  readonly #paths: DataPaths
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #server: RunningServer | null = null
  #inside: Inside | null = null
  #instanceId: string | null = null
  #error: string | null = null
  #isWatched = false

  constructor(parts: LocalSlotParts) {
    this.#parts = parts
    this.name = parts.printer.name
    this.#paths = dataPaths(parts.printer.dataPath)
  }

  get entry(): PrinterEntry {
    const inside = this.#inside
    return {
      ...UNKNOWN_STATE,
      name: this.name,
      instance_id: this.#instanceId,
      path: `/${this.name}`,
      error: this.#error,
      ...(inside !== null && {
        ...inside.status.now,
        camera: this.#camera !== undefined,
      }),
    }
  }

  /** Known before the server listens, so that no request of its users is refused while it starts. */
  get policy(): AccessPolicy | null {
    return this.#inside?.policy ?? null
  }

  get metrics(): PrinterMetrics | null {
    return this.#inside?.metrics() ?? null
  }

  get #camera() {
    return this.#inside
      ?.webcams()
      ?.list()
      .find(({ enabled, snapshot_url }) => enabled && snapshot_url !== '')
  }

  watch(isWatched: boolean): void {
    this.#isWatched = isWatched
    this.#inside?.status.watch(isWatched)
  }

  async pictureUrl(): Promise<string | null> {
    const camera = this.#camera
    return camera === undefined ? null : ((await this.#inside?.webcams()?.snapshotUrl(camera)) ?? null)
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Runs the server until the slot stops. */
  async #run(): Promise<void> {
    const { starts, log } = this.#parts
    const { signal } = this.#stopping
    let failures = 0
    while (!signal.aborted) {
      const configured = this.#configTime()
      try {
        const restart = Promise.withResolvers<void>()
        this.#server = await starts.run(() => this.#start(restart.resolve), signal)
        failures = 0
        this.#report(null)
        await untilAborted(signal, restart.promise)
        await this.#end()
      } catch (error) {
        if (signal.aborted) break
        await this.#end()
        this.#report(describe(error))
        log.error(`printer ${this.name} does not run`, error instanceof ConfigError ? error.message : error)
        await this.#pause(BACKOFF[failures] ?? (BACKOFF.at(-1) as number), configured)
        failures += 1
      }
    }
  }

  #start(onRestart: () => void): Promise<RunningServer> {
    const { printer, host, createLog, places, managesMachine, debug, klippySocket } = this.#parts
    const { data } = this.#paths
    if (!statSync(data, { throwIfNoEntry: false })?.isDirectory()) {
      throw new StartError(`the data folder ${data} is not there: correct data_path in workshop.conf`)
    }
    return startServer({
      paths: this.#paths,
      log: createLog(this.#paths),
      host,
      components: [this.#component()],
      shared: { ...places, prefix: `/${this.name}`, ownPort: printer.ownPort },
      managesMachine,
      debug,
      onRestart,
      ...(klippySocket !== undefined && { klippySocket }),
    })
  }

  /** The part of the slot that is inside the server. */
  #component() {
    return component({
      section: 'server',
      presence: 'always',
      listed: false,
      options: {},
      needs: {
        webcams: optional(webcamService),
        metrics: optional(metricsService),
        policy: accessPolicy,
      },
      create: ({ core, scope, needs }): Component => {
        const status = new PrinterStatus(core, scope, this.#parts.onChange)
        status.watch(this.#isWatched)
        this.#instanceId = core.instanceId
        this.#inside = { core, status, ...needs }
        this.#parts.onBuilt(core)
        scope.defer(() => {
          this.#inside = null
        })
        return {}
      },
    })
  }

  async #end(): Promise<void> {
    const server = this.#server
    this.#server = null
    await server?.stop()
  }

  #report(error: string | null): void {
    this.#error = error
    this.#parts.onChange()
  }

  /** Waits before the next attempt; not longer than until moonraker.conf changes. */
  async #pause(seconds: number, configured: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { clock } = this.#parts.host
    const end = clock.after(seconds, resolve)
    const look = clock.every(LOOK, () => {
      if (this.#configTime() !== configured) resolve()
    })
    await untilAborted(this.#stopping.signal, promise)
    end.stop()
    look.stop()
  }

  /** The time of the last change of moonraker.conf; 0 without the file. */
  #configTime(): number {
    try {
      return statSync(this.#paths.configFile).mtimeMs
    } catch {
      return 0
    }
  }
}

/** Resolves with `promise`, or when `signal` is aborted. */
async function untilAborted(signal: AbortSignal, promise: Promise<void>): Promise<void> {
  if (signal.aborted) return
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  const onAbort = () => resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  await Promise.race([promise, aborted])
  signal.removeEventListener('abort', onAbort)
}

/** The text for the list: details of other errors are in the log. */
function describe(error: unknown): string {
  const isExpected = error instanceof ConfigError || error instanceof StartError
  return isExpected ? messageOf(error) : 'an internal error: see the log of the workshop'
}
