// The file index: the server's knowledge of the files in the roots. Reads folders once, and again what may have changed.
import { statSync } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileChange } from '../../../api/files.ts'
import type { Place, Root, Roots } from '../roots/roots.ts'
import { Differences } from './differences.ts'
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
import { type DiskEntry, readEntries, readNames } from './read-folder.ts'

/** The index of one root. */
export interface Tree {
  root: Root
  /** The root's folder, without links. */
  readonly top: string
  readonly node: FolderNode
}

/** What the index depends on. */
export interface FileIndexParts {
  readonly roots: Roots
  /** Watches a folder; returns null if that is not possible or not wanted. */
  readonly watch: (root: Root, path: string, changed: (name: string | null) => void) => (() => void) | null
  /** Called when the folder of a root was removed or replaced. */
  readonly rootLost: () => void
  /** Called when there are differences, or a folder was marked as changed. */
  readonly onChange: () => void
}

/** Attempts to scan a folder that the server itself changes meanwhile. */
const MAX_ATTEMPTS = 5

/** Names to scan in a folder: given ones, those that were added or removed, or all. */
type Selection = ReadonlySet<string> | 'names' | 'all'

export class FileIndex {
  /** Changes that clients have no notification of yet. */
  readonly differences = new Differences()
  readonly #parts: FileIndexParts
  readonly #trees = new Map<string, Tree>()
  /** The running scans: each folder has one at a time. */
  readonly #scans = new Map<FolderNode, Promise<void>>()

  constructor(parts: FileIndexParts) {
    this.#parts = parts
  }

  all(): Iterable<Tree> {
    return this.#trees.values()
  }

  /** The tree of a root. Rejects with the system's error if the root's folder does not exist. */
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

  /** Forgets a root's tree, because its folder was removed or replaced. */
  close(name: string): void {
    const tree = this.#trees.get(name)
    if (tree === undefined) return
    this.#trees.delete(name)
    detach(tree.node)
    this.differences.forget(name, '')
  }

  /** The folder at a path as it is now; undefined if there is no folder. */
  async folder({ root, relative }: Pick<Place, 'root' | 'relative'>): Promise<FolderNode | undefined> {
    const tree = await this.tree(root)
    let node = tree.node
    if (!node.read) await this.refresh(tree, node)
    for (const part of relative === '' ? [] : relative.split('/')) {
      if (!node.folders.has(part)) await this.rescan(tree, node, new Set([part]))
      const child = node.folders.get(part)
      if (child === undefined) return undefined
      node = child
    }
    await this.refresh(tree, node)
    return this.#isAttached(tree, node) ? node : undefined
  }

  /** Whether a folder is still in the tree. */
  holds(tree: Tree, node: FolderNode): boolean {
    return this.#isAttached(tree, node)
  }

  /** Scans what may have changed in a folder. */
  async refresh(tree: Tree, node: FolderNode): Promise<void> {
    if (!node.read || node.unwatch === null) {
      await this.rescan(tree, node, 'all')
      return
    }
    const dirty = node.dirty
    if (dirty !== null) await this.rescan(tree, node, dirty)
    const stats = await lstat(this.#absolute(tree, node)).catch(() => undefined)
    if (stats === undefined || stats.mtimeMs / 1000 !== node.facts.modified)
      await this.rescan(tree, node, 'names')
  }

  /** Scans a folder; new subfolders are scanned completely. */
  rescan(tree: Tree, node: FolderNode, which: Selection): Promise<void> {
    const before = this.#scans.get(node) ?? Promise.resolve()
    const scan = before.then(() => this.#scan(tree, node, node.read ? which : 'all'))
    const settled = scan.catch(() => {})
    this.#scans.set(node, settled)
    return scan.finally(() => {
      if (this.#scans.get(node) === settled) this.#scans.delete(node)
    })
  }

  async #scan(tree: Tree, node: FolderNode, which: Selection): Promise<void> {
    for (let left = MAX_ATTEMPTS; left > 0; left -= 1) {
      if (!this.#isAttached(tree, node)) return
      const { version } = node
      const path = this.#absolute(tree, node)
      if (node.dirty === which || which === 'all') node.dirty = null
      const scope = { roots: this.#parts.roots, top: tree.top }
      const isWhole = which === 'names' || which === 'all'
      const stats = await lstat(path).catch(() => undefined)
      if (stats === undefined || (node.parent === null && stats.ino !== node.facts.id)) {
        this.#remove(tree, node)
        return
      }
      // An unreadable folder counts as empty.
      const names = isWhole ? await readNames(path, scope).catch(() => []) : [...which]
      const wanted = which === 'names' ? names.filter(name => factsOf(node, name) === undefined) : names
      const entries = await readEntries(path, wanted, scope)
      if (node.version !== version || !this.#isAttached(tree, node)) continue
      const present = isWhole ? new Set(names) : undefined
      const added = this.#update(tree, node, { wanted, entries, present })
      node.facts = factsFrom(stats)
      node.read = true
      for (const folder of added) if (!folder.read) await this.rescan(tree, folder, 'all')
      return
    }
    markDirty(node, null)
    this.#parts.onChange()
  }

  /** A folder was removed, or replaced by another one. */
  #remove(tree: Tree, { parent, name }: FolderNode): void {
    if (parent === null) {
      this.close(tree.root.name)
      this.#parts.rootLost()
      return
    }
    this.#replace(tree, parent, name, undefined, !parent.read)
    this.#parts.onChange()
  }

  /** Updates a folder with what was found; returns the folders that are new. */
  #update(
    tree: Tree,
    node: FolderNode,
    found: {
      wanted: readonly string[]
      entries: ReadonlyMap<string, DiskEntry>
      present: ReadonlySet<string> | undefined
    },
  ): FolderNode[] {
    const silent = !node.read
    const added: FolderNode[] = []
    const { wanted, entries, present } = found
    const known = [...node.files.keys(), ...node.folders.keys(), ...node.links.keys()]
    const missing = present === undefined ? [] : known.filter(name => !present.has(name))
    for (const name of [...missing, ...wanted]) {
      const folder = this.#replace(tree, node, name, entries.get(name), silent)
      if (folder !== undefined) added.push(folder)
    }
    if (this.differences.size > 0) this.#parts.onChange()
    return added
  }

  /** Sets the entry of a name; returns the new folder, if it is one. */
  #replace(
    tree: Tree,
    node: FolderNode,
    name: string,
    entry: DiskEntry | undefined,
    silent: boolean,
  ): FolderNode | undefined {
    const before = factsOf(node, name) ?? null
    const after = entry?.facts ?? null
    const old = node.folders.get(name)
    const isFolder = after?.isFolder === true && entry?.isFolderLink === false
    if (old !== undefined && isFolder && !differ(old.facts, after)) {
      old.facts = after
      return undefined
    }
    if (old !== undefined) detach(old)
    node.files.delete(name)
    node.links.delete(name)
    let added: FolderNode | undefined
    if (isFolder) {
      added = folderNode(name, node, after)
      node.folders.set(name, added)
      this.#watch(tree, added)
    } else if (after !== null) (after.isFolder ? node.links : node.files).set(name, after)
    if (!silent) {
      this.differences.add({
        root: tree.root,
        path: below(pathOf(node), name),
        before,
        after,
        removed: old,
        added,
      })
    }
    return added
  }

  #watch(tree: Tree, node: FolderNode): void {
    const path = this.#absolute(tree, node)
    node.unwatch = this.#parts.watch(tree.root, path, name => {
      markDirty(node, name)
      this.#parts.onChange()
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

  /** The absolute path of a file in a root; undefined if the root has no tree. */
  absolutePath(root: string, path: string): string | undefined {
    const tree = this.#trees.get(root)
    return tree === undefined ? undefined : join(tree.top, path)
  }

  /** Marks a path as possibly changed. */
  mark(root: string, path: string): void {
    const tree = this.#trees.get(root)
    const cut = path.lastIndexOf('/')
    const parent = tree && findFolder(tree.node, cut === -1 ? '' : path.slice(0, cut))
    if (parent !== undefined) markDirty(parent, path.slice(cut + 1))
  }

  /** Reads a folder that the server itself has made, without notifications. Not for folders that the index has. */
  async addFolder({ root, relative }: Place): Promise<void> {
    const tree = this.#trees.get(root.name)
    if (tree === undefined) return
    const cut = relative.lastIndexOf('/')
    const parent = findFolder(tree.node, cut === -1 ? '' : relative.slice(0, cut))
    if (parent?.read !== true) return
    await this.rescan(tree, parent, new Set([relative.slice(cut + 1)]))
    this.differences.forget(root.name, relative)
  }

  /**
   * Applies a change by the server itself. Returns the changes that clients need before it: new folders on its path.
   */
  apply(change: FileChange): readonly FileChange[] {
    const { action, item, source_item: source } = change
    const tree = this.#trees.get(item.root)
    const from = source === undefined ? undefined : this.#trees.get(source.root)
    const folder = source === undefined ? undefined : this.#detach(from, source.path)
    if (action === 'delete_file' || action === 'delete_dir') {
      this.#detach(tree, item.path)
      return []
    }
    if (tree === undefined || action === 'root_update' || item.path === '') return []
    this.differences.forget(item.root, item.path)
    const newFolders: FileChange[] = []
    const parent = this.#parentOf(tree, item.path, newFolders)
    if (parent === undefined) return newFolders
    const name = item.path.slice(item.path.lastIndexOf('/') + 1)
    if (action === 'move_dir' || action === 'create_dir') this.#putFolder(tree, parent, name, folder)
    else this.#putFile(parent, name, item)
    return newFolders
  }

  /** Removes a file or folder; returns the folder. */
  #detach(tree: Tree | undefined, path: string): FolderNode | undefined {
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

  /** The folder of `path`; adds the folders that the index lacks, and their changes to `newFolders`. */
  #parentOf(tree: Tree, path: string, newFolders: FileChange[]): FolderNode | undefined {
    let node = tree.node
    for (const part of path.split('/').slice(0, -1)) {
      if (!node.read) break
      const known = node.folders.get(part)
      const child = known ?? this.#putFolder(tree, node, part, undefined)
      if (child === undefined) return undefined
      const folder = pathOf(child)
      // A scan may have found the folder during the operation, before clients are notified of it.
      const isPending = this.differences.takeNew(tree.root.name, folder)
      if (known === undefined) this.differences.forget(tree.root.name, folder)
      if ((known === undefined || isPending) && newFolders.length === 0)
        newFolders.push({ action: 'create_dir', item: itemOf(tree.root, folder, child.facts) })
      node = child
    }
    // A first scan that is still running has to start again.
    node.version += 1
    return node.read ? node : undefined
  }

  /** Adds a folder that the server itself has made; a later scan finds what other programs have put into it. */
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
    this.#parts.onChange()
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
