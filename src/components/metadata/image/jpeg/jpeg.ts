// Decodes JPEG images: baseline ones a line of blocks at a time, progressive ones as a whole.
import { ImageUnreadable, type PixelRows } from '../pixels.ts'
import { type Frame, readFrame } from './frame.ts'
import { ProgressiveImage } from './progressive.ts'
import { Tables } from './scan.ts'
import { decodeSequential } from './sequential.ts'

/** A block of 64 pixels takes two bits at least, one in a progressive image; the last blocks may be outside of the image. */
const PIXELS_PER_BYTE = 256
const PROGRESSIVE_PIXELS_PER_BYTE = 512

const END_OF_IMAGE = 0xd9
const START_OF_SCAN = 0xda

/**
 * Starts to decode; throws ImageUnreadable if the data is not a JPEG, of a kind that is not read, too large, or too short
 * for its pixels. A damaged or missing scan gives grey or wrong pixels.
 */
export function decodeJpeg(data: Buffer): PixelRows {
  if (data.length < 4 || data.readUInt16BE(0) !== 0xffd8) throw new ImageUnreadable('not a JPEG image')
  try {
    return decodeSegments(data)
  } catch (error) {
    if (error instanceof RangeError) throw new ImageUnreadable('a segment of the JPEG is cut short')
    throw error
  }
}

function decodeSegments(data: Buffer): PixelRows {
  const tables = new Tables()
  let frame: Frame | undefined
  let image: ProgressiveImage | undefined
  for (let at = 2; at + 4 <= data.length; ) {
    if (data.readUInt16BE(at) === 0xffff) {
      at++
      continue
    }
    const marker = data[at + 1]!
    if (marker === END_OF_IMAGE) break
    const end = at + 2 + data.readUInt16BE(at + 2)
    const segment = data.subarray(at + 4, end)
    at = end
    if (isFrame(marker)) {
      if (frame !== undefined) throw new ImageUnreadable('the JPEG has more than one frame')
      frame = readFrameOf(marker, segment)
    } else if (marker === START_OF_SCAN) {
      if (frame === undefined) throw new ImageUnreadable('the JPEG has no frame')
      const body = data.subarray(end)
      const scan = tables.readScan(segment, frame)
      if (image === undefined) checkLength(frame, body)
      if (!frame.progressive) return decodeSequential(frame, scan, body)
      image ??= new ProgressiveImage(frame)
      const length = scanLength(body)
      image.add(scan, body.subarray(0, length))
      at += length
    } else tables.read(marker, segment)
  }
  if (image === undefined) throw new ImageUnreadable('the JPEG has no image data')
  return image.rows()
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

function readFrameOf(marker: number, segment: Buffer): Frame {
  if (marker > 0xc2) throw new ImageUnreadable('only baseline and progressive JPEG images are read')
  return readFrame(segment, marker === 0xc2)
}

function checkLength({ width, height, progressive }: Frame, body: Buffer): void {
  const most = (progressive ? PROGRESSIVE_PIXELS_PER_BYTE : PIXELS_PER_BYTE) * body.length
  if (width * height > most) throw new ImageUnreadable('the JPEG ends too early')
}

/** Bytes to the next marker that ends a scan. */
function scanLength(body: Buffer): number {
  let at = body.indexOf(0xff)
  for (; at !== -1; at = body.indexOf(0xff, at + 1)) {
    const next = body[at + 1]
    const isOfScan = next === 0 || next === 0xff || (next !== undefined && (next & 0xf8) === 0xd0)
    if (!isOfScan) return at
  }
  return body.length
}
