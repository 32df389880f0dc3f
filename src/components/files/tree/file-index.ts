// What is known of the roots' files: read once, kept true by looking again at what may have changed.
import { statSync } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileChange } from '../../../api/files.ts'
import type { Place, Root, Roots } from '../roots/roots.ts'
import type { KnownFiles } from './changes.ts'
import { Differences } from './differences.ts'
import { lookAt, namesIn, type Seen } from './disk-view.ts'
import {
  below,
  detach,
  differ,
  type FolderNode,
  factsFrom,
  factsOf,
  findFolder,
  folderNode,
  markDirty,
  pathOf,
  walk,
} from './folder-node.ts'
import { itemOf } from './item.ts'

/** One root with what is known of it. */
export interface Tree {
  root: Root
  /** The root's folder, without links. */
  readonly top: string
  readonly node: FolderNode
}

/** What the trees are kept with. */
export interface KnownTreesParts {
  readonly roots: Roots
  /** Watches a folder; null where that is not possible or not wished for. */
  readonly watch: (root: Root, path: string, changed: (name: string | null) => void) => (() => void) | null
  /** The folder of a root is gone, or another one has taken its place. */
  readonly lost: () => void
  /** Something is there that `differences` holds, or that a folder was marked for. */
  readonly wake: () => void
}

/** How often a folder that changes while it is read is read again. */
const MAX_TRIES = 5

export class FileIndex implements KnownFiles {
  /** What clients have not been told of yet. */
  readonly differences = new Differences()
  readonly #parts: KnownTreesParts
  readonly #trees = new Map<string, Tree>()
  /** Folders that are being looked through, so that nobody does it beside. */
  readonly #busy = new Map<FolderNode, Promise<void>>()

  constructor(parts: KnownTreesParts) {
    this.#parts = parts
  }

  all(): Iterable<Tree> {
    return this.#trees.values()
  }

  /** The tree of a root. Rejects as the system does where the root's folder is not there. */
  async tree(root: Root): Promise<Tree> {
    const top = await realpath(root.path)
    const facts = factsFrom(await lstat(top))
    const known = this.#trees.get(root.name)
    if (known !== undefined && known.top === top && known.node.facts.id === facts.id) {
      known.root = root
      return known
    }
    this.close(root.name)
    const tree: Tree = { root, top, node: folderNode('', null, facts) }
    this.#trees.set(root.name, tree)
    this.#watch(tree, tree.node)
    return tree
  }

  /** Forgets a root's tree: its folder is gone or another one. */
  close(name: string): void {
    const tree = this.#trees.get(name)
    if (tree === undefined) return
    this.#trees.delete(name)
    detach(tree.node)
    this.differences.forget(name, '')
  }

  /** The folder at a place as it is now; undefined where there is none. */
  async folder({ root, relative }: Pick<Place, 'root' | 'relative'>): Promise<FolderNode | undefined> {
    const tree = await this.tree(root)
    let node = tree.node
    if (!node.read) await this.freshen(tree, node)
    for (const part of relative === '' ? [] : relative.split('/')) {
      if (!node.folders.has(part)) await this.lookAgain(tree, node, new Set([part]))
      const child = node.folders.get(part)
      if (child === undefined) return undefined
      node = child
    }
    await this.freshen(tree, node)
    return this.#isAttached(tree, node) ? node : undefined
  }

  /** Whether a folder still is the one that stands at its place in the tree. */
  holds(tree: Tree, node: FolderNode): boolean {
    return this.#isAttached(tree, node)
  }

  /** Looks at a folder as far as it may have changed. */
  async freshen(tree: Tree, node: FolderNode): Promise<void> {
    if (!node.read || node.unwatch === null) {
      await this.lookAgain(tree, node, 'all')
      return
    }
    const dirty = node.dirty
    if (dirty !== null) await this.lookAgain(tree, node, dirty)
    const stats = await lstat(this.#absolute(tree, node)).catch(() => undefined)
    if (stats === undefined || stats.mtimeMs / 1000 !== node.facts.modified)
      await this.lookAgain(tree, node, 'names')
  }

  /** Looks at given names, at names that came or went, or at everything in a folder; what is new is read as a whole. */
  lookAgain(tree: Tree, node: FolderNode, which: ReadonlySet<string> | 'names' | 'all'): Promise<void> {
    const before = this.#busy.get(node) ?? Promise.resolve()
    const look = before.then(() => this.#look(tree, node, node.read ? which : 'all'))
    const settled = look.catch(() => {})
    this.#busy.set(node, settled)
    return look.finally(() => {
      if (this.#busy.get(node) === settled) this.#busy.delete(node)
    })
  }

  async #look(tree: Tree, node: FolderNode, which: ReadonlySet<string> | 'names' | 'all'): Promise<void> {
    for (let left = MAX_TRIES; left > 0; left -= 1) {
      if (!this.#isAttached(tree, node)) return
      const { version } = node
      const path = this.#absolute(tree, node)
      if (node.dirty === which || which === 'all') node.dirty = null
      const view = { roots: this.#parts.roots, top: tree.top }
      const isWhole = which === 'names' || which === 'all'
      const stats = await lstat(path).catch(() => undefined)
      if (stats === undefined || (node.parent === null && stats.ino !== node.facts.id)) {
        this.#lost(tree, node)
        return
      }
      // A folder that may not be read is an empty one.
      const names = isWhole ? await namesIn(path, view).catch(() => []) : [...which]
      const wanted = which === 'names' ? names.filter(name => factsOf(node, name) === undefined) : names
      const seen = await lookAt(path, wanted, view)
      if (node.version !== version || !this.#isAttached(tree, node)) continue
      const present = isWhole ? new Set(names) : undefined
      const isNew = this.#takeIn(tree, node, { wanted, seen, present })
      node.facts = factsFrom(stats)
      node.read = true
      for (const folder of isNew) await this.#fill(tree, folder)
      return
    }
    markDirty(node, null)
    this.#parts.wake()
  }

  /** Reads all of a folder that was not known. */
  async #fill(tree: Tree, folder: FolderNode): Promise<void> {
    if (!folder.read) await this.lookAgain(tree, folder, 'all')
  }

  #lost(tree: Tree, { parent, name }: FolderNode): void {
    if (parent === null) {
      this.close(tree.root.name)
      this.#parts.lost()
      return
    }
    this.#replace(tree, parent, name, undefined, !parent.read)
    this.#parts.wake()
  }

  #takeIn(
    tree: Tree,
    node: FolderNode,
    found: {
      wanted: readonly string[]
      seen: ReadonlyMap<string, Seen>
      present: ReadonlySet<string> | undefined
    },
  ): FolderNode[] {
    const silent = !node.read
    const isNew: FolderNode[] = []
    const { wanted, seen, present } = found
    const known = [...node.files.keys(), ...node.folders.keys(), ...node.links.keys()]
    const missing = present === undefined ? [] : known.filter(name => !present.has(name))
    for (const name of [...missing, ...wanted]) {
      const come = this.#replace(tree, node, name, seen.get(name), silent)
      if (come !== undefined) isNew.push(come)
    }
    if (this.differences.size > 0) this.#parts.wake()
    return isNew
  }

  /** Sets what stands under a name; gives the folder that is new by it. */
  #replace(
    tree: Tree,
    node: FolderNode,
    name: string,
    seen: Seen | undefined,
    silent: boolean,
  ): FolderNode | undefined {
    const before = factsOf(node, name) ?? null
    const after = seen?.facts ?? null
    const old = node.folders.get(name)
    const isFolder = after?.isFolder === true && seen?.isFolderLink === false
    if (old !== undefined && isFolder && !differ(old.facts, after)) {
      old.facts = after
      return undefined
    }
    if (old !== undefined) detach(old)
    node.files.delete(name)
    node.links.delete(name)
    let come: FolderNode | undefined
    if (isFolder) {
      come = folderNode(name, node, after)
      node.folders.set(name, come)
      this.#watch(tree, come)
    } else if (after !== null) (after.isFolder ? node.links : node.files).set(name, after)
    if (!silent) {
      this.differences.note({
        root: tree.root,
        path: below(pathOf(node), name),
        before,
        after,
        gone: old,
        come,
      })
    }
    return come
  }

  #watch(tree: Tree, node: FolderNode): void {
    const path = this.#absolute(tree, node)
    node.unwatch = this.#parts.watch(tree.root, path, name => {
      markDirty(node, name)
      this.#parts.wake()
    })
  }

  #isAttached(tree: Tree, node: FolderNode): boolean {
    let top = node
    while (top.parent !== null) top = top.parent
    return top === tree.node && this.#trees.get(tree.root.name) === tree
  }

  #absolute(tree: Tree, node: FolderNode): string {
    return join(tree.top, pathOf(node))
  }

  /** The absolute path of a place in a root; undefined for a root of which nothing is known. */
  absolutePath(root: string, path: string): string | undefined {
    const tree = this.#trees.get(root)
    return tree === undefined ? undefined : join(tree.top, path)
  }

  /** Notes that a place may have changed. */
  mark(root: string, path: string): void {
    const tree = this.#trees.get(root)
    const cut = path.lastIndexOf('/')
    const parent = tree && findFolder(tree.node, cut === -1 ? '' : path.slice(0, cut))
    if (parent !== undefined) markDirty(parent, path.slice(cut + 1))
  }

  /** Reads what a folder of our own making holds, without telling anyone. Not for folders that are known. */
  async takeInFolder({ root, relative }: Place): Promise<void> {
    const tree = this.#trees.get(root.name)
    if (tree === undefined) return
    const cut = relative.lastIndexOf('/')
    const parent = findFolder(tree.node, cut === -1 ? '' : relative.slice(0, cut))
    if (parent?.read !== true) return
    await this.lookAgain(tree, parent, new Set([relative.slice(cut + 1)]))
    this.differences.forget(root.name, relative)
  }

  apply(change: FileChange): readonly FileChange[] {
    const { action, item, source_item: source } = change
    const tree = this.#trees.get(item.root)
    const from = source === undefined ? undefined : this.#trees.get(source.root)
    const folder = source === undefined ? undefined : this.#takeOut(from, source.path)
    if (action === 'delete_file' || action === 'delete_dir') {
      this.#takeOut(tree, item.path)
      return []
    }
    if (tree === undefined || action === 'root_update' || item.path === '') return []
    this.differences.forget(item.root, item.path)
    const made: FileChange[] = []
    const parent = this.#parentOf(tree, item.path, made)
    if (parent === undefined) return made
    const name = item.path.slice(item.path.lastIndexOf('/') + 1)
    if (action === 'move_dir' || action === 'create_dir') this.#putFolder(tree, parent, name, folder)
    else this.#putFile(parent, name, item)
    return made
  }

  /** Takes a file or folder out of what is known. */
  #takeOut(tree: Tree | undefined, path: string): FolderNode | undefined {
    if (tree === undefined) return undefined
    this.differences.forget(tree.root.name, path)
    const cut = path.lastIndexOf('/')
    const parent = findFolder(tree.node, cut === -1 ? '' : path.slice(0, cut))
    if (parent === undefined) return undefined
    const name = path.slice(cut + 1)
    const folder = parent.folders.get(name)
    parent.version += 1
    parent.files.delete(name)
    parent.links.delete(name)
    parent.folders.delete(name)
    if (folder !== undefined) detach(folder)
    return folder
  }

  /** The folder of `path`; those that were not known are made known, and told of in `made`. */
  #parentOf(tree: Tree, path: string, made: FileChange[]): FolderNode | undefined {
    let node = tree.node
    for (const part of path.split('/').slice(0, -1)) {
      if (!node.read) break
      const known = node.folders.get(part)
      const child = known ?? this.#putFolder(tree, node, part, undefined)
      if (child === undefined) return undefined
      const folder = pathOf(child)
      // A folder that was found in the midst of the operation is known and still untold.
      const untold = this.differences.takeNew(tree.root.name, folder)
      if (known === undefined) this.differences.forget(tree.root.name, folder)
      if ((known === undefined || untold) && made.length === 0)
        made.push({ action: 'create_dir', item: itemOf(tree.root, folder, child.facts) })
      node = child
    }
    // Where the first look is still under way it has to begin anew.
    node.version += 1
    return node.read ? node : undefined
  }

  /** Puts a folder of our own making into the tree; what others put there meanwhile is looked for later. */
  #putFolder(
    tree: Tree,
    parent: FolderNode,
    name: string,
    moved: FolderNode | undefined,
  ): FolderNode | undefined {
    const known = parent.folders.get(name)
    if (known !== undefined) return known
    const stats = statSync(join(this.#absolute(tree, parent), name), { throwIfNoEntry: false })
    if (stats?.isDirectory() !== true) return undefined
    const node = moved ?? folderNode(name, parent, factsFrom(stats))
    node.name = name
    node.parent = parent
    node.facts = factsFrom(stats)
    node.read = true
    parent.version += 1
    parent.folders.set(name, node)
    for (const each of walk(node)) this.#watch(tree, each)
    if (moved === undefined) markDirty(node, null)
    this.#parts.wake()
    return node
  }

  #putFile(parent: FolderNode, name: string, item: FileChange['item']): void {
    const { size = 0, modified = 0 } = item
    const permissions = item.permissions === 'r' || item.permissions === '' ? item.permissions : 'rw'
    const folder = parent.folders.get(name)
    if (folder !== undefined) detach(folder)
    parent.links.delete(name)
    parent.files.set(name, { isFolder: false, size, modified, permissions, id: 0, born: 0 })
  }
}
