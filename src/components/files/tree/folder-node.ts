// What is known of a folder on the disk: the left side of every comparison, and what listings are made of.
import type { Stats } from 'node:fs'

/** A client's rights on a file or folder. */
export type Permissions = 'rw' | 'r' | ''

/** What is known of a file, or of a folder itself. Kept small: there is one for each file. */
export interface Facts {
  readonly isFolder: boolean
  /** Bytes. */
  readonly size: number
  /** Seconds since the epoch. */
  readonly modified: number
  readonly permissions: Permissions
  /** The inode; 0 where it is not known yet. */
  readonly id: number
  /** When the folder was made, in ms: tells a folder that was moved from a new one that got its inode. 0 for files. */
  readonly born: number
}

/** A folder with what is in it. */
export interface FolderNode {
  facts: Facts
  parent: FolderNode | null
  name: string
  readonly files: Map<string, Facts>
  readonly folders: Map<string, FolderNode>
  /** Links to other folders of the same root; listed, but not walked. */
  readonly links: Map<string, Facts>
  /** Whether it was read from the disk once. */
  read: boolean
  /** Counts the changes that we made ourselves, so that an older view of the disk does not undo them. */
  version: number
  /** Names that may have changed; `all` for any. */
  dirty: Set<string> | 'all' | null
  /** Ends the watch on it; null where it is not watched. */
  unwatch: (() => void) | null
}

/** Past this many names, all of a folder is looked through. */
const MAX_NAMES = 200

/** A folder of which nothing is known but itself. */
export function folderNode(name: string, parent: FolderNode | null, facts: Facts): FolderNode {
  return {
    facts,
    parent,
    name,
    files: new Map(),
    folders: new Map(),
    links: new Map(),
    read: false,
    version: 0,
    dirty: null,
    unwatch: null,
  }
}

/** The path of a node below its root. */
export function pathOf(node: FolderNode): string {
  if (node.parent === null) return ''
  return below(pathOf(node.parent), node.name)
}

/** The path of `name` in `folder`; both below a root. */
export function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** The folder at `path` below `top`, as far as it is known. */
export function findFolder(top: FolderNode, path: string): FolderNode | undefined {
  if (path === '') return top
  let node: FolderNode | undefined = top
  for (const part of path.split('/')) node = node?.folders.get(part)
  return node
}

/** What is known of `name` in `node`. */
export function factsOf(node: FolderNode, name: string): Facts | undefined {
  return node.files.get(name) ?? node.folders.get(name)?.facts ?? node.links.get(name)
}

/** Notes that `name` may have changed; null for anything. */
export function markDirty(node: FolderNode, name: string | null): void {
  if (name === null || node.dirty === 'all') node.dirty = 'all'
  else {
    node.dirty ??= new Set()
    node.dirty.add(name)
    if (node.dirty.size > MAX_NAMES) node.dirty = 'all'
  }
}

/** Takes a folder out of the tree and ends all watches in it. */
export function detach(node: FolderNode): void {
  node.parent?.folders.delete(node.name)
  node.parent = null
  for (const each of walk(node)) {
    each.unwatch?.()
    each.unwatch = null
  }
}

/** A folder and all folders below it, each before what is in it. */
export function* walk(node: FolderNode): Generator<FolderNode> {
  const waiting = [node]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next
    waiting.push(...next.folders.values())
  }
}

/** What `stats` say. */
export function factsFrom(stats: Stats): Facts {
  const isFolder = stats.isDirectory()
  return {
    isFolder,
    size: stats.size,
    modified: stats.mtimeMs / 1000,
    permissions: permissionsFrom(stats),
    id: stats.ino,
    born: isFolder ? stats.birthtimeMs : 0,
  }
}

/** Whether a client would see a difference, or another file stands there. */
export function differ(a: Facts, b: Facts): boolean {
  if (a.isFolder !== b.isFolder) return true
  // A folder's own size and time change with each entry, which is told by itself.
  if (a.isFolder) return a.id !== 0 && b.id !== 0 && a.id !== b.id
  return (
    a.size !== b.size || a.modified !== b.modified || a.permissions !== b.permissions || !sameId(a.id, b.id)
  )
}

function sameId(a: number, b: number): boolean {
  return a === b || a === 0 || b === 0
}

function permissionsFrom({ mode, uid, gid }: Stats): Permissions {
  const me = process.getuid?.() ?? 0
  if (me === 0) return 'rw'
  const isMyGroup = gid === process.getgid?.() || process.getgroups?.().includes(gid) === true
  const bits = uid === me ? mode >> 6 : isMyGroup ? mode >> 3 : mode
  if ((bits & 4) === 0) return ''
  return (bits & 2) === 0 ? 'r' : 'rw'
}
