// Extracts zip archives from the internet: no entry reaches a file outside of the folder, and size and number of the
// entries are bounded before anything is written.
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Entry, ZipFile } from 'yauzl'
import { messageOf } from '../../../core/errors.ts'

/** The archive cannot be used; the message is for clients. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
}

/** A front-end has some hundred entries. */
const MAX_ENTRIES = 20_000
/** Bytes of all entries together. */
const MAX_BYTES = 1024 * 1024 * 1024
/** The content may have so many times the size of the archive, and some bytes for small ones. */
const MAX_RATIO = 100
const RATIO_BYTES = 64 * 1024 * 1024
const MAX_NAME_BYTES = 1024
/** Folders inside each other: with the most entries of the longest names, an archive would make ten million folders. */
const MAX_DEPTH = 40
/** Bytes that stay free on the disk. */
const KEPT_FREE = 16 * 1024 * 1024
/** File types in the upper bits of a mode. */
const TYPE_MASK = 0o170000
const FOLDER = 0o040000
const REGULAR_FILE = 0o100000

/** An entry as it is extracted. */
interface Item {
  readonly entry: Entry
  /** Relative, without `..`. */
  readonly name: string
  readonly isFolder: boolean
  readonly mode: number
}

/**
 * Extracts the archive `file` into the new folder `folder`. Absolute names and `..` are made harmless as by Python's
 * zipfile: the parts that lead outside are left out. Rejects with ArchiveError for an archive that is damaged, too large,
 * or has links; with the error of the file system; with the reason of `signal`.
 */
export async function extractZip(file: string, folder: string, signal: AbortSignal): Promise<void> {
  try {
    await demandBounded(file, dirname(folder))
    await mkdir(folder)
    await eachItem(file, async (zip, item) => {
      signal.throwIfAborted()
      await extract(zip, item, join(folder, item.name), signal)
    })
  } catch (error) {
    signal.throwIfAborted()
    throw archiveError(error)
  }
}

/** Checks names and sizes of all entries, and the free space. */
async function demandBounded(file: string, disk: string): Promise<void> {
  const maxBytes = Math.min(MAX_BYTES, (await stat(file)).size * MAX_RATIO + RATIO_BYTES)
  let bytes = 0
  let files = 0
  await eachItem(file, async (_, { entry, isFolder }) => {
    bytes += entry.uncompressedSize
    if (!isFolder) files += 1
    if (bytes > maxBytes) throw new ArchiveError('The archive is too large when it is extracted')
  })
  if (files === 0) throw new ArchiveError('The archive contains no files')
  const { bavail, bsize } = await statfs(disk)
  if (bavail * bsize < bytes + KEPT_FREE)
    throw new ArchiveError(`The disk has not enough free space: ${bytes} bytes are needed`)
}

/** Visits the entries one after the other; the list of them is never held in memory. */
async function eachItem(file: string, visit: (zip: ZipFile, item: Item) => Promise<void>): Promise<void> {
  const { openPromise, getFileNameLowLevel } = await import('yauzl')
  // yauzl rejects names that lead outside if it decodes them.
  const zip = await openPromise(file, { autoClose: false, decodeStrings: false })
  try {
    if (zip.entryCount > MAX_ENTRIES) throw new ArchiveError('The archive has too many entries')
    for await (const entry of zip.eachEntry()) {
      const { generalPurposeBitFlag: flags, fileNameRaw, extraFields } = entry
      const name = getFileNameLowLevel(flags, fileNameRaw, extraFields, false)
      const item = itemOf(entry, name)
      if (item !== null) await visit(zip, item)
    }
  } finally {
    zip.close()
  }
}

/** Null for an entry without a name of its own, such as `../`. */
function itemOf(entry: Entry, fullName: string): Item | null {
  const parts = fullName.split('/').filter(part => part !== '' && part !== '.' && part !== '..')
  const name = parts.join('/')
  if (name === '') return null
  const shown = JSON.stringify(name.slice(0, 100))
  if (name.includes('\0') || Buffer.byteLength(name) > MAX_NAME_BYTES || parts.length > MAX_DEPTH)
    throw new ArchiveError(`The archive has an entry with an invalid name: ${shown}`)
  const isFolder = fullName.endsWith('/')
  // Archives that were made on Windows have no modes.
  const mode = entry.externalFileAttributes >>> 16
  const type = mode & TYPE_MASK
  if (type !== 0 && type !== (isFolder ? FOLDER : REGULAR_FILE))
    throw new ArchiveError(`The archive has an entry that is neither file nor folder: ${shown}`)
  if (!entry.canDecodeFileData())
    throw new ArchiveError(`The archive has an encrypted or unusual entry: ${shown}`)
  return { entry, name, isFolder, mode: mode & 0o777 }
}

async function extract(zip: ZipFile, item: Item, path: string, signal: AbortSignal): Promise<void> {
  const { entry, isFolder, mode } = item
  if (isFolder) {
    await mkdir(path, { recursive: true })
    // The server must be able to remove it later.
    await chmod(path, mode === 0 ? 0o755 : mode | 0o700)
    return
  }
  await mkdir(dirname(path), { recursive: true })
  const { crc32 } = await import('node:zlib')
  let checksum = 0
  const checked = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      checksum = crc32(chunk, checksum)
      yield chunk
    }
  }
  const input = await zip.openReadStreamPromise(entry)
  // An existing file has the same name in the archive.
  await pipeline(input, checked, createWriteStream(path, { flags: 'wx' }), { signal })
  if (checksum !== entry.crc32)
    throw new ArchiveError(`The archive is damaged: the checksum of ${JSON.stringify(item.name)} is wrong`)
  await chmod(path, mode === 0 ? 0o644 : mode | 0o400)
}

/** Keeps errors of the system, apart from those about names that occur twice; all others mean that it is damaged. */
function archiveError(error: unknown): unknown {
  if (error instanceof ArchiveError) return error
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ENAMETOOLONG')
    return new ArchiveError('The archive has two entries with the same name, or a name that is too long', {
      cause: error,
    })
  if (syscall !== undefined) return error
  const isZip = !/End of Central Directory/i.test(messageOf(error))
  const text = isZip ? `The archive is damaged: ${messageOf(error)}` : 'File is not a zip file'
  return new ArchiveError(text, { cause: error })
}
