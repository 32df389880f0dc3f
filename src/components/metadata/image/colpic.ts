// Decodes ColPic images, which the displays of QIDI and Elegoo printers show: a palette of at most 1024 colours of 16
// bits, and runs of pixels, in text of six bits a character.
import type { PixelRows } from './pixels.ts'
import { checkSize, ImageUnreadable } from './pixels.ts'
import { writeRgb565 } from './rgb565.ts'

const HEADER = 32
const VERSION = 3
const MARK = 0x05ddc33c
const FIRST_CHARACTER = 48
/** Written in place of the backslash. */
const TILDE = 126
const BACKSLASH = 92
/** Colours of a page: a run names one of them. */
const PAGE = 32

/** Starts to decode the text of an image; throws ImageUnreadable if it is not a ColPic image, or too large. */
export function decodeColPic(text: Buffer): PixelRows {
  const data = sixBits(text)
  if (data.length < HEADER || data[0] !== VERSION || data.readUInt32LE(12) !== MARK)
    throw new ImageUnreadable('not a ColPic image')
  const [width, height] = [data.readUInt32LE(4), data.readUInt32LE(8)]
  checkSize(width, height)
  const [paletteBytes, runBytes] = [data.readUInt32LE(16), data.readUInt32LE(20)]
  const runs = HEADER + paletteBytes
  if (paletteBytes > 2048 || data.length < runs + runBytes)
    throw new ImageUnreadable('the image ends too early')
  const palette = data.subarray(HEADER, runs)
  return { width, height, rows: rowsOf(palette, data.subarray(runs, runs + runBytes), width, height) }
}

/** Four characters are three bytes. */
function sixBits(text: Buffer): Buffer {
  const values = text.map(code => (code === TILDE ? BACKSLASH : code) - FIRST_CHARACTER)
  const data = Buffer.alloc(3 * Math.floor(text.length / 4))
  for (let from = 0, to = 0; to < data.length; from += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = values.subarray(from, from + 4)
    data[to++] = (a << 2) | (b >> 4)
    data[to++] = (b << 4) | (c >> 2)
    data[to++] = (c << 6) | d
  }
  return data
}

function* rowsOf(palette: Buffer, runs: Buffer, width: number, height: number): Generator<Uint8Array> {
  const row = new Uint8Array(width * 4)
  let x = 0
  let y = 0
  let page = 0
  for (let at = 0; at < runs.length && y < height; ) {
    const code = runs[at++]!
    if (code >> 5 === 7) {
      page = code & 31
      continue
    }
    const colour = 2 * (page * PAGE + (code & 31))
    const pixel = colour + 2 > palette.length ? 0 : palette.readUInt16LE(colour)
    for (let left = code >> 5 || (runs[at++] ?? 0); left > 0 && y < height; left--) {
      writeRgb565(row, 4 * x, pixel)
      if (++x < width) continue
      yield row
      x = 0
      y++
    }
  }
  if (y < height) throw new ImageUnreadable('the image ends too early')
}
