// The file index: the server's knowledge of the files in the roots. Reads folders once, and again what may have changed.
import type { FileChange } from '../../../api/files.ts'
import { forEachConcurrently } from '../../../core/concurrency-limit.ts'
import { asMissing, DiskSilent } from '../roots/remote-disks.ts'
import type { Place, Root, Roots } from '../roots/roots.ts'
import { applyChange, readNewFolders } from './apply-change.ts'
import type { Differences } from './differences.ts'
import {
  type FolderNode,
  factsFrom,
  factsOf,
  findFolder,
  folderNode,
  markDirty,
  walk,
} from './folder-node.ts'
import { type DiskEntry, type ReadScope, readEntries, readNames } from './read-folder.ts'
import { folderOf, nameOf, type Tree, Trees, type TreesParts } from './trees.ts'

/** What the index depends on. */
export interface FileIndexParts extends TreesParts {
  readonly roots: Roots
  /** Called when the folder of a root was removed or replaced. */
  readonly rootLost: () => void
}

/** Attempts to scan a folder that the server itself changes meanwhile, and a tree that is replaced meanwhile. */
const MAX_ATTEMPTS = 5
/** Folders that are read at the same time. */
const MAX_RUNNING = 8
/** Milliseconds: file systems give two changes within a few of them the same time. */
const TIME_STEP = 20

/** Names to scan in a folder: given ones, those that were added or removed, or all. */
export type Selection = ReadonlySet<string> | 'names' | 'all'

export class FileIndex {
  readonly #parts: FileIndexParts
  readonly #trees: Trees
  /** The running scans: each folder has one at a time. */
  readonly #scans = new Map<FolderNode, Promise<void>>()

  constructor(parts: FileIndexParts) {
    this.#parts = parts
    this.#trees = new Trees(parts)
  }

  /** Changes that clients have no notification of yet. */
  get differences(): Differences {
    return this.#trees.differences
  }

  all(): Iterable<Tree> {
    return this.#trees.all()
  }

  /**
   * The tree of a root, once its folder has been checked. Rejects with the system's error if the folder does not exist,
   * with ApiError 503 if it does not respond.
   */
  async tree(root: Root): Promise<Tree> {
    const { roots } = this.#parts
    const checked = await roots.checked(root)
    await roots.disks.checkLinks(root.path)
    const top = await roots.calls.realpath(root.path)
    const facts = factsFrom(await roots.calls.lstat(top))
    const known = this.#trees.find(root.name)
    if (known === undefined || known.top !== top || known.node.facts.id !== facts.id)
      return this.#trees.open(checked, top, facts)
    known.root = checked
    return known
  }

  /** Forgets a root's tree, because its folder was removed or replaced. */
  close(name: string): void {
    this.#trees.close(name)
  }

  /** The folder at a path as it is now, without the contents of its subfolders; undefined if there is no folder. */
  async folder({ root, real, indexPath }: Pick<Place, 'root' | 'real' | 'indexPath'>) {
    for (let left = MAX_ATTEMPTS; ; left -= 1) {
      const tree = await this.tree(root)
      const node = await this.#walkTo(tree, indexPath === '' ? [] : indexPath.split('/'))
      if (node !== undefined && this.#trees.holds(tree, node)) return node
      if (this.#trees.holds(tree, tree.node) || left === 1) return this.#readOutsideTree(real, tree)
    }
  }

  async #walkTo(tree: Tree, parts: readonly string[]): Promise<FolderNode | undefined> {
    let node = tree.node
    for (const part of parts) {
      if (!node.read) await this.refresh(tree, node)
      if (!node.folders.has(part)) await this.rescan(tree, node, new Set([part]))
      const child = node.folders.get(part)
      if (child === undefined) return undefined
      node = child
    }
    await this.refresh(tree, node)
    return node
  }

  /** Reads a folder that the tree has at another path, or as the end of a loop: it is the target of a second link. */
  async #readOutsideTree(real: string, { top }: Tree): Promise<FolderNode | undefined> {
    const stats = await this.#parts.roots.calls.lstat(real).catch(asMissing)
    if (stats?.isDirectory() !== true) return undefined
    const node = folderNode('', null, factsFrom(stats))
    const scope = { roots: this.#parts.roots, bases: [top, real] }
    for (const [name, entry] of await readEntries(real, await readNames(real, scope), scope)) {
      const facts = entry?.facts ?? null
      if (facts !== null) (facts.isFolder ? node.links : node.files).set(name, facts)
    }
    return node
  }

  /**
   * All folders of a root as they are now, parents first; `enters` decides by its name whether to include a folder.
   * Rejects as `tree` does.
   */
  async folders(root: Root, enters: (name: string) => boolean): Promise<FolderNode[]> {
    for (let left = MAX_ATTEMPTS; ; left -= 1) {
      const tree = await this.tree(root)
      const folders: FolderNode[] = []
      let level: FolderNode[] = [tree.node]
      while (level.length > 0) {
        await forEachConcurrently(level, MAX_RUNNING, node => this.#refreshReadable(tree, node))
        folders.push(...level)
        level = level.flatMap(({ folders: inner }) => [...inner.values()]).filter(({ name }) => enters(name))
      }
      if (this.#trees.holds(tree, tree.node) || left === 1) return folders
    }
  }

  /** Whether a folder is still in the tree. */
  holds(tree: Tree, node: FolderNode): boolean {
    return this.#trees.holds(tree, node)
  }

  /** Scans what may have changed in a folder. */
  async refresh(tree: Tree, node: FolderNode): Promise<void> {
    if (!node.read || node.unwatch === null) {
      await this.rescan(tree, node, 'all')
      return
    }
    const dirty = node.dirty
    if (dirty !== null) await this.rescan(tree, node, dirty)
    if (node.linkNames.size > 0) await this.rescan(tree, node, new Set(node.linkNames))
    const stats = await this.#parts.roots.calls.lstat(this.#trees.absolute(tree, node)).catch(asMissing)
    if (node.isRecent || stats === undefined || stats.mtimeMs / 1000 !== node.facts.modified)
      await this.rescan(tree, node, 'names')
  }

  /** A subfolder that cannot be read does not fail the others; what the index has of it remains. */
  async #refreshReadable(tree: Tree, node: FolderNode): Promise<void> {
    try {
      await this.refresh(tree, node)
    } catch (error) {
      if (node.parent === null || !isUnreadable(error)) throw error
    }
  }

  /** The running scans of folders that are watched; the others may be on disks that do not respond. They never reject. */
  runningScans(): Promise<void>[] {
    return [...this.#scans].flatMap(([{ unwatch }, scan]) => (unwatch === null ? [] : [scan]))
  }

  /** Scans a folder, without its subfolders. Rejects with the system's error if it cannot be read now. */
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
    const trees = this.#trees
    for (let left = MAX_ATTEMPTS; left > 0; left -= 1) {
      if (!trees.holds(tree, node)) return
      const { version } = node
      const path = trees.absolute(tree, node)
      if (node.dirty === which || which === 'all') node.dirty = null
      const now = Date.now()
      await this.#parts.roots.disks.check(path)
      const stats = await this.#parts.roots.calls.lstat(path).catch(asMissing)
      // Another scan may have removed the folder meanwhile.
      if (!trees.holds(tree, node)) return
      if (stats === undefined || isReplaced(tree, node, stats.ino)) return this.#remove(tree, node)
      const found = await this.#read(path, node, which, trees.bases(tree, node))
      if (node.version !== version || !trees.holds(tree, node)) continue
      this.#update(tree, node, found)
      node.facts = factsFrom(stats)
      node.read = true
      node.isRecent = Math.abs(now - stats.mtimeMs) < TIME_STEP
      return
    }
    markDirty(node, null)
    trees.changed()
  }

  async #read(path: string, node: FolderNode, which: Selection, bases: readonly string[]): Promise<Found> {
    const scope: ReadScope = { roots: this.#parts.roots, bases }
    if (typeof which !== 'string')
      return { names: which, entries: await readEntries(path, which, scope), present: null }
    const present = new Set(await readableNames(path, scope))
    const names = which === 'all' ? present : [...present].filter(name => factsOf(node, name) === undefined)
    return { names, entries: await readEntries(path, names, scope), present }
  }

  /** A folder was removed, or replaced by another one. */
  #remove(tree: Tree, { parent, name, target }: FolderNode): void {
    const trees = this.#trees
    if (parent === null) {
      trees.close(tree.root.name)
      this.#parts.rootLost()
      return
    }
    trees.setEntry(tree, parent, name, target === null ? undefined : missingTarget(target), !parent.read)
    trees.changed()
  }

  /** Updates a folder with what was found. Links are last and sorted: the same of several links is walked each time. */
  #update(tree: Tree, node: FolderNode, { names, entries, present }: Found): void {
    const trees = this.#trees
    const silent = !node.read
    const known = [...node.files.keys(), ...node.folders.keys(), ...node.links.keys(), ...node.linkNames]
    const missing = present === null ? [] : known.filter(name => !present.has(name))
    const links: string[] = []
    for (const name of [...missing, ...names]) {
      const entry = entries.get(name)
      // Of a disk that does not respond the known contents stay.
      if (entry === null) continue
      if (entry !== undefined && entry.target !== null) links.push(name)
      else trees.setEntry(tree, node, name, entry, silent)
    }
    for (const name of links.sort()) trees.setEntry(tree, node, name, entries.get(name) ?? undefined, silent)
    if (trees.differences.size > 0) trees.changed()
  }

  /** The absolute path of a file in a root; undefined if the root has no tree. */
  absolutePath(root: string, path: string): string | undefined {
    return this.#trees.absolutePath(root, path)
  }

  /** Marks a path as possibly changed. */
  mark(root: string, path: string): void {
    this.#trees.mark(root, path)
  }

  /** Reads a folder that the server itself has made, without notifications. Not for folders that the index has. */
  async addFolder({ root, relative }: Pick<Place, 'root' | 'relative'>): Promise<void> {
    const tree = this.#trees.find(root.name)
    const parent = tree && findFolder(tree.node, folderOf(relative))
    if (tree === undefined || parent?.read !== true) return
    await this.rescan(tree, parent, new Set([nameOf(relative)]))
    const folder = parent.folders.get(nameOf(relative))
    for (const node of folder === undefined ? [] : walk(folder)) await this.rescan(tree, node, 'all')
    this.differences.forget(root.name, relative)
  }

  /**
   * Reads what the index needs for a change by the server itself. Resolves with the function that applies the change at
   * once: see `applyChange`. Never rejects.
   */
  async prepare(change: FileChange): Promise<() => readonly FileChange[]> {
    const newFolders = await readNewFolders(this.#trees, this.#parts.roots.calls, change)
    return () => applyChange(this.#trees, change, newFolders)
  }
}

/** What a scan has read. */
interface Found {
  readonly names: Iterable<string>
  /** Null for what cannot be read now. */
  readonly entries: ReadonlyMap<string, DiskEntry | null>
  /** All names in the folder; null if only some were read. */
  readonly present: ReadonlySet<string> | null
}

/** A folder that may not be read, or was just removed, counts as empty. Rejects with other errors of the system. */
async function readableNames(path: string, scope: ReadScope): Promise<string[]> {
  try {
    return await readNames(path, scope)
  } catch (error) {
    if (['EACCES', 'ENOENT', 'ENOTDIR'].includes(codeOf(error))) return []
    throw error
  }
}

/** A damaged disk, or a network disk that does not respond or was reset: the other folders can still be read. */
function isUnreadable(error: unknown): boolean {
  return error instanceof DiskSilent || ['EIO', 'ESTALE'].includes(codeOf(error))
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}

/** The parent's scan detects the replacement of other folders. */
function isReplaced({ node: top }: Tree, node: FolderNode, inode: number): boolean {
  return (node === top || node.target !== null) && node.facts.id !== inode
}

/** The entry of a link whose target is missing now. */
function missingTarget(target: string): DiskEntry {
  return { facts: null, target, isOutside: true }
}
