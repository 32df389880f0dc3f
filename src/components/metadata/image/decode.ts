// The decoders of all image formats.
import type { ImageFormat } from '../types.ts'
import { decodeColPic } from './colpic.ts'
import { decodeJpeg } from './jpeg/jpeg.ts'
import type { PixelRows } from './pixels.ts'
import { decodePng, isPng } from './png.ts'
import { decodeQoi, isQoi } from './qoi.ts'
import { decodeRgb565 } from './rgb565.ts'

/** The format by the first bytes of the data: the declaration of a slicer may be wrong. */
export function formatOf(data: Buffer): ImageFormat | undefined {
  if (isPng(data)) return 'png'
  if (isQoi(data)) return 'qoi'
  return data.length > 3 && data.readUIntBE(0, 3) === 0xffd8ff ? 'jpg' : undefined
}

/** Starts to decode; throws ImageUnreadable if the data is not of that format, or is too large. */
export function decodeImage(format: ImageFormat, data: Buffer): PixelRows {
  switch (format) {
    case 'png':
      return decodePng(data)
    case 'jpg':
      return decodeJpeg(data)
    case 'qoi':
      return decodeQoi(data)
    case 'rgb565':
      return decodeRgb565(data)
    case 'colpic':
      return decodeColPic(data)
  }
}
