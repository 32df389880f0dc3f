// What others have changed on the disk since clients were last told, and the notifications that tell it:
// moves found as moves, one notification for a whole folder.
import type { FileChange } from '../../../api/files.ts'
import type { Root } from '../roots/roots.ts'
import { isWithin } from '../roots/tree-lock.ts'
import { below, differ, type Facts, type FolderNode, pathOf, walk } from './folder-node.ts'
import { goneItem, itemOf } from './item.ts'

/** Where a path enters a folder of thumbnails. */
const THUMBS = /(?:^|\/)\.thumbs(?=\/|$)/

/** One place where the disk is not as clients know it. */
export interface Difference {
  readonly root: Root
  readonly path: string
  /** What clients know; null for nothing. */
  readonly before: Facts | null
  /** What is there; null for nothing. */
  readonly after: Facts | null
  /** What was known of a folder that is gone. */
  readonly gone?: FolderNode | undefined
  /** A folder that is new. */
  readonly come?: FolderNode | undefined
}

/** The differences that have not been told yet. What comes and goes in between is never told. */
export class Differences {
  readonly #all = new Map<string, Difference>()

  get size(): number {
    return this.#all.size
  }

  /** Adds what was found; several findings at one place become one. */
  note(found: Difference): void {
    const { root, path, after } = found
    const key = `${root.name}/${path}`
    if (this.#isInNewFolder(key)) return
    const earlier = this.#all.get(key)
    const before = earlier === undefined ? found.before : earlier.before
    if (after === null) this.#dropNewBelow(key)
    if (before === null ? after === null : after !== null && !differ(before, after)) this.#all.delete(key)
    else this.#all.set(key, { ...found, before, gone: earlier?.gone ?? found.gone })
  }

  /** Of what is in a folder that nobody has been told of, nobody knows. */
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

  /** Drops what was found at a place and below it: clients are told of it in another way. */
  forget(root: string, path: string): void {
    if (this.#all.size === 0) return
    const key = path === '' ? root : `${root}/${path}`
    for (const other of this.#all.keys()) if (isWithin(other, key)) this.#all.delete(other)
  }

  /** Whether nobody has been told yet that the folder is there; it counts as told then. */
  takeNew(root: string, folder: string): boolean {
    const key = `${root}/${folder}`
    return this.#all.get(key)?.before === null && this.#all.delete(key)
  }

  /**
   * Takes out what is `ready`. What may be one half of a move waits for the other half, and thumbnails for the G-code
   * files beside them.
   */
  take(ready: (difference: Difference) => boolean): Difference[] {
    const waiting = new Set([...this.#all.values()].filter(each => !ready(each)))
    const halves = new Set([...waiting].map(({ after }) => halfOf(after)))
    const folders = new Set([...waiting].map(({ root, path }) => `${root.name}/${folderOf(path)}`))
    const taken: Difference[] = []
    for (const [key, each] of this.#all) {
      const thumbs = THUMBS.exec(each.path)
      if (waiting.has(each) || (each.after === null && halves.has(halfOf(each.before)))) continue
      if (thumbs !== null && folders.has(`${each.root.name}/${each.path.slice(0, thumbs.index)}`)) continue
      taken.push(each)
      this.#all.delete(key)
    }
    return taken
  }

  /** All that waits. */
  [Symbol.iterator](): Iterator<Difference> {
    return this.#all.values()
  }
}

/** One side of a difference, or a file in a folder that came or went. */
interface Spot {
  readonly root: Root
  readonly path: string
  readonly facts: Facts
  readonly node?: FolderNode | undefined
  /** What is, or was, at the same place on the other side. */
  readonly other: Facts | null
}

/** The same for a file or folder before and after a move. */
function identityOf({ isFolder, id, size, modified, born }: Facts): string | undefined {
  if (id === 0) return undefined
  return isFolder ? `folder ${id} ${born}` : `file ${id} ${size} ${modified}`
}

/** The notifications that tell of `differences`, in an order that a client can follow. */
export function changesFrom(differences: readonly Difference[]): FileChange[] {
  const gone = differences.flatMap(goneSpot)
  const come = differences.flatMap(comeSpot)
  const moves = new Map<Spot, Spot>()
  match(gone, come, moves)
  match(inside(gone, moves), come, moves)
  match(gone, inside(come, moves), moves)
  const sources = new Set(moves.values())
  const goneFolders = gone.filter(({ facts }) => facts.isFolder)
  const comeFolders = come.filter(({ facts }) => facts.isFolder)
  const ranked: [number, FileChange][] = []
  const folderMoves = [...moves].filter(([to]) => to.facts.isFolder)
  for (const [to, from] of moves) {
    if (!isCarried(from, to, folderMoves)) ranked.push([to.facts.isFolder ? 2 : 3, moved(from, to)])
  }
  for (const each of come) {
    if (!moves.has(each) && !isInOther(each, comeFolders))
      ranked.push([each.facts.isFolder ? 1 : 4, made(each)])
  }
  for (const each of gone) {
    if (sources.has(each) || isInOther(each, goneFolders) || isOverwritten(each)) continue
    ranked.push([each.other !== null ? 0 : each.facts.isFolder ? 6 : 5, removed(each)])
  }
  return ranked.sort(([a, x], [b, y]) => thumbsRank(x) - thumbsRank(y) || a - b).map(([, change]) => change)
}

/** Another file at the same place is one that went and one that came: it may have been moved there. */
function goneSpot({ root, path, before, after, gone }: Difference): Spot[] {
  if (before === null || (after !== null && before.isFolder === after.isFolder && !isOther(before, after)))
    return []
  return [{ root, path, facts: before, node: gone, other: after }]
}

function comeSpot({ root, path, before, after, come }: Difference): Spot[] {
  return after === null ? [] : [{ root, path, facts: after, node: come, other: before }]
}

/** A file in whose place another one stands is told as modified. */
function isOverwritten({ facts, other }: Spot): boolean {
  return !facts.isFolder && other !== null && !other.isFolder
}

function isOther(before: Facts, after: Facts): boolean {
  return before.id !== 0 && after.id !== 0 && before.id !== after.id
}

function match(gone: readonly Spot[], come: readonly Spot[], moves: Map<Spot, Spot>): void {
  if (gone.length === 0 || come.length === 0) return
  const taken = new Set(moves.values())
  const byIdentity = new Map<string, Spot>()
  for (const each of gone) {
    const identity = identityOf(each.facts)
    if (identity !== undefined && !taken.has(each)) byIdentity.set(identity, each)
  }
  for (const each of come) {
    const identity = identityOf(each.facts)
    const from = identity === undefined || moves.has(each) ? undefined : byIdentity.get(identity)
    if (from === undefined || identity === undefined) continue
    if (from.root === each.root && from.path === each.path) continue
    moves.set(each, from)
    byIdentity.delete(identity)
  }
}

/** The files in those of `spots` that are folders and were not moved as a whole. */
function inside(spots: readonly Spot[], moves: ReadonlyMap<Spot, Spot>): Spot[] {
  const sources = new Set(moves.values())
  const found: Spot[] = []
  for (const each of spots) {
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

/** Whether a file went along with a folder that was moved. */
function isCarried(from: Spot, to: Spot, folderMoves: readonly (readonly [Spot, Spot])[]): boolean {
  return folderMoves.some(([toFolder, fromFolder]) => isBelow(to, toFolder) && isBelow(from, fromFolder))
}

function isBelow(each: Spot, folder: Spot): boolean {
  return each !== folder && each.root === folder.root && isWithin(each.path, folder.path)
}

function isInOther(each: Spot, folders: readonly Spot[]): boolean {
  return folders.some(folder => isBelow(each, folder))
}

function made({ root, path, facts, other }: Spot): FileChange {
  const isModified = other !== null && !other.isFolder
  const action = facts.isFolder ? 'create_dir' : isModified ? 'modify_file' : 'create_file'
  return { action, item: itemOf(root, path, facts) }
}

function removed({ root, path, facts }: Spot): FileChange {
  return { action: facts.isFolder ? 'delete_dir' : 'delete_file', item: goneItem(root, path) }
}

function moved(from: Spot, to: Spot): FileChange {
  return {
    action: to.facts.isFolder ? 'move_dir' : 'move_file',
    item: itemOf(to.root, to.path, to.facts),
    source_item: { path: from.path, root: from.root.name },
  }
}

/** Thumbnails come after the G-code files that they belong to (behaviour.md). */
function thumbsRank({ item }: FileChange): 0 | 1 {
  return THUMBS.test(item.path) ? 1 : 0
}

/** An inode may be given to something of another kind at once. */
function halfOf(facts: Facts | null): string {
  return facts === null ? '' : `${facts.isFolder} ${facts.id}`
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}
