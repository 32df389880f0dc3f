// The operations of clients on files and folders: make, delete, move, copy. Each happens completely or not at all.
import { constants } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { FileAction, FileChange } from '../../../api/files.ts'
import { ApiError } from '../../../core/errors.ts'
import { normalPath } from '../roots/client-path.ts'
import type { DiskCalls } from '../roots/disk-calls.ts'
import { withFileError } from '../roots/file-error.ts'
import { isWithin, PathLock } from '../roots/path-lock.ts'
import { type Place, pathOfRoot, type Roots } from '../roots/roots.ts'
import type { StagingFolders } from '../roots/staging-folders.ts'
import type { WritablePlace, WriteAccess, WriteRequest } from '../roots/write-access.ts'
import type { ChangeNotifier, Requester } from '../tree/change-notifier.ts'
import type { FileIndex } from '../tree/file-index.ts'
import { factsFrom } from '../tree/folder-node.ts'
import { goneItem, itemOf } from '../tree/item.ts'
import { readMounts } from '../tree/mounts.ts'
import { copyTree } from './copy-tree.ts'
import type { LoadedFile } from './loaded-file.ts'

/** What operations depend on. */
export interface OperationParts {
  readonly roots: Roots
  readonly access: WriteAccess
  readonly lock: PathLock
  readonly changes: ChangeNotifier
  readonly staging: StagingFolders
  readonly index: FileIndex
  readonly loaded: LoadedFile
}

/** A move or a copy. */
interface Transfer<From extends Place = Place> {
  readonly verb: 'move' | 'copy'
  /** As the client wrote them. */
  readonly source: string
  readonly dest: string
  readonly from: From
  readonly to: WritablePlace
}

const notSupported = () => new ApiError(405, 'Operation Not Supported')
const MAKE: WriteRequest = { change: 'content', readOnly: notSupported }
const REMOVE: WriteRequest = { change: 'entry', readOnly: notSupported }
const MOVE_FROM: WriteRequest = {
  change: 'entry',
  readOnly: ({ name }) => new ApiError(400, `Source path is read-only, cannot move: ${name}`),
}
const TRANSFER_TO: WriteRequest = {
  change: 'content',
  readOnly: ({ name }) => new ApiError(400, `Destination path is read-only: ${name}`),
}

export class FileOperations {
  readonly #parts: OperationParts
  readonly #calls: DiskCalls
  /** Keeps requests for the same paths in the order of arrival while the paths are resolved. */
  readonly #arrivals = new PathLock()

  constructor(parts: OperationParts) {
    this.#parts = parts
    this.#calls = parts.roots.calls
  }

  /** server.files.post_directory. The parent folder must exist. */
  makeDirectory(path: string, requester: Requester): Promise<FileChange> {
    return this.#arrivals.run({ write: [normalPath(path)] }, () => this.#makeDirectory(path, requester))
  }

  async #makeDirectory(path: string, requester: Requester): Promise<FileChange> {
    const { access, lock } = this.#parts
    const place = await access.locate(requester.caller, path, MAKE)
    return lock.run({ write: [place.absolute] }, async () => {
      await withFileError(shown(place), () => this.#calls.mkdir(place.absolute))
      await this.#calls.makeDurable(dirname(place.absolute))
      return this.#publish(requester, 'create_dir', place)
    })
  }

  /** server.files.delete_directory. */
  deleteDirectory(path: string, force: boolean, requester: Requester): Promise<FileChange> {
    return this.#arrivals.run({ write: [normalPath(path)] }, () =>
      this.#deleteDirectory(path, force, requester),
    )
  }

  async #deleteDirectory(path: string, force: boolean, requester: Requester): Promise<FileChange> {
    const { roots, access, lock, loaded } = this.#parts
    const place = await access.locate(requester.caller, path, REMOVE)
    if (place.relative === '') throw new ApiError(400, 'Cannot delete root directory')
    return lock.run({ write: [place.absolute] }, async () => {
      const kind = await this.#kindOf(place)
      if (kind !== 'folder') throw new ApiError(400, `Directory does not exist (${shown(place)})`)
      await loaded.refuse(place)
      roots.reserved.refuseBelow(place.absolute)
      await withFileError(shown(place), () => this.#removeFolder(place, force))
      return this.#publishRemoval(requester, 'delete_dir', place)
    })
  }

  /** server.files.delete_file. */
  deleteFile(path: string, requester: Requester): Promise<FileChange> {
    return this.#arrivals.run({ write: [normalPath(path)] }, () => this.#deleteFile(path, requester))
  }

  async #deleteFile(path: string, requester: Requester): Promise<FileChange> {
    const { access, lock, loaded } = this.#parts
    const place = await access.locate(requester.caller, path, REMOVE)
    return lock.run({ write: [place.absolute] }, async () => {
      if ((await this.#kindOf(place)) !== 'file')
        throw new ApiError(400, `Invalid file path: ${shown(place)}`)
      await loaded.refuse(place)
      await this.#unlink(place)
      return this.#publishRemoval(requester, 'delete_file', place)
    })
  }

  /** server.files.move. */
  move(source: string, dest: string, requester: Requester): Promise<FileChange> {
    return this.#arrivals.run({ write: [normalPath(source), normalPath(dest)] }, () =>
      this.#move(source, dest, requester),
    )
  }

  async #move(source: string, dest: string, requester: Requester): Promise<FileChange> {
    const { roots, access, lock, loaded } = this.#parts
    const from = await access.locate(requester.caller, source, MOVE_FROM)
    await this.#refuseSource(from, 'moved')
    const to = await this.#target(requester, from, dest)
    const transfer: Transfer<WritablePlace> = { verb: 'move', source, dest, from, to }
    return lock.run({ write: [from.absolute, to.absolute] }, async () => {
      const { kind } = await this.#check(requester, transfer)
      await loaded.refuse(from)
      roots.reserved.refuseBelow(from.absolute)
      const wasRenamed = await withFileError(shown(to), () => this.#moveTo(from, to))
      if (kind === 'folder' && !wasRenamed) await this.#parts.index.addFolder(to)
      return this.#publish(requester, kind === 'folder' ? 'move_dir' : 'move_file', to, from)
    })
  }

  /** server.files.copy. */
  copy(source: string, dest: string, requester: Requester): Promise<FileChange> {
    return this.#arrivals.run({ read: [normalPath(source)], write: [normalPath(dest)] }, () =>
      this.#copy(source, dest, requester),
    )
  }

  async #copy(source: string, dest: string, requester: Requester): Promise<FileChange> {
    const { roots, lock, index } = this.#parts
    const from = await roots.locate(source)
    await this.#refuseSource(from, 'copied')
    const to = await this.#target(requester, from, dest)
    const transfer: Transfer = { verb: 'copy', source, dest, from, to }
    return lock.run({ read: [from.absolute, from.real], write: [to.absolute] }, async () => {
      const { kind, isOverwrite } = await this.#check(requester, transfer)
      await withFileError(shown(to), () => this.#copyTo(from.real, to))
      if (kind === 'folder') await index.addFolder(to)
      const action = kind === 'folder' ? 'create_dir' : isOverwrite ? 'modify_file' : 'create_file'
      return this.#publish(requester, action, to)
    })
  }

  /** The path of the result: inside `dest` if that is a folder. */
  async #target({ caller }: Requester, from: Place, dest: string): Promise<WritablePlace> {
    const { access } = this.#parts
    const to = await access.locate(caller, dest, TRANSFER_TO)
    if ((await this.#kindOf(to)) !== 'folder') return to
    return access.resolve(caller, to.root, `${to.relative}/${basename(from.absolute)}`, TRANSFER_TO)
  }

  /** Checks both paths again under the lock. */
  async #check(
    requester: Requester,
    { verb, source, dest, from, to }: Transfer,
  ): Promise<{ kind: 'file' | 'folder'; isOverwrite: boolean }> {
    const { roots, loaded } = this.#parts
    const kind = await this.#kindOf(from)
    if (kind === 'none') throw new ApiError(400, `File ${shown(from)} does not exist`)
    const now = await this.#target(requester, await roots.locate(source), dest)
    if (now.absolute !== to.absolute)
      throw new ApiError(409, 'The folders have changed during the request, try again')
    if (to.absolute === from.absolute)
      throw new ApiError(400, `Source and destination are the same: '${shown(to)}'`)
    if (kind === 'folder' && isWithin(to.absolute, from.real)) {
      throw new ApiError(400, `A folder cannot be ${verb === 'move' ? 'moved' : 'copied'} into itself`)
    }
    const existing = await this.#kindOf(to)
    if (existing === 'folder' || (existing === 'file' && kind === 'folder')) {
      throw new ApiError(400, `File exists: '${shown(to)}'`)
    }
    await loaded.refuse(to)
    return { kind, isOverwrite: existing === 'file' }
  }

  /**
   * Renames; copies and deletes if `to` is in another file system, or mounted by itself. Returns whether it renamed.
   */
  async #moveTo(from: WritablePlace, to: WritablePlace): Promise<boolean> {
    await this.#refuseRelativeLink(from, to)
    try {
      await this.#calls.rename(from.absolute, to.absolute)
      await this.#calls.makeDurable(dirname(to.absolute))
      await this.#calls.makeDurable(dirname(from.absolute))
      return true
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const isTargetMounted = code === 'EBUSY' && !readMounts().isMountPoint(from.absolute)
      if (code !== 'EXDEV' && !isTargetMounted) throw error
    }
    // A copy whose original cannot be deleted would stay.
    await withFileError(shown(from), () => this.#calls.access(dirname(from.absolute), constants.W_OK))
    await this.#copyTo(from.real, to)
    await this.#removeTree(from)
    return false
  }

  /** Copies to a staging path first, so that no client sees a part of the copy. */
  #copyTo(source: string, to: WritablePlace): Promise<void> {
    return this.withStagingPath(to, async path => {
      await copyTree(source, path, this.#parts.roots)
      await this.#parts.staging.publish(path, to.absolute)
    })
  }

  async #removeFolder(place: WritablePlace, force: boolean): Promise<void> {
    if ((await this.#calls.lstat(place.absolute)).isSymbolicLink()) await this.#calls.unlink(place.absolute)
    else if (force) await this.#removeTree(place)
    else await this.#calls.rmdir(place.absolute)
    await this.#calls.makeDurable(dirname(place.absolute))
  }

  /** Renames to a staging path first, so that no client sees a part of the folder disappear. */
  #removeTree(place: WritablePlace): Promise<void> {
    return this.withStagingPath(place, async path => {
      await this.#calls.rename(place.absolute, path)
      await this.#calls.makeDurable(dirname(place.absolute))
    })
  }

  /** Runs `work` with a staging path in the file system of `place`; removes what is there afterwards. */
  async withStagingPath<T>(place: Place, work: (path: string) => Promise<T>): Promise<T> {
    const { staging } = this.#parts
    const parent = dirname(place.absolute)
    const top = pathOfRoot(place.root)
    const [root, target] = await Promise.all([this.#calls.stat(top), this.#calls.stat(parent)])
    const { path, ready } = staging.allocate(root.dev === target.dev ? top : parent)
    try {
      await ready
      return await work(path)
    } finally {
      await this.#calls.remove(path).finally(() => staging.release(path))
    }
  }

  /**
   * Puts a finished file from `withStagingPath` at `place`, for the server itself; replaces what is there. The caller
   * holds the lock.
   */
  async publishFile(draft: string, place: Place): Promise<void> {
    const { staging, changes } = this.#parts
    await withFileError(shown(place), () => staging.publish(draft, place.absolute))
    const facts = factsFrom(await this.#calls.stat(place.absolute))
    await changes.report({ action: 'create_file', item: itemOf(place.root, place.relative, facts) })
  }

  /** Deletes a file for the server itself. The caller holds the lock. */
  async removeFile(place: Place): Promise<void> {
    await this.#unlink(place)
    await this.#parts.changes.report({ action: 'delete_file', item: goneItem(place.root, place.relative) })
  }

  async #publish(
    requester: Requester,
    action: FileAction,
    place: WritablePlace,
    from?: Place,
  ): Promise<FileChange> {
    const facts = factsFrom(await this.#calls.stat(place.absolute))
    const change = {
      action,
      item: itemOf(place.root, place.relative, facts),
      ...(from !== undefined && { source_item: { path: from.relative, root: from.root.name } }),
    }
    await this.#parts.changes.afterReply(requester, change)
    return change
  }

  async #publishRemoval(
    requester: Requester,
    action: FileAction,
    { root, relative }: WritablePlace,
  ): Promise<FileChange> {
    const change = { action, item: goneItem(root, relative) }
    await this.#parts.changes.afterReply(requester, change)
    return change
  }

  async #unlink(place: Place): Promise<void> {
    await withFileError(shown(place), () => this.#calls.unlink(place.absolute))
    await this.#calls.makeDurable(dirname(place.absolute))
  }

  async #kindOf({ absolute }: Place): Promise<'file' | 'folder' | 'none'> {
    const stats = await this.#calls.find(absolute)
    if (stats === undefined) return 'none'
    return stats.isDirectory() ? 'folder' : 'file'
  }

  async #refuseSource(from: Place, done: 'moved' | 'copied'): Promise<void> {
    if (from.relative === '') throw new ApiError(403, `A whole root cannot be ${done}`)
    if ((await this.#kindOf(from)) === 'none') throw new ApiError(400, `File ${shown(from)} does not exist`)
  }

  /** A relative link leads elsewhere from another folder. */
  async #refuseRelativeLink(from: Place, to: Place): Promise<void> {
    if (from.absolute === from.real) return
    const target = await this.#calls.readlink(from.absolute)
    if (resolve(dirname(from.absolute), target) === resolve(dirname(to.absolute), target)) return
    throw new ApiError(
      400,
      `'${shown(from)}' is a relative link: it can be renamed in its folder, but not moved`,
    )
  }
}

/** A path as clients write it. */
function shown({ root, relative }: Place): string {
  return relative === '' ? root.name : `${root.name}/${relative}`
}
