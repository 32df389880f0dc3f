// Watches the roots' own folders: they may disappear and come back, be replaced, or become read-only.
import { constants } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import type { FileChange } from '../../../api/files.ts'
import type { Clock, Timer } from '../../../core/clock.ts'
import type { Registration } from '../../../core/scope.ts'
import type { Warnings } from '../../../core/warnings.ts'
import { factsFrom } from '../tree/folder-node.ts'
import { goneItem, itemOf } from '../tree/item.ts'
import type { Observer } from '../tree/observer.ts'
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
}

/** The state of a root at its last check. */
interface RootState {
  /** Distinguishes the folder from another one at the same path; null if there is no folder. */
  readonly identity: string | null
  readonly writable: boolean
}

interface MonitoredRoot {
  /** As configured; `writable` is what the configuration allows at most. */
  readonly root: Root
  state: RootState | null
  warning: Registration | null
}

export class RootMonitor {
  readonly #parts: RootMonitorParts
  readonly #monitored = new Map<string, MonitoredRoot>()
  #timer: Timer | null = null
  #checking: Promise<void> = Promise.resolve()
  #started = false
  #stopped = false

  constructor(parts: RootMonitorParts) {
    this.#parts = parts
  }

  /** Serves a folder, in place of the one served under that name. `writable` is what is allowed at most. */
  add(root: Root): void {
    const known = this.#monitored.get(root.name)
    if (known?.root.path === root.path) return
    known?.warning?.remove()
    this.#monitored.set(root.name, { root, state: known?.state ?? null, warning: null })
    this.#parts.roots.add(root)
  }

  /** Stops serving a folder. */
  remove(name: string): void {
    this.#monitored.get(name)?.warning?.remove()
    this.#monitored.delete(name)
    this.#parts.roots.remove(name)
    this.#parts.observer.index.close(name)
  }

  async start(): Promise<void> {
    await this.check()
    this.#started = true
    this.#schedule()
  }

  #schedule(): void {
    if (this.#stopped) return
    this.#timer?.stop()
    const isMissing = [...this.#monitored.values()].some(({ state }) => state?.identity === null)
    this.#timer = this.#parts.clock.after(isMissing ? INTERVAL_MISSING : INTERVAL, () => {
      void this.check()
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.stop()
    await this.#checking
  }

  /** Checks all roots; resolves when that is done. Never rejects. */
  check(): Promise<void> {
    this.#checking = this.#checking.then(async () => {
      for (const monitored of this.#monitored.values()) await this.#checkRoot(monitored)
      if (this.#started) this.#schedule()
    })
    return this.#checking
  }

  async #checkRoot(monitored: MonitoredRoot): Promise<void> {
    const { root, state: before } = monitored
    const state = await readState(root)
    if (state.identity === before?.identity && state.writable === before.writable) return
    monitored.state = state
    const { roots, observer, warnings } = this.#parts
    roots.add({ ...root, writable: state.writable })
    monitored.warning?.remove()
    monitored.warning =
      state.identity === null
        ? warnings.add(
            `The folder of root '${root.name}' is missing: ${root.path}. Connect its disk, or make the folder.`,
            `root ${root.name}`,
          )
        : null
    if (state.identity !== before?.identity) observer.index.close(root.name)
    if (!this.#started) return
    await this.#notify(roots.get(root.name), state.identity)
    if (state.identity !== null) await observer.open(roots.get(root.name))
  }

  async #notify(root: Root, identity: string | null): Promise<void> {
    const stats = identity === null ? undefined : await stat(root.path).catch(() => undefined)
    const item = stats === undefined ? goneItem(root, '') : itemOf(root, '', factsFrom(stats))
    this.#parts.notify({ action: 'root_update', item })
  }
}

async function readState({ path, writable }: Root): Promise<RootState> {
  try {
    const real = await realpath(path)
    const { dev, ino } = await stat(real)
    const mayWrite =
      writable &&
      (await access(real, constants.W_OK).then(
        () => true,
        () => false,
      ))
    return { identity: `${real} ${dev} ${ino}`, writable: mayWrite }
  } catch {
    return { identity: null, writable: false }
  }
}
