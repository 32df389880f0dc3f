// Finds what others change in the roots and has it told: hears it where the system tells, looks from time to time where
// it does not, and waits until a file is written to its end.

import type { FileChange } from '../../../api/files.ts'
import type { Clock, Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Warnings } from '../../../core/warnings.ts'
import type { Root, Roots } from '../roots/roots.ts'
import type { TreeLock } from '../roots/tree-lock.ts'
import { changesFrom, type Difference } from './differences.ts'
import { FileIndex, type Tree } from './file-index.ts'
import { type FolderNode, pathOf, walk } from './folder-node.ts'
import { watchFolder } from './folder-watch.ts'
import { type Mounts, parseMounts, readMounts } from './mounts.ts'

/** Seconds from a change to the look at it, so that changes that belong together are found together. */
const GATHER = 0.1
/** Seconds that a file must rest before it is told of: who writes a file writes often. */
const REST = 0.3
/** Looks at a folder that changes again and again, until others have their turn. */
const MAX_LOOKS = 3
/** Seconds between looks at what cannot be watched. */
const POLL = 5
/** Every so many looks, files are looked at too, and not only which there are. */
const POLL_ALL = 6

const LIMIT_WARNING =
  'The system allows too few watches on folders: changes that other programs make to files are noticed late. ' +
  'Allow more with "sysctl fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=512", and write ' +
  'both into a file in /etc/sysctl.d to keep it.'

/** What an observer is made of. */
export interface ObserverParts {
  readonly roots: Roots
  readonly lock: TreeLock
  readonly clock: Clock
  readonly log: Log
  readonly warnings: Warnings
  /** Tells clients and the server of a change that is known already. */
  readonly tell: (change: FileChange) => void
  /** False where changes by others are not to be observed (option file_system_observer). */
  readonly isOn: boolean
  readonly warns: boolean
  /** The folder of a root is gone, or another one has taken its place. */
  readonly lost: () => void
}

export class Observer {
  readonly trees: FileIndex
  readonly #parts: ObserverParts
  #mounts: Mounts = parseMounts('')
  #timer: Timer | null = null
  #poll: Timer | null = null
  #polls = 0
  #working: Promise<void> | null = null
  #stopped = false

  constructor(parts: ObserverParts) {
    this.#parts = parts
    this.trees = new FileIndex({
      roots: parts.roots,
      watch: (root, path, changed) => this.#watch(root, path, changed),
      wake: () => this.#wake(GATHER),
      lost: parts.lost,
    })
  }

  /** Whether changes in `root` are told. */
  observes(root: Root): boolean {
    return this.#parts.isOn && root.observed === true
  }

  /** Reads the observed roots for the first time. */
  async start(): Promise<void> {
    if (!this.#parts.isOn) return
    this.#mounts = await readMounts()
    for (const tree of this.trees.all()) this.#unwatchRemote(tree)
    for (const root of this.#parts.roots.all()) await this.open(root)
    this.#poll = this.#parts.clock.every(POLL, () => this.#look())
  }

  /** For folders that a client has asked for before the mounts were known. */
  #unwatchRemote({ root, node: top }: Tree): void {
    for (const node of walk(top)) {
      const path = this.trees.absolutePath(root.name, pathOf(node))
      if (path === undefined || !this.#mounts.isRemote(path)) continue
      node.unwatch?.()
      node.unwatch = null
    }
  }

  /** Reads a root, so that what changes in it from now on is noticed. */
  async open(root: Root): Promise<void> {
    if (!this.observes(root) || this.#stopped) return
    try {
      await this.trees.folder({ root, relative: '' })
    } catch (error) {
      this.#parts.log.warning(`the files of root '${root.name}' cannot be read: ${messageOf(error)}`)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.stop()
    this.#poll?.stop()
    await this.#working
    for (const { root } of this.trees.all()) this.trees.close(root.name)
  }

  #watch(root: Root, path: string, changed: (name: string | null) => void): (() => void) | null {
    if (!this.observes(root) || this.#stopped || this.#mounts.isRemote(path)) return null
    const watched = watchFolder(path, changed)
    if ('stop' in watched) return watched.stop
    if (watched.problem === 'limit' && this.#parts.warns)
      this.#parts.warnings.add(LIMIT_WARNING, 'watch limit')
    return null
  }

  #wake(seconds: number): void {
    if (this.#timer !== null || this.#stopped || !this.#parts.isOn) return
    this.#timer = this.#parts.clock.after(seconds, () => {
      this.#timer = null
      this.#work(() => this.#flush())
    })
  }

  /** One work after the other: a look may find the other half of a move that the one before has found. */
  #work(work: () => Promise<void>): void {
    const done = (this.#working ?? Promise.resolve())
      .then(work)
      .catch(error => this.#parts.log.error('looking for changed files failed', error))
      .then(() => {
        if (this.#working === done) this.#working = null
      })
    this.#working = done
  }

  async #flush(): Promise<void> {
    for (const tree of this.trees.all()) {
      if (this.observes(tree.root)) for (const node of walk(tree.node)) await this.#lookIfDirty(tree, node)
    }
    const now = this.#parts.clock.now()
    const ready = this.trees.differences.take(each => this.#isReady(each, now))
    for (const change of changesFrom(ready)) this.#parts.tell(change)
    for (const { root, path } of this.trees.differences) this.trees.mark(root.name, path)
    if (this.trees.differences.size > 0) this.#wake(REST)
  }

  /** A folder may be gone, or be another one, since it was found dirty; one that never rests is left for later. */
  async #lookIfDirty(tree: Tree, node: FolderNode): Promise<void> {
    for (let left = MAX_LOOKS; left > 0; left -= 1) {
      if (node.dirty === null || !node.read || this.#stopped || !this.trees.holds(tree, node)) return
      await this.trees.lookAgain(tree, node, node.dirty)
    }
    this.#wake(GATHER)
  }

  /** A file must rest, and nobody of ours be at work on the place. */
  #isReady({ root, path, after }: Difference, now: number): boolean {
    const absolute = this.trees.absolutePath(root.name, path)
    if (absolute !== undefined && this.#parts.lock.isWritten(absolute)) return false
    return after === null || after.isFolder || Math.abs(now - after.modified) >= REST
  }

  /** Looks at the folders that no watch tells of. */
  #look(): void {
    this.#polls += 1
    const which = this.#polls % POLL_ALL === 0 ? 'all' : 'names'
    this.#work(async () => {
      for (const tree of this.trees.all()) {
        if (!this.observes(tree.root)) continue
        for (const node of walk(tree.node)) {
          if (node.unwatch === null && node.read) await this.trees.lookAgain(tree, node, which)
        }
      }
    })
  }
}
