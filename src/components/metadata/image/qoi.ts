// Decodes QOI images (https://qoiformat.org/qoi-specification.pdf).
import type { PixelRows } from './pixels.ts'
import { checkSize, ImageUnreadable } from './pixels.ts'

const HEADER = 14
const RGB = 0xfe
const RGBA = 0xff
const PIXELS_PER_BYTE = 62

/** Whether the data starts like a QOI image. */
export function isQoi(data: Buffer): boolean {
  return data.length >= HEADER && data.toString('latin1', 0, 4) === 'qoif'
}

/**
 * Starts to decode; throws ImageUnreadable if it is not a QOI image, too large, or too short to have all its pixels: a
 * byte describes 62 at most. Pixels missing at the end repeat the last one.
 */
export function decodeQoi(data: Buffer): PixelRows {
  if (!isQoi(data)) throw new ImageUnreadable('not a QOI image')
  const width = data.readUInt32BE(4)
  const height = data.readUInt32BE(8)
  checkSize(width, height)
  if (width * height > PIXELS_PER_BYTE * (data.length - HEADER))
    throw new ImageUnreadable('the image ends too early')
  return { width, height, rows: rowsOf(data, width, height) }
}

function* rowsOf(data: Buffer, width: number, height: number): Generator<Uint8Array> {
  const row = new Uint8Array(width * 4)
  const pixels = new PixelReader(data)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels.next(row, x * 4)
    yield row
  }
}

/** Holds the state of the format: the current pixel, the 64 recent ones, and how often the current one repeats. */
class PixelReader {
  readonly #data: Buffer
  readonly #recent = new Uint8Array(64 * 4)
  readonly #pixel = Uint8Array.of(0, 0, 0, 255)
  #at = HEADER
  #run = 0

  constructor(data: Buffer) {
    this.#data = data
  }

  /** Writes the next pixel to four bytes of the row. */
  next(row: Uint8Array, to: number): void {
    if (this.#run > 0) this.#run--
    else if (this.#at < this.#data.length) this.#read(this.#data[this.#at++]!)
    row.set(this.#pixel, to)
  }

  #read(code: number): void {
    const pixel = this.#pixel
    if (code === RGB || code === RGBA) {
      const count = code === RGB ? 3 : 4
      for (let i = 0; i < count; i++) pixel[i] = this.#data[this.#at++] ?? 0
    } else if (code < 0x40) pixel.set(this.#recent.subarray(code * 4, code * 4 + 4))
    else if (code < 0x80) this.#change(((code >> 4) & 3) - 2, ((code >> 2) & 3) - 2, (code & 3) - 2)
    else if (code < 0xc0) {
      const green = (code & 0x3f) - 32
      const rest = this.#data[this.#at++] ?? 0
      this.#change(green + (rest >> 4) - 8, green, green + (rest & 15) - 8)
    } else this.#run = code & 0x3f
    const [r = 0, g = 0, b = 0, a = 0] = pixel
    this.#recent.set(pixel, ((r * 3 + g * 5 + b * 7 + a * 11) % 64) * 4)
  }

  #change(red: number, green: number, blue: number): void {
    this.#pixel[0]! += red
    this.#pixel[1]! += green
    this.#pixel[2]! += blue
  }
}
