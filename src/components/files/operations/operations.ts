// What clients do to files and folders: make, delete, move, copy. Each either happens as a whole or not at all.
import { lstat, mkdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { FileAction, FileChange } from '../../../api/files.ts'
import { ApiError } from '../../../core/errors.ts'
import { makeDurable } from '../../../core/make-durable.ts'
import { told } from '../roots/file-error.ts'
import { normalPath, type Place, type Roots } from '../roots/roots.ts'
import type { HiddenFolders } from '../roots/staging-folder.ts'
import { isWithin, TreeLock } from '../roots/tree-lock.ts'
import type { Asking, Changes } from '../tree/changes.ts'
import type { FileIndex } from '../tree/file-index.ts'
import { factsFrom } from '../tree/folder-node.ts'
import { goneItem, itemOf } from '../tree/item.ts'
import { copyTree } from './copy-tree.ts'
import type { LoadedFile } from './loaded-file.ts'

/** What operations depend on. */
export interface OperationParts {
  readonly roots: Roots
  readonly lock: TreeLock
  readonly changes: Changes
  readonly hidden: HiddenFolders
  readonly trees: FileIndex
  readonly loaded: LoadedFile
}

/** A move or a copy. */
interface Transfer {
  readonly verb: 'move' | 'copy'
  /** As the client named them. */
  readonly source: string
  readonly dest: string
  readonly from: Place
  readonly to: Place
}

export class FileOperations {
  readonly #parts: OperationParts
  /** Keeps requests for the same paths in the order of their arrival, while it is found out what the paths mean. */
  readonly #arrivals = new TreeLock()

  constructor(parts: OperationParts) {
    this.#parts = parts
  }

  /** API document, "Create directory". The folder above has to exist. */
  makeDirectory(path: string, asking: Asking): Promise<FileChange> {
    return this.#arrivals.run({ write: [normalPath(path)] }, () => this.#makeDirectory(path, asking))
  }

  async #makeDirectory(path: string, asking: Asking): Promise<FileChange> {
    const { roots, lock } = this.#parts
    const place = await roots.locate(path)
    refuseReadOnly(place)
    return lock.run({ write: [place.absolute] }, async () => {
      await told(shown(place), () => mkdir(place.absolute))
      await makeDurable(dirname(place.absolute))
      return this.#announce(asking, 'create_dir', place)
    })
  }

  /** API document, "Delete directory". */
  deleteDirectory(path: string, force: boolean, asking: Asking): Promise<FileChange> {
    return this.#arrivals.run({ write: [normalPath(path)] }, () => this.#deleteDirectory(path, force, asking))
  }

  async #deleteDirectory(path: string, force: boolean, asking: Asking): Promise<FileChange> {
    const { roots, lock, loaded } = this.#parts
    const place = await roots.locate(path)
    if (place.relative === '') throw new ApiError(400, 'Cannot delete root directory')
    refuseReadOnly(place)
    return lock.run({ write: [place.absolute] }, async () => {
      const kind = await kindOf(place)
      if (kind !== 'folder') throw new ApiError(400, `Directory does not exist (${shown(place)})`)
      await loaded.refuse(place)
      roots.refuseReservedBelow(place.absolute)
      await told(shown(place), () => this.#removeFolder(place, force))
      return this.#announceGone(asking, 'delete_dir', place)
    })
  }

  /** API document, "File delete". */
  deleteFile(path: string, asking: Asking): Promise<FileChange> {
    return this.#arrivals.run({ write: [normalPath(path)] }, () => this.#deleteFile(path, asking))
  }

  async #deleteFile(path: string, asking: Asking): Promise<FileChange> {
    const { roots, lock, loaded } = this.#parts
    const place = await roots.locate(path)
    refuseReadOnly(place)
    return lock.run({ write: [place.absolute] }, async () => {
      if ((await kindOf(place)) !== 'file') throw new ApiError(400, `Invalid file path: ${shown(place)}`)
      await loaded.refuse(place)
      await told(shown(place), () => unlink(place.absolute))
      await makeDurable(dirname(place.absolute))
      return this.#announceGone(asking, 'delete_file', place)
    })
  }

  /** API document, "Move a file or directory". */
  move(source: string, dest: string, asking: Asking): Promise<FileChange> {
    return this.#arrivals.run({ write: [normalPath(source), normalPath(dest)] }, () =>
      this.#move(source, dest, asking),
    )
  }

  async #move(source: string, dest: string, asking: Asking): Promise<FileChange> {
    const { roots, lock, loaded } = this.#parts
    const from = await this.#source(source, 'move')
    if (!from.root.writable)
      throw new ApiError(400, `Source path is read-only, cannot move: ${from.root.name}`)
    const to = await this.#target(from, dest)
    const transfer: Transfer = { verb: 'move', source, dest, from, to }
    return lock.run({ write: [from.absolute, to.absolute] }, async () => {
      const { kind } = await this.#check(transfer)
      await loaded.refuse(from)
      roots.refuseReservedBelow(from.absolute)
      const isKnown = await told(shown(to), () => this.#moveOver(from, to))
      if (kind === 'folder' && !isKnown) await this.#parts.trees.takeInFolder(to)
      return this.#announce(asking, kind === 'folder' ? 'move_dir' : 'move_file', to, from)
    })
  }

  /** API document, "Copy a file or directory". */
  copy(source: string, dest: string, asking: Asking): Promise<FileChange> {
    return this.#arrivals.run({ read: [normalPath(source)], write: [normalPath(dest)] }, () =>
      this.#copy(source, dest, asking),
    )
  }

  async #copy(source: string, dest: string, asking: Asking): Promise<FileChange> {
    const { lock, trees } = this.#parts
    const from = await this.#source(source, 'copy')
    const to = await this.#target(from, dest)
    const transfer: Transfer = { verb: 'copy', source, dest, from, to }
    return lock.run({ read: [from.absolute, from.real], write: [to.absolute] }, async () => {
      const { kind, isOverwrite } = await this.#check(transfer)
      await told(shown(to), () => this.#copyTo(from.real, to))
      if (kind === 'folder') await trees.takeInFolder(to)
      const action = kind === 'folder' ? 'create_dir' : isOverwrite ? 'modify_file' : 'create_file'
      return this.#announce(asking, action, to)
    })
  }

  async #source(path: string, verb: 'move' | 'copy'): Promise<Place> {
    const from = await this.#parts.roots.locate(path)
    if (from.relative === '')
      throw new ApiError(403, `A whole root cannot be ${verb === 'move' ? 'moved' : 'copied'}`)
    if ((await kindOf(from)) === 'none') throw new ApiError(400, `File ${shown(from)} does not exist`)
    return from
  }

  /** Where something goes: into `dest` where that is a folder. */
  async #target(from: Place, dest: string): Promise<Place> {
    const { roots } = this.#parts
    const to = await roots.locate(dest)
    if (!to.root.writable) throw new ApiError(400, `Destination path is read-only: ${to.root.name}`)
    if ((await kindOf(to)) !== 'folder') return to
    return roots.resolve(to.root, `${to.relative}/${basename(from.absolute)}`)
  }

  /** Looks again now that nobody else of ours changes the places. */
  async #check({
    verb,
    source,
    dest,
    from,
    to,
  }: Transfer): Promise<{ kind: 'file' | 'folder'; isOverwrite: boolean }> {
    const { roots, loaded } = this.#parts
    const kind = await kindOf(from)
    if (kind === 'none') throw new ApiError(400, `File ${shown(from)} does not exist`)
    const now = await this.#target(await roots.locate(source), dest)
    if (now.absolute !== to.absolute) throw new ApiError(409, 'The folders have changed meanwhile, try again')
    if (to.absolute === from.absolute) throw new ApiError(400, `'${shown(to)}' is the same place`)
    if (kind === 'folder' && isWithin(to.absolute, from.real)) {
      throw new ApiError(400, `A folder cannot be ${verb === 'move' ? 'moved' : 'copied'} into itself`)
    }
    const there = await kindOf(to)
    if (there === 'folder' || (there === 'file' && kind === 'folder')) {
      throw new ApiError(400, `File exists: '${shown(to)}'`)
    }
    await loaded.refuse(to)
    return { kind, isOverwrite: there === 'file' }
  }

  /** Renames; copies and deletes where that is another file system. Gives whether it was renamed. */
  async #moveOver(from: Place, to: Place): Promise<boolean> {
    try {
      await rename(from.absolute, to.absolute)
      await makeDurable(dirname(to.absolute))
      await makeDurable(dirname(from.absolute))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    }
    await this.#copyTo(from.absolute, to)
    await this.#removeTree(from)
    return false
  }

  /** Copies under a hidden name first, so that nobody sees a part of it. */
  #copyTo(source: string, to: Place): Promise<void> {
    const view = { roots: this.#parts.roots, top: to.root.path }
    return this.#hidden(to, async hidden => {
      await copyTree(source, hidden, view)
      await rename(hidden, to.absolute)
      await makeDurable(dirname(to.absolute))
    })
  }

  async #removeFolder(place: Place, force: boolean): Promise<void> {
    if ((await lstat(place.absolute)).isSymbolicLink()) await unlink(place.absolute)
    else if (force) await this.#removeTree(place)
    else await rmdir(place.absolute)
    await makeDurable(dirname(place.absolute))
  }

  /** Out of sight first, so that nobody sees a part of it go. */
  #removeTree(place: Place): Promise<void> {
    return this.#hidden(place, async hidden => {
      await rename(place.absolute, hidden)
      await makeDurable(dirname(place.absolute))
    })
  }

  /** Runs `work` with a hidden path in the file system of `place`; what is there afterwards is removed. */
  async #hidden(place: Place, work: (path: string) => Promise<void>): Promise<void> {
    const { hidden } = this.#parts
    const parent = dirname(place.absolute)
    const [root, there] = await Promise.all([stat(place.root.path), stat(parent)])
    const path = hidden.enter(root.dev === there.dev ? place.root.path : parent)
    try {
      await work(path)
    } finally {
      await rm(path, { recursive: true, force: true })
      hidden.leave(path)
    }
  }

  async #announce(asking: Asking, action: FileAction, place: Place, from?: Place): Promise<FileChange> {
    const facts = factsFrom(await stat(place.absolute))
    const change = {
      action,
      item: itemOf(place.root, place.relative, facts),
      ...(from !== undefined && { source_item: { path: from.relative, root: from.root.name } }),
    }
    this.#parts.changes.afterReply(asking, change)
    return change
  }

  #announceGone(asking: Asking, action: FileAction, { root, relative }: Place): FileChange {
    const change = { action, item: goneItem(root, relative) }
    this.#parts.changes.afterReply(asking, change)
    return change
  }
}

/** A place as clients name it. */
function shown({ root, relative }: Place): string {
  return relative === '' ? root.name : `${root.name}/${relative}`
}

function refuseReadOnly({ root, absolute }: Place): void {
  if (root.klippers === true) {
    throw new ApiError(403, `Access to file ${basename(absolute)} forbidden by reserved path 'klipper'`)
  }
  if (!root.writable) throw new ApiError(405, 'Operation Not Supported')
}

async function kindOf({ absolute }: Place): Promise<'file' | 'folder' | 'none'> {
  const stats = await stat(absolute).catch(() => undefined)
  if (stats === undefined) return 'none'
  return stats.isDirectory() ? 'folder' : 'file'
}
