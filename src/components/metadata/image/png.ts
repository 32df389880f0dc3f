// Decodes and encodes PNG images on node:zlib, row by row.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createDeflate, createInflate } from 'node:zlib'
import type { PixelRows } from './pixels.ts'
import { checkSize, ImageUnreadable } from './pixels.ts'

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
/** Samples a pixel of each colour type: grey, colour, palette, grey and alpha, colour and alpha. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
const PAETH = 4
/** Deflate makes a byte of 1032 at most. */
const LARGEST_RATIO = 1032

interface Header {
  width: number
  height: number
  depth: number
  colour: number
  channels: number
}

interface Parts {
  header: Header
  palette: Buffer
  /** Alpha of palette entries, or the one transparent grey or colour. */
  transparency: Buffer
  data: Buffer
}

/** Whether the data starts like a PNG image. */
export function isPng(data: Buffer): boolean {
  return data.subarray(0, 8).equals(SIGNATURE)
}

/**
 * Starts to decode; throws ImageUnreadable if it is not a PNG, interlaced, too large, or too short to have all its
 * pixels. Damage in the image data makes the rows throw. Inflates no more than the declared size needs.
 */
export function decodePng(file: Buffer): PixelRows {
  const parts = readParts(file)
  const { width, height } = parts.header
  return { width, height, rows: rowsOf(parts) }
}

function readParts(file: Buffer): Parts {
  if (!isPng(file)) throw new ImageUnreadable('not a PNG image')
  const chunks = new Map<string, Buffer>()
  const data: Buffer[] = []
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at)
    const type = file.toString('latin1', at + 4, at + 8)
    const body = file.subarray(at + 8, at + 8 + length)
    if (type === 'IDAT') data.push(body)
    else chunks.set(type, body)
    at += 12 + length
  }
  const parts = {
    header: readHeader(chunks.get('IHDR')),
    palette: chunks.get('PLTE') ?? Buffer.alloc(0),
    transparency: chunks.get('tRNS') ?? Buffer.alloc(0),
    data: Buffer.concat(data),
  }
  if (strideOf(parts.header) * parts.header.height > LARGEST_RATIO * parts.data.length)
    throw new ImageUnreadable('the PNG ends too early')
  return parts
}

/** Bytes of a row, without the one that names its filter. */
function strideOf({ width, depth, channels }: Header): number {
  return Math.ceil((width * depth * channels) / 8)
}

function readHeader(bytes: Buffer | undefined): Header {
  if (!bytes || bytes.length < 13) throw new ImageUnreadable('the PNG has no header')
  const [depth = 0, colour = 0, , , interlaced = 0] = bytes.subarray(8, 13)
  const channels = CHANNELS[colour]
  const depths = colour === 3 ? [1, 2, 4, 8] : colour === 0 ? [1, 2, 4, 8, 16] : [8, 16]
  if (!channels || !depths.includes(depth)) throw new ImageUnreadable('the PNG has an impossible colour type')
  if (interlaced !== 0) throw new ImageUnreadable('interlaced PNG images are not read')
  const header = { width: bytes.readUInt32BE(0), height: bytes.readUInt32BE(4), depth, colour, channels }
  checkSize(header.width, header.height)
  return header
}

async function* rowsOf(parts: Parts): AsyncGenerator<Uint8Array> {
  const { width, height, depth, channels } = parts.header
  const stride = strideOf(parts.header)
  const pixelBytes = Math.max(1, (depth * channels) >> 3)
  const output = new Uint8Array(width * 4)
  let line = Buffer.alloc(stride + 1)
  let above = Buffer.alloc(stride + 1)
  let filled = 0
  let done = 0
  const inflate = createInflate()
  inflate.end(parts.data)
  for await (const chunk of inflate as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      const count = chunk.copy(line, filled, at, at + stride + 1 - filled)
      filled += count
      at += count
      if (filled <= stride) break
      unfilter(line, above, pixelBytes)
      toRgba(line, parts, output)
      yield output
      ;[line, above, filled] = [above, line, 0]
      if (++done === height) return
    }
  }
  throw new ImageUnreadable('the PNG ends too early')
}

/** Undoes the row's filter; the first byte of a row names it. */
function unfilter(line: Buffer, above: Buffer, pixelBytes: number): void {
  const filter = line[0]!
  for (let i = 1; i < line.length; i++) {
    const left = i > pixelBytes ? line[i - pixelBytes]! : 0
    const up = above[i]!
    if (filter === 1) line[i]! += left
    else if (filter === 2) line[i]! += up
    else if (filter === 3) line[i]! += (left + up) >> 1
    else if (filter === PAETH) line[i]! += paeth(left, up, i > pixelBytes ? above[i - pixelBytes]! : 0)
  }
}

function paeth(left: number, up: number, corner: number): number {
  const [toLeft, toUp, toCorner] = [
    Math.abs(up - corner),
    Math.abs(left - corner),
    Math.abs(left + up - 2 * corner),
  ]
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}

function toRgba(line: Buffer, { header, palette, transparency }: Parts, output: Uint8Array): void {
  const { width, depth, colour, channels } = header
  const scale = depth < 8 && colour !== 3 ? 255 / ((1 << depth) - 1) : 1
  const colours = colour === 2 || colour === 6
  for (let x = 0; x < width; x++) {
    const first = sample(line, x * channels, depth)
    const to = x * 4
    if (colour === 3) {
      for (let i = 0; i < 3; i++) output[to + i] = palette[first * 3 + i] ?? 0
      output[to + 3] = transparency[first] ?? 255
      continue
    }
    output[to] = first * scale
    output[to + 1] = colours ? sample(line, x * channels + 1, depth) : output[to]!
    output[to + 2] = colours ? sample(line, x * channels + 2, depth) : output[to]!
    output[to + 3] = channels % 2 === 0 ? sample(line, (x + 1) * channels - 1, depth) : 255
  }
}

/** A sample as 8 bits, or as it is when it has fewer. */
function sample(line: Buffer, index: number, depth: number): number {
  if (depth >= 8) return line[1 + index * (depth >> 3)]!
  const bit = index * depth
  return (line[1 + (bit >> 3)]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
}

/** Writes an image as PNG with 8 bits a sample and alpha. Rejects with the error of the image's rows. */
export async function encodePng({ width, height, rows }: PixelRows): Promise<Buffer> {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 6], 8)
  const data: Buffer[] = []
  await pipeline(Readable.from(filtered(rows, width * 4)), createDeflate(), async parts => {
    for await (const part of parts as AsyncIterable<Buffer>) data.push(part)
  })
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', Buffer.concat(data)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

async function* filtered(rows: PixelRows['rows'], stride: number): AsyncGenerator<Buffer> {
  const above = new Uint8Array(stride)
  for await (const row of rows) {
    const line = Buffer.alloc(stride + 1)
    line[0] = PAETH
    for (let i = 0; i < stride; i++) {
      const left = i < 4 ? 0 : row[i - 4]!
      line[i + 1] = row[i]! - paeth(left, above[i]!, i < 4 ? 0 : above[i - 4]!)
    }
    above.set(row)
    yield line
  }
}

function chunk(type: string, body: Buffer): Buffer {
  const bytes = Buffer.alloc(body.length + 12)
  bytes.writeUInt32BE(body.length, 0)
  bytes.write(type, 4, 'latin1')
  body.copy(bytes, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, body.length + 8)), body.length + 8)
  return bytes
}
