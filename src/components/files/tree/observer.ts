// Notifies clients of changes that other programs make in the roots: uses the system's notifications (inotify) where it
// can, polls where it cannot, and waits until a file is completely written.

import type { FileChange } from '../../../api/files.ts'
import type { Clock, Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Warnings } from '../../../core/warnings.ts'
import type { PathLock } from '../roots/path-lock.ts'
import type { Root, Roots } from '../roots/roots.ts'
import { changesFrom, type Difference } from './differences.ts'
import { FileIndex, type Selection } from './file-index.ts'
import { type FolderNode, pathOf, walk } from './folder-node.ts'
import type { Tree } from './trees.ts'
import { watchFolder } from './watch-folder.ts'

/** Seconds from a change to the scan: changes that belong together are found together. */
const DEBOUNCE = 0.1
/** Seconds without a change before a file counts as completely written. */
const SETTLE = 0.3
/** Rounds of scans while folders change again and again, before clients are notified. */
const MAX_ROUNDS = 3
/** Seconds between polls of folders that cannot be watched. */
const POLL = 5
/** Every so many polls, files are scanned too, and not only the list of names. */
const POLL_ALL = 6

const LIMIT_WARNING =
  'The system allows too few watches on folders: the server notices changes by other programs with a delay. ' +
  'Allow more with "sysctl fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=512", and write ' +
  'both into a file in /etc/sysctl.d to keep it.'

/** What an observer depends on. */
export interface ObserverParts {
  readonly roots: Roots
  readonly lock: PathLock
  readonly clock: Clock
  readonly log: Log
  readonly warnings: Warnings
  /** Notifies of a change that the index has already. */
  readonly notify: (change: FileChange) => void
  /** False if the configuration turns it off (option file_system_observer). */
  readonly enabled: boolean
  /** Whether to warn if the system allows too few watches (option enable_observer_warnings). */
  readonly warnsOfLimit: boolean
  /** Called when the folder of a root was removed or replaced. */
  readonly rootLost: () => void
}

export class Observer {
  readonly index: FileIndex
  readonly #parts: ObserverParts
  #timer: Timer | null = null
  #pollTimer: Timer | null = null
  #polls = 0
  #running: Promise<void> | null = null
  #stopped = false

  constructor(parts: ObserverParts) {
    this.#parts = parts
    this.index = new FileIndex({
      roots: parts.roots,
      watch: (root, path, changed) => this.#watch(root, path, changed),
      onChange: () => this.#schedule(DEBOUNCE),
      rootLost: parts.rootLost,
    })
  }

  /** Whether clients get notifications of changes in `root`. */
  observes(root: Root): boolean {
    return this.#parts.enabled && root.observed === true
  }

  /** Starts to poll what cannot be watched. `open` starts to observe a root. */
  start(): void {
    if (this.#parts.enabled) this.#pollTimer = this.#parts.clock.every(POLL, () => this.#poll())
  }

  /** Scans a root and starts to watch it. */
  async open(root: Root): Promise<void> {
    if (!this.observes(root) || this.#stopped) return
    try {
      const tree = await this.index.tree(root)
      for (const node of walk(tree.node)) if (!node.read) await this.#rescan(tree, node, 'all')
    } catch (error) {
      this.#parts.log.warning(`the files of root '${root.name}' cannot be read: ${messageOf(error)}`)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.stop()
    this.#pollTimer?.stop()
    await this.#running
    for (const { root } of this.index.all()) this.index.close(root.name)
  }

  #watch(root: Root, path: string, changed: (name: string | null) => void): (() => void) | null {
    if (!this.observes(root) || this.#stopped || this.#parts.roots.disks.isRemote(path)) return null
    const watched = watchFolder(path, changed)
    if ('stop' in watched) return watched.stop
    if (watched.problem === 'limit' && this.#parts.warnsOfLimit)
      this.#parts.warnings.add(LIMIT_WARNING, 'watch limit')
    return null
  }

  #schedule(seconds: number): void {
    if (this.#timer !== null || this.#stopped || !this.#parts.enabled) return
    this.#timer = this.#parts.clock.after(seconds, () => {
      this.#timer = null
      this.#enqueue(() => this.#notifyOfChanges())
    })
  }

  /** Runs scans one after the other: one may find the other half of a move that the one before has found. */
  #enqueue(work: () => Promise<void>): void {
    const done = (this.#running ?? Promise.resolve())
      .then(work)
      .catch(error => this.#parts.log.error('the scan for changed files failed', error))
      .then(() => {
        if (this.#running === done) this.#running = null
      })
    this.#running = done
  }

  async #notifyOfChanges(): Promise<void> {
    await this.#scanChanges()
    const now = this.#parts.clock.now()
    const ready = this.index.differences.take(each => this.#isReady(each, now))
    for (const change of changesFrom(ready)) this.#parts.notify(change)
    for (const { root, path } of this.index.differences) this.index.mark(root.name, path)
    if (this.index.differences.size > 0) this.#schedule(SETTLE)
  }

  /**
   * Scans until nothing is marked as changed, and no request scans: it may have found one half of a move. What keeps
   * changing is left for later.
   */
  async #scanChanges(): Promise<void> {
    for (let left = MAX_ROUNDS; left > 0; left -= 1) {
      const wasClean = await this.#scanMarked()
      const scans = this.index.runningScans()
      if (this.#stopped || (wasClean && scans.length === 0)) return
      await Promise.all(scans)
    }
    this.#schedule(DEBOUNCE)
  }

  /** Scans each folder that is new or marked once. Resolves with whether none was marked. */
  async #scanMarked(): Promise<boolean> {
    let wasClean = true
    for (const tree of this.index.all()) {
      if (!this.observes(tree.root)) continue
      for (const node of walk(tree.node)) {
        // The folder may have been removed or replaced meanwhile.
        const which = node.read ? node.dirty : 'all'
        if (which === null || this.#stopped || !this.index.holds(tree, node)) continue
        if (node.read) wasClean = false
        await this.#rescan(tree, node, which)
      }
    }
    return wasClean
  }

  /** One folder that cannot be read does not stop the others. */
  async #rescan(tree: Tree, node: FolderNode, which: Selection): Promise<void> {
    try {
      await this.index.rescan(tree, node, which)
    } catch (error) {
      this.#parts.log.debug(`${tree.root.name}/${pathOf(node)} cannot be read: ${messageOf(error)}`)
    }
  }

  /** A file must be unchanged for a while, and no operation of the server may write to it. */
  #isReady({ root, path, after }: Difference, now: number): boolean {
    const absolute = this.index.absolutePath(root.name, path)
    if (absolute !== undefined && this.#parts.lock.isWritten(absolute)) return false
    return after === null || after.isFolder || Math.abs(now - after.modified) >= SETTLE
  }

  /** Scans the folders that have no watch, and the links: a watch does not report changes of their targets. */
  #poll(): void {
    this.#polls += 1
    const which = this.#polls % POLL_ALL === 0 ? 'all' : 'names'
    this.#enqueue(async () => {
      for (const tree of this.index.all()) {
        if (!this.observes(tree.root)) continue
        for (const node of walk(tree.node)) {
          if (node.read && node.unwatch === null) await this.#rescan(tree, node, which)
          else if (node.linkNames.size > 0) await this.#rescan(tree, node, new Set(node.linkNames))
        }
      }
    })
  }
}
