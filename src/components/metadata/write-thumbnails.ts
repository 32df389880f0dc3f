// Writes the images of a scan into the folder .thumbs beside the G-code file, with a 32x32 miniature for lists.
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import { decodeJpeg } from './image/jpeg.ts'
import type { PixelRows } from './image/pixels.ts'
import { decodePng, encodePng } from './image/png.ts'
import { decodeQoi } from './image/qoi.ts'
import { shrink } from './image/shrink.ts'
import { PICTURE_FOLDER } from './picture-files.ts'
import type { ImageFormat, Thumbnail, ThumbnailEntry } from './types.ts'

const MINIATURE = 32
const LARGEST_EXTRACTED = 8 * 1024 * 1024

/** The entries of the metadata's `thumbnails`, and what was left out and why, for the log. */
export interface WrittenThumbnails {
  entries: ThumbnailEntry[]
  notes: string[]
}

interface Written {
  entry: ThumbnailEntry
  format: ImageFormat
  data: Buffer
}

/**
 * Writes `thumbnails` (of the G-code file at `gcodePath`) as .thumbs/NAME-WIDTHxHEIGHT.png or .jpg: PNG and JPEG as
 * they are, QOI as PNG because browsers do not show it. Unless one of 32x32 is among them, a miniature within
 * 32x32 made from the largest file comes first. Images that cannot be decoded are kept but give no miniature.
 * Rejects with the system's error when the folder cannot be written.
 */
export async function writeThumbnails(
  gcodePath: string,
  thumbnails: readonly Thumbnail[],
): Promise<WrittenThumbnails> {
  if (thumbnails.length === 0) return { entries: [], notes: [] }
  const target = new ThumbnailFolder(gcodePath)
  const notes: string[] = []
  const written: Written[] = []
  await target.create()
  for (const { width, height, format, data } of thumbnails) {
    const image =
      format === 'qoi' ? await tried(notes, `${width}x${height}`, () => encodePng(decodeQoi(data))) : data
    if (!image) continue
    const kind = format === 'jpg' ? 'jpg' : 'png'
    const entry = await target.write(`-${width}x${height}.${kind}`, image, width, height)
    written.push({ entry, format: kind, data: image })
  }
  const entries = written.map(({ entry }) => entry)
  if (
    written.length === 0 ||
    entries.some(({ width, height }) => width === MINIATURE && height === MINIATURE)
  )
    return { entries, notes }
  const largest = written.reduce((best, one) => (one.entry.size > best.entry.size ? one : best))
  const miniature = await tried(notes, 'miniature', () =>
    writeMiniature(target, largest.format, largest.data),
  )
  return { entries: miniature ? [miniature, ...entries] : entries, notes }
}

/**
 * The entries of an image that unpacking a Cura package (.ufp) left as .thumbs/NAME.png; its miniature is written
 * beside it. None when there is no such image or it cannot be read.
 */
export async function useExtractedThumbnail(gcodePath: string): Promise<WrittenThumbnails> {
  const target = new ThumbnailFolder(gcodePath)
  const size = await target.sizeOf('.png')
  if (size === undefined) return { entries: [], notes: [] }
  const notes: string[] = []
  const entries = await tried(notes, target.pathOf('.png'), async () => {
    if (size > LARGEST_EXTRACTED) throw new Error(`larger than ${LARGEST_EXTRACTED} bytes`)
    const data = await target.read('.png')
    const { width, height } = decodePng(data)
    const full = { width, height, size, relative_path: target.pathOf('.png') }
    return [await writeMiniature(target, 'png', data), full]
  })
  return { entries: entries ?? [], notes }
}

async function writeMiniature(
  target: ThumbnailFolder,
  format: ImageFormat,
  data: Buffer,
): Promise<ThumbnailEntry> {
  const small = await shrink(decode(format, data), MINIATURE)
  const { width, height } = small
  return target.write(`-${MINIATURE}x${MINIATURE}.png`, await encodePng(small), width, height)
}

function decode(format: ImageFormat, data: Buffer): PixelRows {
  if (format === 'qoi') return decodeQoi(data)
  return format === 'jpg' ? decodeJpeg(data) : decodePng(data)
}

/** What an image holds must not keep the others from being written: any failure to decode becomes a note. */
async function tried<T>(notes: string[], what: string, attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw error
    notes.push(`thumbnail ${what}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** The images of one G-code file. */
class ThumbnailFolder {
  readonly #parent: string
  readonly #stem: string

  constructor(gcodePath: string) {
    this.#parent = dirname(gcodePath)
    this.#stem = parse(gcodePath).name
  }

  /** The path of the image with this ending, seen from the G-code file's folder. */
  pathOf(ending: string): string {
    return `${PICTURE_FOLDER}/${this.#stem}${ending}`
  }

  async create(): Promise<void> {
    await mkdir(join(this.#parent, PICTURE_FOLDER), { recursive: true })
  }

  async sizeOf(ending: string): Promise<number | undefined> {
    const found = await stat(join(this.#parent, this.pathOf(ending))).catch(() => undefined)
    return found?.isFile() ? found.size : undefined
  }

  read(ending: string): Promise<Buffer> {
    return readFile(join(this.#parent, this.pathOf(ending)))
  }

  /** Writes a file that nobody sees half written. */
  async write(ending: string, data: Buffer, width: number, height: number): Promise<ThumbnailEntry> {
    const path = join(this.#parent, this.pathOf(ending))
    const draft = join(this.#parent, PICTURE_FOLDER, `.${randomUUID()}`)
    try {
      const file = await open(draft, 'wx')
      await file.writeFile(data).finally(() => file.close())
      await rename(draft, path)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
    return { width, height, size: data.length, relative_path: this.pathOf(ending) }
  }
}
