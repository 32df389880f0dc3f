// Differences between the disk and what clients know, and the notifications for them: detects moves, and sends one
// notification for a whole folder.
import type { FileChange } from '../../../api/files.ts'
import { isWithin } from '../roots/path-lock.ts'
import type { Root } from '../roots/roots.ts'
import { below, differ, type Facts, type FolderNode, pathOf, walk } from './folder-node.ts'
import { goneItem, itemOf } from './item.ts'

/** Where a path enters a folder of thumbnails. */
const THUMBS = /(?:^|\/)\.thumbs(?=\/|$)/

/** A path at which the disk differs from what clients know. */
export interface Difference {
  readonly root: Root
  readonly path: string
  /** What clients know; null if nothing. */
  readonly before: Facts | null
  /** What is on the disk; null if nothing. */
  readonly after: Facts | null
  /** The node of a folder that was removed. */
  readonly removed?: FolderNode | undefined
  /** The node of a folder that was added. */
  readonly added?: FolderNode | undefined
}

/** Differences without a notification so far. What was added and removed in between gets none. */
export class Differences {
  readonly #all = new Map<string, Difference>()

  get size(): number {
    return this.#all.size
  }

  /** Adds a difference; merges it with an earlier one at the same path. */
  add(found: Difference): void {
    const { root, path, after } = found
    const key = `${root.name}/${path}`
    if (this.#isInNewFolder(key)) return
    const earlier = this.#all.get(key)
    const before = earlier === undefined ? found.before : earlier.before
    if (after === null) this.#dropNewBelow(key)
    if (before === null ? after === null : after !== null && !differ(before, after)) this.#all.delete(key)
    else this.#all.set(key, { ...found, before, removed: earlier?.removed ?? found.removed })
  }

  /** Clients know nothing of the contents of a folder that they have no notification of. */
  #isInNewFolder(key: string): boolean {
    for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
      if (this.#all.get(key.slice(0, end))?.before === null) return true
    }
    return false
  }

  #dropNewBelow(key: string): void {
    for (const [other, { before }] of this.#all) {
      if (before === null && other !== key && isWithin(other, key)) this.#all.delete(other)
    }
  }

  /** Drops the differences at a path and below it: clients get another notification of them. */
  forget(root: string, path: string): void {
    if (this.#all.size === 0) return
    const key = path === '' ? root : `${root}/${path}`
    for (const other of this.#all.keys()) if (isWithin(other, key)) this.#all.delete(other)
  }

  /** Whether there was no notification of the folder yet; from now on it counts as notified. */
  takeNew(root: string, folder: string): boolean {
    const key = `${root}/${folder}`
    return this.#all.get(key)?.before === null && this.#all.delete(key)
  }

  /**
   * Removes and returns the differences that are `ready`. What may be one half of a move waits for the other half, and
   * thumbnails wait for the G-code files in the same folder.
   */
  take(ready: (difference: Difference) => boolean): Difference[] {
    const waiting = new Set([...this.#all.values()].filter(each => !ready(each)))
    const openMoves = new Set([...waiting].map(({ after }) => moveKey(after)))
    const folders = new Set([...waiting].map(({ root, path }) => `${root.name}/${folderOf(path)}`))
    const taken: Difference[] = []
    for (const [key, each] of this.#all) {
      const thumbs = THUMBS.exec(each.path)
      if (waiting.has(each) || (each.after === null && openMoves.has(moveKey(each.before)))) continue
      if (thumbs !== null && folders.has(`${each.root.name}/${each.path.slice(0, thumbs.index)}`)) continue
      taken.push(each)
      this.#all.delete(key)
    }
    return taken
  }

  /** All differences. */
  [Symbol.iterator](): Iterator<Difference> {
    return this.#all.values()
  }
}

/** One side of a difference, or a file in a folder that was added or removed. */
interface Side {
  readonly root: Root
  readonly path: string
  readonly facts: Facts
  readonly node?: FolderNode | undefined
  /** What is, or was, at the same path on the other side. */
  readonly other: Facts | null
}

/** Stays the same when a file or folder is moved. */
function identityOf({ isFolder, id, size, modified, born }: Facts): string | undefined {
  if (id === 0) return undefined
  return isFolder ? `folder ${id} ${born}` : `file ${id} ${size} ${modified}`
}

/** The notifications for `differences`, in an order that clients can apply. */
export function changesFrom(differences: readonly Difference[]): FileChange[] {
  const removed = differences.flatMap(removedSide)
  const added = differences.flatMap(addedSide)
  const moves = new Map<Side, Side>()
  pairMoves(removed, added, moves)
  pairMoves(filesInside(removed, moves), added, moves)
  pairMoves(removed, filesInside(added, moves), moves)
  const sources = new Set(moves.values())
  const removedFolders = removed.filter(({ facts }) => facts.isFolder)
  const addedFolders = added.filter(({ facts }) => facts.isFolder)
  const ranked: [number, FileChange][] = []
  const folderMoves = [...moves].filter(([to]) => to.facts.isFolder)
  for (const [to, from] of moves) {
    if (!isMovedWithFolder(from, to, folderMoves)) ranked.push([to.facts.isFolder ? 2 : 3, move(from, to)])
  }
  for (const each of added) {
    if (!moves.has(each) && !isBelowAny(each, addedFolders))
      ranked.push([each.facts.isFolder ? 1 : 4, addition(each)])
  }
  for (const each of removed) {
    if (sources.has(each) || isBelowAny(each, removedFolders) || isOverwritten(each)) continue
    ranked.push([each.other !== null ? 0 : each.facts.isFolder ? 6 : 5, removal(each)])
  }
  return ranked.sort(([a, x], [b, y]) => thumbsRank(x) - thumbsRank(y) || a - b).map(([, change]) => change)
}

/** Another file at the same path counts as one removed and one added: it may have been moved there. */
function removedSide({ root, path, before, after, removed }: Difference): Side[] {
  if (before === null || (after !== null && before.isFolder === after.isFolder && !isOther(before, after)))
    return []
  return [{ root, path, facts: before, node: removed, other: after }]
}

function addedSide({ root, path, before, after, added }: Difference): Side[] {
  return after === null ? [] : [{ root, path, facts: after, node: added, other: before }]
}

/** A file that was replaced by another one is a modified file. */
function isOverwritten({ facts, other }: Side): boolean {
  return !facts.isFolder && other !== null && !other.isFolder
}

function isOther(before: Facts, after: Facts): boolean {
  return before.id !== 0 && after.id !== 0 && before.id !== after.id
}

function pairMoves(removed: readonly Side[], added: readonly Side[], moves: Map<Side, Side>): void {
  if (removed.length === 0 || added.length === 0) return
  const taken = new Set(moves.values())
  const byIdentity = new Map<string, Side>()
  for (const each of removed) {
    const identity = identityOf(each.facts)
    if (identity !== undefined && !taken.has(each)) byIdentity.set(identity, each)
  }
  for (const each of added) {
    const identity = identityOf(each.facts)
    const from = identity === undefined || moves.has(each) ? undefined : byIdentity.get(identity)
    if (from === undefined || identity === undefined) continue
    if (from.root === each.root && from.path === each.path) continue
    moves.set(each, from)
    byIdentity.delete(identity)
  }
}

/** The files in those of `sides` that are folders and were not moved as a whole. */
function filesInside(sides: readonly Side[], moves: ReadonlyMap<Side, Side>): Side[] {
  const sources = new Set(moves.values())
  const found: Side[] = []
  for (const each of sides) {
    if (each.node === undefined || moves.has(each) || sources.has(each)) continue
    for (const folder of walk(each.node)) {
      const path = each.node === folder ? each.path : below(each.path, innerPath(folder, each.node))
      for (const [name, facts] of folder.files)
        found.push({ root: each.root, path: below(path, name), facts, other: null })
    }
  }
  return found
}

function innerPath(folder: FolderNode, top: FolderNode): string {
  const whole = pathOf(folder)
  const base = pathOf(top)
  return base === '' ? whole : whole.slice(base.length + 1)
}

/** Whether a file was moved with its folder. */
function isMovedWithFolder(from: Side, to: Side, folderMoves: readonly (readonly [Side, Side])[]): boolean {
  return folderMoves.some(([toFolder, fromFolder]) => isBelow(to, toFolder) && isBelow(from, fromFolder))
}

function isBelow(each: Side, folder: Side): boolean {
  return each !== folder && each.root === folder.root && isWithin(each.path, folder.path)
}

function isBelowAny(each: Side, folders: readonly Side[]): boolean {
  return folders.some(folder => isBelow(each, folder))
}

function addition({ root, path, facts, other }: Side): FileChange {
  const isModified = other !== null && !other.isFolder
  const action = facts.isFolder ? 'create_dir' : isModified ? 'modify_file' : 'create_file'
  return { action, item: itemOf(root, path, facts) }
}

function removal({ root, path, facts }: Side): FileChange {
  return { action: facts.isFolder ? 'delete_dir' : 'delete_file', item: goneItem(root, path) }
}

function move(from: Side, to: Side): FileChange {
  return {
    action: to.facts.isFolder ? 'move_dir' : 'move_file',
    item: itemOf(to.root, to.path, to.facts),
    source_item: { path: from.path, root: from.root.name },
  }
}

/** Notifications of thumbnails follow those of their G-code files. */
function thumbsRank({ item }: FileChange): 0 | 1 {
  return THUMBS.test(item.path) ? 1 : 0
}

/** The key of one half of a move. Includes the type: the system may reuse an inode at once. */
function moveKey(facts: Facts | null): string {
  return facts === null ? '' : `${facts.isFolder} ${facts.id}`
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}
