// Writes the images of a scan into the folder .thumbs next to the G-code file, with a miniature for lists. A picture that
// cannot be decoded, named or written is left out; the others stay.
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import { Budget } from './budget.ts'
import { decodeImage, formatOf } from './image/decode.ts'
import { encodePng } from './image/png.ts'
import { miniature } from './image/shrink.ts'
import { PICTURE_FOLDER, picturePath } from './picture-files.ts'
import type { ImageFormat, Thumbnail, ThumbnailEntry } from './types.ts'

const MINIATURE = 32
const LARGEST_EXTRACTED = 8 * 1024 * 1024
/** Milliseconds between the times of a G-code file and its picture from the same package: file systems round. */
const SAME_TIME = 5

/** The entries of the metadata's `thumbnails`, and what was left out and why, for the log. */
export interface WrittenPictures {
  readonly entries: ThumbnailEntry[]
  readonly notes: string[]
}

interface Written {
  readonly entry: ThumbnailEntry
  readonly format: ImageFormat
  readonly data: Buffer
}

/**
 * Writes the images of the G-code file at `gcodePath` as .thumbs/NAME-WIDTHxHEIGHT.png or .jpg: PNG and JPEG as they are,
 * others as PNG, because browsers do not show them. Unless one of 32x32 is among them, a miniature of the largest file
 * comes first. Never rejects.
 */
export async function writePictures(
  gcodePath: string,
  thumbnails: readonly Thumbnail[],
): Promise<WrittenPictures> {
  const writer = new PictureWriter(gcodePath)
  if (thumbnails.length > 0) await writer.attempt('folder', () => writer.writeAll(thumbnails))
  return { entries: writer.entries, notes: writer.notes }
}

/**
 * The entries of the picture .thumbs/NAME.png that the server extracted from a Cura package (.ufp), and of its miniature.
 * None if there is no such picture, or it belongs to an earlier file of that name: it has the time of its G-code file.
 * `isKnown`: the metadata of this unchanged file contains the picture already.
 */
export async function packagePicture(gcodePath: string, isKnown: boolean): Promise<WrittenPictures> {
  const writer = new PictureWriter(gcodePath)
  await writer.attempt('.png', () => writer.usePackagePicture(isKnown))
  return { entries: writer.entries, notes: writer.notes }
}

/** Writes the pictures of one G-code file within its budget. */
class PictureWriter {
  entries: ThumbnailEntry[] = []
  readonly notes: string[] = []
  readonly #gcodePath: string
  readonly #budget = new Budget()

  constructor(gcodePath: string) {
    this.#gcodePath = gcodePath
  }

  async writeAll(thumbnails: readonly Thumbnail[]): Promise<void> {
    await mkdir(this.#pathOf(PICTURE_FOLDER), { recursive: true })
    const written: Written[] = []
    for (const thumbnail of thumbnails) {
      const { width, height } = thumbnail
      const one = await this.attempt(`${width}x${height}`, () => this.#writeOne(thumbnail))
      if (one !== undefined) written.push(one)
      this.entries = written.map(({ entry }) => entry)
    }
    const isSmall = ({ entry }: Written) => entry.width === MINIATURE && entry.height === MINIATURE
    if (written.length === 0 || written.some(isSmall)) return
    const largest = written.reduce((best, one) => (one.entry.size > best.entry.size ? one : best))
    const small = await this.attempt('miniature', () => this.#writeMiniature(largest.format, largest.data))
    if (small !== undefined) this.entries.unshift(small)
  }

  async usePackagePicture(isKnown: boolean): Promise<void> {
    const relative_path = picturePath(this.#gcodePath, '.png')
    const found = await stat(this.#pathOf(relative_path)).catch(() => undefined)
    if (found?.isFile() !== true) return
    const { mtimeMs } = await stat(this.#gcodePath)
    if (!isKnown && Math.abs(found.mtimeMs - mtimeMs) > SAME_TIME) return
    if (found.size > LARGEST_EXTRACTED) throw new Error(`larger than ${LARGEST_EXTRACTED} bytes`)
    const data = await readFile(this.#pathOf(relative_path))
    const { width, height } = decodeImage('png', data)
    const small = await this.#writeMiniature('png', data)
    this.entries = [small, { width, height, size: found.size, relative_path }]
  }

  /** An error becomes a note. */
  async attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      this.notes.push(`thumbnail ${what}: ${messageOf(error)}`)
      return undefined
    }
  }

  async #writeOne({ width, height, format: declared, data }: Thumbnail): Promise<Written> {
    this.#budget.takePicture()
    const format = formatOf(data) ?? declared
    const isShown = format === 'png' || format === 'jpg'
    const image = isShown ? data : await this.#convert(format, data)
    const kind = format === 'jpg' ? 'jpg' : 'png'
    const entry = await this.#write(`-${width}x${height}.${kind}`, image, width, height)
    return { entry, format: kind, data: image }
  }

  async #writeMiniature(format: ImageFormat, data: Buffer): Promise<ThumbnailEntry> {
    const small = await miniature(decodeImage(format, data), MINIATURE)
    const { width, height } = small
    return this.#write(`-${MINIATURE}x${MINIATURE}.png`, await encodePng(small), width, height)
  }

  #convert(format: ImageFormat, data: Buffer): Promise<Buffer> {
    const image = decodeImage(format, data)
    this.#budget.takePixels(image.width * image.height)
    return encodePng(image)
  }

  /** Writes a draft first, so that no client sees a part of a picture. */
  async #write(ending: string, data: Buffer, width: number, height: number): Promise<ThumbnailEntry> {
    const relative_path = picturePath(this.#gcodePath, ending)
    const draft = this.#pathOf(`${PICTURE_FOLDER}/.${randomUUID()}`)
    try {
      const file = await open(draft, 'wx')
      await file.writeFile(data).finally(() => file.close())
      await rename(draft, this.#pathOf(relative_path))
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
    return { width, height, size: data.length, relative_path }
  }

  #pathOf(relative: string): string {
    return join(dirname(this.#gcodePath), relative)
  }
}
