// Pixels of 16 bits: five of red, six of green, five of blue. Displays of MKS show them; the data starts with width and
// height, which the G-code file has no place for.
import type { PixelRows } from './pixels.ts'
import { checkSize, ImageUnreadable } from './pixels.ts'

const HEADER = 4

/** The pixels (two bytes each, the low one first) with their size before them. */
export function withSize(width: number, height: number, pixels: Buffer): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt16LE(width, 0)
  header.writeUInt16LE(height, 2)
  return Buffer.concat([header, pixels])
}

/** Starts to decode; throws ImageUnreadable if pixels are missing, or the image is too large. */
export function decodeRgb565(data: Buffer): PixelRows {
  const [width, height] = [data.readUInt16LE(0), data.readUInt16LE(2)]
  checkSize(width, height)
  if (data.length < HEADER + 2 * width * height) throw new ImageUnreadable('the image ends too early')
  return { width, height, rows: rowsOf(data, width, height) }
}

function* rowsOf(data: Buffer, width: number, height: number): Generator<Uint8Array> {
  const row = new Uint8Array(width * 4)
  for (let y = 0, at = HEADER; y < height; y++) {
    for (let x = 0; x < width; x++, at += 2) writeRgb565(row, 4 * x, data.readUInt16LE(at))
    yield row
  }
}

/** Writes a pixel of 16 bits as RGBA. */
export function writeRgb565(row: Uint8Array, to: number, pixel: number): void {
  const [red, green, blue] = [pixel >> 11, (pixel >> 5) & 63, pixel & 31]
  row[to] = (red << 3) | (red >> 2)
  row[to + 1] = (green << 2) | (green >> 4)
  row[to + 2] = (blue << 3) | (blue >> 2)
  row[to + 3] = 255
}
