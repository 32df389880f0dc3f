// Cura's packages (.ufp): zip files with G-code and a picture of the model. The server extracts only these two.
import type { Readable } from 'node:stream'
import type { Entry, ZipFile } from 'yauzl'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { StagedFile } from '../roots/staged-file.ts'

/** Cura's entry names; other programs write them without the slash. */
const MODEL = /^\/?3D\/model\.gcode$/i
const THUMBNAIL = /^\/?Metadata\/thumbnail\.png$/i
/** Cura writes about ten entries. */
const MAX_ENTRIES = 1000
/** G-code compresses to a tenth, at best to a fiftieth. */
const MAX_RATIO = 200
/** Bytes of the picture. */
const MAX_THUMBNAIL = 8 * 1024 * 1024

/** The parts of a package. */
export interface Unpacked {
  readonly model: StagedFile
  readonly thumbnail: StagedFile | null
}

/**
 * Extracts the package at `path` into staging files from `create`, and makes them durable. Throws ApiError 400 if the
 * file is not a package, or an entry is too large (`maxBytes` for the G-code); then no staging file remains.
 */
export async function unpackUfp(path: string, create: () => StagedFile, maxBytes: number): Promise<Unpacked> {
  const zip = await openZip(path)
  const made: StagedFile[] = []
  const extract = async (entry: Entry, limit: number) => {
    checkEntry(entry, limit)
    const file = create()
    made.push(file)
    await file.writeAll(await readEntry(zip, entry))
    await file.finish()
    return file
  }
  try {
    const { model, thumbnail } = await findMembers(zip)
    if (model === undefined) throw new ApiError(400, 'The package (.ufp) contains no G-code')
    return {
      model: await extract(model, maxBytes),
      thumbnail: thumbnail === undefined ? null : await extract(thumbnail, MAX_THUMBNAIL),
    }
  } catch (error) {
    await Promise.all(made.map(file => file.discard()))
    throw packageError(error)
  } finally {
    zip.close()
  }
}

async function openZip(path: string): Promise<ZipFile> {
  const { open } = await import('yauzl')
  return new Promise((resolve, reject) => {
    // Cura's entries start with a slash; yauzl rejects such names if it decodes them.
    open(path, { lazyEntries: true, autoClose: false, decodeStrings: false }, (error, zip) => {
      if (error === null) resolve(zip)
      else reject(packageError(error))
    })
  })
}

/** Keeps errors of the system; all others mean that the file is damaged. */
function packageError(error: unknown): unknown {
  if (error instanceof ApiError || (error instanceof Error && 'syscall' in error)) return error
  return new ApiError(400, `The package (.ufp) cannot be read: ${messageOf(error)}`, { cause: error })
}

function findMembers(zip: ZipFile): Promise<{ model?: Entry; thumbnail?: Entry }> {
  return new Promise((resolve, reject) => {
    if (zip.entryCount > MAX_ENTRIES) throw new ApiError(400, 'The package (.ufp) has too many entries')
    const found: { model?: Entry; thumbnail?: Entry } = {}
    zip.on('error', reject)
    zip.on('end', () => resolve(found))
    zip.on('entry', (entry: Entry) => {
      const name = entry.fileName.toString()
      if (MODEL.test(name)) found.model ??= entry
      else if (THUMBNAIL.test(name)) found.thumbnail ??= entry
      zip.readEntry()
    })
    zip.readEntry()
  })
}

/** Checks the sizes in the zip directory; yauzl stops reading an entry that does not match them. */
function checkEntry({ uncompressedSize, compressedSize, fileName }: Entry, limit: number): void {
  if (uncompressedSize <= limit && uncompressedSize <= compressedSize * MAX_RATIO + 1024) return
  throw new ApiError(400, `The package (.ufp) has an entry that is too large when unpacked: ${fileName}`)
}

function readEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error === null) resolve(stream)
      else reject(error)
    })
  })
}
