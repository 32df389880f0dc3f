// Watches the roots' own folders: they may disappear and come back, be replaced, or become read-only.
import { accessSync, constants, realpathSync, type Stats, statSync } from 'node:fs'
import type { FileChange } from '../../../api/files.ts'
import type { Clock, Timer } from '../../../core/clock.ts'
import type { Registration } from '../../../core/scope.ts'
import type { Warnings } from '../../../core/warnings.ts'
import { factsFrom } from '../tree/folder-node.ts'
import { goneItem, itemOf } from '../tree/item.ts'
import type { Observer } from '../tree/observer.ts'
import { asMissing } from './remote-disks.ts'
import type { Root, Roots } from './roots.ts'

/** Seconds between checks of the roots; fewer while a folder is missing. */
const INTERVAL = 5
const INTERVAL_MISSING = 1

/** What the monitor depends on. */
export interface RootMonitorParts {
  readonly roots: Roots
  readonly observer: Observer
  readonly clock: Clock
  readonly warnings: Warnings
  readonly notify: (change: FileChange) => void
  /** Called before a folder is served that was found for the first time, or again. Never rejects. */
  readonly prepare: (root: Root) => Promise<void>
}

/** The state of a root at its last check. */
interface RootState {
  /** The path without links; null if there is no folder. */
  readonly real: string | null
  /** Distinguishes the folder from another one at the same path; null if there is no folder. */
  readonly identity: string | null
  readonly writable: boolean
}

const MISSING: RootState = { real: null, identity: null, writable: false }

interface MonitoredRoot {
  /** As configured; `writable` is what the configuration allows at most. */
  readonly root: Root
  /** Whether clients need a notification of the first check: the root was added later than the start. */
  readonly isLate: boolean
  state: RootState | null
  warning: Registration | null
  /** Whether its disk did not respond at the last check. */
  isSilent: boolean
  /** The running check. */
  running: Promise<void>
  /** The check after the running one: all requests until it starts share it. */
  next: Promise<void> | null
}

export class RootMonitor {
  readonly #parts: RootMonitorParts
  readonly #monitored = new Map<string, MonitoredRoot>()
  #timer: Timer | null = null
  #interval = 0
  #started = false
  #stopped = false

  constructor(parts: RootMonitorParts) {
    this.#parts = parts
  }

  /**
   * Serves a folder, in place of the one served under that name. `writable` is what is allowed at most. After the start,
   * the folder is checked at once.
   */
  add(root: Root): void {
    const known = this.#monitored.get(root.name)
    if (known?.root.path === root.path) return
    known?.warning?.remove()
    const running = known?.running ?? Promise.resolve()
    const state = known?.state ?? null
    const isLate = this.#started
    this.#monitored.set(root.name, {
      root,
      isLate,
      state,
      warning: null,
      isSilent: false,
      running,
      next: null,
    })
    this.#parts.roots.add(root)
    if (this.#started) void this.check()
  }

  /** Stops serving a folder. */
  remove(name: string): void {
    this.#monitored.get(name)?.warning?.remove()
    this.#monitored.delete(name)
    this.#parts.roots.remove(name)
    this.#parts.observer.index.close(name)
  }

  /** Checks all roots from now on; resolves when each has been checked once. */
  async start(): Promise<void> {
    this.#started = true
    this.#schedule()
    await this.check()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.stop()
  }

  #schedule(): void {
    const isMissing = [...this.#monitored.values()].some(({ state }) => state?.identity === null)
    const interval = isMissing ? INTERVAL_MISSING : INTERVAL
    if (this.#stopped || interval === this.#interval) return
    this.#interval = interval
    this.#timer?.stop()
    this.#timer = this.#parts.clock.every(interval, () => void this.check())
  }

  /** Checks all roots at the same time: one may be on a disk that does not respond. Never rejects. */
  async check(): Promise<void> {
    this.#parts.roots.disks.refresh()
    await Promise.all([...this.#monitored.values()].map(monitored => this.#enqueue(monitored)))
  }

  #enqueue(monitored: MonitoredRoot): Promise<void> {
    monitored.next ??= monitored.running.then(() => {
      monitored.running = this.#checkRoot(monitored)
      monitored.next = null
      return monitored.running
    })
    return monitored.next
  }

  async #checkRoot(monitored: MonitoredRoot): Promise<void> {
    const { root, isLate, state: before } = monitored
    const { roots, observer, prepare } = this.#parts
    const state = this.#isLocal(root, before)
      ? await readState(root, BLOCKING_CALLS)
      : await this.#readRemote(monitored)
    if (state === undefined) return
    const isOther = state.identity !== before?.identity
    if (!isOther && state.writable === before?.writable) return
    if (isOther && state.identity !== null) await prepare({ ...root, real: state.real })
    if (this.#stopped || this.#monitored.get(root.name) !== monitored) return
    const updated = { ...root, writable: state.writable, real: state.real }
    monitored.state = state
    if (isOther) observer.index.close(root.name)
    roots.update(updated)
    this.#warn(monitored, state)
    this.#schedule()
    if (before !== null || isLate) await this.#notify(updated, state.identity)
    // Not awaited: the first scan may take long.
    if (isOther && state.identity !== null) void observer.open(updated)
  }

  /** Whether blocking calls return at once: no network disk is on the path, and no link leads to one since the last check. */
  #isLocal({ path }: Root, before: RootState | null): boolean {
    const { disks } = this.#parts.roots
    if (typeof before?.real !== 'string' || disks.isRemote(before.real)) return false
    return before.real === path || !disks.hasAny
  }

  /**
   * The state of a root that may be on a network disk. If that does not respond: undefined, there is a warning until it
   * does, and what is known of the root stays.
   */
  async #readRemote(monitored: MonitoredRoot): Promise<RootState | undefined> {
    const { root, state, isSilent } = monitored
    const { disks, calls } = this.#parts.roots
    try {
      await disks.checkLinks(root.path)
      const found = await readState(root, calls)
      monitored.isSilent = false
      if (isSilent && state !== null) this.#warn(monitored, state)
      return found
    } catch {
      if (!isSilent) {
        monitored.warning?.remove()
        const text = `The folder of root '${root.name}' is on a network disk that does not respond: ${root.path}.`
        monitored.warning = this.#parts.warnings.add(text, `root ${root.name}`)
      }
      monitored.isSilent = true
      return undefined
    }
  }

  #warn(monitored: MonitoredRoot, { identity, writable }: RootState): void {
    const { name, path, writable: mayBeWritten } = monitored.root
    monitored.warning?.remove()
    monitored.warning = null
    const warn = (text: string) => {
      monitored.warning = this.#parts.warnings.add(text, `root ${name}`)
    }
    if (identity === null) {
      warn(`The folder of root '${name}' is missing: ${path}. Connect its disk, or make the folder.`)
    } else if (mayBeWritten && !writable) {
      warn(
        `The folder of root '${name}' is read-only: ${path}. Give the user of this server the right to write.`,
      )
    }
  }

  async #notify(root: Root, identity: string | null): Promise<void> {
    const stats =
      identity === null ? undefined : await this.#parts.roots.calls.stat(root.path).catch(() => undefined)
    const item = stats === undefined ? goneItem(root, '') : itemOf(root, '', factsFrom(stats))
    this.#parts.notify({ action: 'root_update', item })
  }
}

/** The calls that read a state. */
interface Calls {
  readonly realpath: (path: string) => string | Promise<string>
  readonly stat: (path: string) => Stats | Promise<Stats>
  readonly access: (path: string, mode: number) => void | Promise<void>
}

/** For local disks: each call takes microseconds, and the thread pool would wake up the idle server for each. */
const BLOCKING_CALLS: Calls = { realpath: realpathSync.native, stat: statSync, access: accessSync }

/** Rejects with DiskSilent. */
async function readState({ path, writable }: Root, calls: Calls): Promise<RootState> {
  try {
    const real = await calls.realpath(path)
    const stats = await calls.stat(real)
    if (!stats.isDirectory()) return MISSING
    const mayWrite = writable && (await isWritable(real, calls))
    return { real, identity: `${real} ${stats.dev} ${stats.ino}`, writable: mayWrite }
  } catch (error) {
    asMissing(error)
    return MISSING
  }
}

/** Rejects if the folder is gone by now. */
async function isWritable(path: string, calls: Calls): Promise<boolean> {
  try {
    await calls.access(path, constants.W_OK)
    return true
  } catch (error) {
    asMissing(error)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error
    return false
  }
}
