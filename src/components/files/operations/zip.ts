// server.files.zip: archives of files and folders, streamed in bounded memory.
import { constants, createReadStream, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { ZipFile } from 'yazl'
import { ConcurrencyLimit } from '../../../core/concurrency-limit.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Caller } from '../../../rpc/caller.ts'
import { withFileError } from '../roots/file-error.ts'
import { asMissing } from '../roots/remote-disks.ts'
import { type Place, pathOfRoot } from '../roots/roots.ts'
import type { StagedFile } from '../roots/staged-file.ts'
import type { WritablePlace } from '../roots/write-access.ts'
import { createStagedFile, describe, type FileItem, MAKE_FILE, type UploadParts } from '../upload/upload.ts'

/** Files in one archive. */
const MAX_ENTRIES = 10_000
/** Archives that wait while one is made. */
const MAX_QUEUED = 10
/** Bytes to keep free on the disk. */
const KEPT_FREE = 16 * 1024 * 1024

/** The parameters of server.files.zip. */
export interface ZipRequest {
  readonly items: readonly string[]
  readonly dest?: string | undefined
  readonly store_only: boolean
}

/** Its result. */
export interface ZipResult {
  readonly destination: FileItem
  readonly action: 'zip_files'
}

/** A file of the server itself to put into an archive. */
export interface ArchiveFile {
  /** The name in the archive. */
  readonly name: string
  /** The path on the disk. */
  readonly real: string
}

/** A file to put into an archive. */
interface Member extends ArchiveFile {
  readonly size: number
  readonly modified: Date
}

/** What archives depend on. */
export type ArchiveParts = Pick<
  UploadParts,
  'core' | 'roots' | 'access' | 'lock' | 'changes' | 'staging' | 'refuseLoaded'
>

export class Archives {
  readonly #parts: ArchiveParts
  readonly #limit = new ConcurrencyLimit({ what: 'archives', maxRunning: 1, maxQueued: MAX_QUEUED })

  constructor(parts: ArchiveParts) {
    this.#parts = parts
  }

  /**
   * Makes an archive; clients are notified after the reply to `caller`. Throws ApiError 400 for missing items, an
   * invalid destination or too many files, 403 for what may not be read or written, 503 if too many archives wait, 507
   * if the disk is full.
   */
  create(request: ZipRequest, caller: Caller): Promise<ZipResult> {
    return this.#limit.run(() => this.#create(request, caller))
  }

  /**
   * Puts files into an uncompressed archive at `place`, for the server itself. Rejects with ApiError 503 if too many
   * archives wait, 507 if the disk is full, with the reason of `signal`, and with the system's error.
   */
  pack(files: readonly ArchiveFile[], place: Place, signal: AbortSignal): Promise<void> {
    return this.#limit.run(() => this.#pack(files, place, signal), signal)
  }

  async #pack(files: readonly ArchiveFile[], place: Place, signal: AbortSignal): Promise<void> {
    const { staging, changes, lock, roots } = this.#parts
    const members: Member[] = []
    for (const file of files) {
      const { size, mtime } = await roots.calls.stat(file.real)
      members.push({ ...file, size, modified: mtime })
    }
    await this.#checkSpace(place, members)
    const staged = createStagedFile(staging, place.root)
    try {
      await writeArchive(staged, members, { compress: false, signal })
      await lock.run({ write: [place.real] }, async () => {
        await staging.publish(staged.path, place.real)
        await changes.report({ action: 'create_file', item: await describe(place, this.#parts.roots) })
      })
    } finally {
      await staged.discard()
    }
  }

  async #create({ items, dest, store_only }: ZipRequest, caller: Caller): Promise<ZipResult> {
    const { lock, staging, refuseLoaded } = this.#parts
    const place = await (dest === undefined
      ? this.#defaultDestination(caller)
      : this.#destination(dest, caller))
    const members = await this.#membersOf(items, place)
    await this.#checkSpace(place, members)
    const file = createStagedFile(staging, place.root)
    try {
      const shown = `${place.root.name}/${place.relative}`
      await withFileError(shown, () =>
        lock.run({ read: members.map(({ real }) => real) }, () =>
          writeArchive(file, members, { compress: !store_only }),
        ),
      )
      return await lock.run({ write: [place.real] }, async () => {
        await refuseLoaded(place)
        return withFileError(shown, () => this.#publish(file, place, caller))
      })
    } finally {
      await file.discard()
    }
  }

  async #publish(file: StagedFile, place: WritablePlace, caller: Caller): Promise<ZipResult> {
    const { staging, changes } = this.#parts
    const replaced = (await this.#parts.roots.calls.find(place.real)) !== undefined
    await staging.publish(file.path, place.real)
    // Nothing may be awaited between `afterReply` and the reply.
    await file.discard()
    const item = await describe(place, this.#parts.roots)
    await changes.afterReply({ caller }, { action: replaced ? 'modify_file' : 'create_file', item })
    return { destination: item, action: 'zip_files' }
  }

  /** `config/collection-20240131-235959.zip`, in local time; `-2` and so on before the end if the name is taken. */
  async #defaultDestination(caller: Caller): Promise<WritablePlace> {
    const name = `config/collection-${this.#localTime()}`
    for (let count = 1; ; count += 1) {
      const place = await this.#destination(`${name}${count === 1 ? '' : `-${count}`}.zip`, caller)
      if ((await this.#parts.roots.calls.find(place.real)) === undefined) return place
    }
  }

  #localTime(): string {
    const now = new Date(this.#parts.core.clock.now() * 1000)
    const two = (value: number) => String(value).padStart(2, '0')
    const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`
    return `${date}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
  }

  async #destination(dest: string, caller: Caller): Promise<WritablePlace> {
    const place = await this.#parts.access.locate(caller, dest, MAKE_FILE)
    const { calls } = this.#parts.roots
    const { relative, real } = place
    if (relative === '' || dest.endsWith('/')) throw new ApiError(400, `The archive needs a name: '${dest}'`)
    if ((await calls.find(real))?.isDirectory()) {
      throw new ApiError(400, `A folder has the name of the archive: '${dest}'`)
    }
    const parent = await calls.find(dirname(real))
    if (!parent?.isDirectory()) throw new ApiError(400, `The folder of the archive does not exist: '${dest}'`)
    return place
  }

  async #membersOf(items: readonly string[], dest: Place): Promise<Member[]> {
    if (items.length === 0) throw new ApiError(400, "An archive needs at least one item in 'items'")
    const members = new Map<string, Member>()
    // Also files that are found twice: looking at each takes time, and other archives wait.
    let examined = 0
    for (const item of new Set(items)) {
      const found = await this.#expand(item)
      examined += Math.max(found.length, 1)
      if (examined > MAX_ENTRIES) throw tooMany()
      for (const member of found) if (member.real !== dest.real) members.set(member.name, member)
    }
    return [...members.values()]
  }

  /** The file at `item`, or the files of the folder without those of its subfolders. */
  async #expand(item: string): Promise<Member[]> {
    const [place, found] = await this.#find(item)
    if (!found.isDirectory()) return [await this.#memberOf(place, item)]
    const entries = await withFileError(item, () =>
      this.#parts.roots.calls.readdir(place.real, { withFileTypes: true }),
    )
    const candidates = entries.filter(entry => entry.isFile() || entry.isSymbolicLink())
    if (candidates.length > MAX_ENTRIES) throw tooMany()
    const members: Member[] = []
    for (const { name } of candidates) {
      const member = await this.#optionalMember(place, name)
      if (member !== undefined) members.push(member)
    }
    return members
  }

  /** Mainsail percent-encodes items. A file of the name as it is comes first: it may contain such a code. */
  async #find(item: string): Promise<[Place, Stats]> {
    const plain = decoded(item)
    try {
      return await this.#existing(item)
    } catch (error) {
      if (plain === item) throw error
      return this.#existing(plain)
    }
  }

  async #existing(item: string): Promise<[Place, Stats]> {
    const place = await this.#parts.roots.locate(item)
    const found = await this.#parts.roots.calls.find(place.real)
    // Moonraker's own wording, which clients may know.
    if (found === undefined) throw new ApiError(400, `No file/directory exits at '${item}'`)
    return [place, found]
  }

  /** Skips what is unreadable, not a file, or leads out of the root. */
  async #optionalMember(folder: Place, name: string): Promise<Member | undefined> {
    try {
      const place = await this.#parts.roots.resolve(folder.root, join(folder.relative, name))
      return await this.#memberOf(place, name)
    } catch (error) {
      if (error instanceof ApiError) return undefined
      throw error
    }
  }

  #memberOf({ root, relative, real }: Place, shown: string): Promise<Member> {
    const { calls } = this.#parts.roots
    return withFileError(shown, async () => {
      const found = await calls.stat(real)
      if (!found.isFile()) throw new ApiError(400, `'${shown}' is neither a file nor a folder`)
      await calls.access(real, constants.R_OK)
      return { name: `${root.name}/${relative}`, real, size: found.size, modified: found.mtime }
    })
  }

  async #checkSpace({ root }: Place, members: readonly Member[]): Promise<void> {
    const found = await this.#parts.roots.calls.statfs(pathOfRoot(root)).catch(asMissing)
    const needed = members.reduce((sum, { size }) => sum + size, KEPT_FREE)
    if (found === undefined || needed <= found.bavail * found.bsize) return
    throw new ApiError(507, `There is not enough space in root '${root.name}' for the archive`)
  }
}

/** `item` without percent-encoding; unchanged if it has none. */
function decoded(item: string): string {
  try {
    return decodeURIComponent(item)
  } catch {
    return item
  }
}

function tooMany(): ApiError {
  return new ApiError(400, `An archive may hold at most ${MAX_ENTRIES} files`)
}

/** How to write an archive. */
interface ArchiveOptions {
  readonly compress: boolean
  /** Ends it; the file is incomplete then. */
  readonly signal?: AbortSignal
}

async function writeArchive(
  file: StagedFile,
  members: readonly Member[],
  { compress, signal }: ArchiveOptions,
): Promise<void> {
  const { ZipFile } = await import('yazl')
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  zip.on('error', error => output.destroy(error))
  const onAbort = () => output.destroy(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  const ended = new AbortController()
  try {
    signal?.throwIfAborted()
    addMembers(zip, { members, compress, signal: ended.signal })
    await file.writeAll(output)
    await file.finish()
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // Closes the file that was being read, should there be one.
    ended.abort()
  }
}

/** What goes into an archive, and how. */
interface Contents {
  readonly members: readonly Member[]
  readonly compress: boolean
  readonly signal: AbortSignal
}

/**
 * Adds the members from `index` on, and ends the archive. Adds each one only when the archive reaches the one before
 * it: 20,000 members that wait take 40 MB. Of a log that grows meanwhile, reads the size it had before.
 */
function addMembers(zip: ZipFile, contents: Contents, index = 0): void {
  const { members, compress, signal } = contents
  const member = members[index]
  if (member === undefined) {
    zip.end()
    return
  }
  const { name, real, size, modified } = member
  zip.addReadStreamLazy(name, { mtime: modified, mode: 0o100644, compress }, callback => {
    addMembers(zip, contents, index + 1)
    const stream = createReadStream(real, { end: Math.max(0, size - 1), signal })
    stream.on('error', error => zip.emit('error', error))
    callback(null, stream)
  })
}
