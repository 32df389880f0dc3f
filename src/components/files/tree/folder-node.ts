// One folder of the file index: what the server knows of it, for comparisons with the disk and for listings.
import type { Stats } from 'node:fs'

/** The permissions of a file or folder. */
export type Permissions = 'rw' | 'r' | ''

/** What the index stores of a file, or of a folder itself. Small, because there is one for each file. */
export interface Facts {
  readonly isFolder: boolean
  /** Bytes. */
  readonly size: number
  /** Seconds since the epoch. */
  readonly modified: number
  readonly permissions: Permissions
  /** The inode; 0 if it is not known yet. */
  readonly id: number
  /** Creation time of a folder in ms: distinguishes a moved folder from a new one with its inode. 0 for files. */
  readonly born: number
}

/** A folder with its contents. */
export interface FolderNode {
  facts: Facts
  parent: FolderNode | null
  name: string
  readonly files: Map<string, Facts>
  readonly folders: Map<string, FolderNode>
  /** Links to folders that the index has at another path: listings show them, walks skip them. */
  readonly links: Map<string, Facts>
  /** The names of all links, with those whose targets are missing: no watch reports changes of the targets. */
  readonly linkNames: Set<string>
  /** The real path of a folder outside of the root that a link leads to; null for other folders. */
  readonly target: string | null
  /** Whether the folder has been read from the disk. */
  read: boolean
  /** Whether it had changed so shortly before it was read that a later change may have left it the same time. */
  isRecent: boolean
  /** Counts the server's own changes, so that a scan that started before one of them does not undo it. */
  version: number
  /** Names that may have changed; `all` if any may have. */
  dirty: Set<string> | 'all' | null
  /** Ends the watch on the folder; null if it is not watched. */
  unwatch: (() => void) | null
}

/** With more changed names than this, the whole folder is scanned. */
const MAX_NAMES = 200

/** A folder that has not been read yet. */
export function folderNode(
  name: string,
  parent: FolderNode | null,
  facts: Facts,
  target: string | null = null,
): FolderNode {
  return {
    facts,
    parent,
    name,
    files: new Map(),
    folders: new Map(),
    links: new Map(),
    linkNames: new Set(),
    target,
    read: false,
    isRecent: false,
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

/** The folder at `path` below `top`, if the index has it. */
export function findFolder(top: FolderNode, path: string): FolderNode | undefined {
  if (path === '') return top
  let node: FolderNode | undefined = top
  for (const part of path.split('/')) node = node?.folders.get(part)
  return node
}

/** What the index stores of `name` in `node`. */
export function factsOf(node: FolderNode, name: string): Facts | undefined {
  return node.files.get(name) ?? node.folders.get(name)?.facts ?? node.links.get(name)
}

/** Marks `name` as possibly changed; null marks all names. */
export function markDirty(node: FolderNode, name: string | null): void {
  if (name === null || node.dirty === 'all') node.dirty = 'all'
  else {
    node.dirty ??= new Set()
    node.dirty.add(name)
    if (node.dirty.size > MAX_NAMES) node.dirty = 'all'
  }
}

/** A folder and all folders below it, parents first. */
export function* walk(node: FolderNode): Generator<FolderNode> {
  const waiting = [node]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next
    waiting.push(...next.folders.values())
  }
}

/** Converts the system's `stats`. */
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

/** Whether a client sees a difference, or the file is another one. */
export function differ(a: Facts, b: Facts): boolean {
  if (a.isFolder !== b.isFolder) return true
  // A folder's own size and time change with each entry, for which there is a notification of its own.
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
