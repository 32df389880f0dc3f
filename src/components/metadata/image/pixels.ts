// Images as rows of pixels, so that no decoder keeps a whole decoded image in memory.

/** An image being decoded. Rows are RGBA, 8 bits each; the bytes of a row are valid until the next row is requested. */
export interface PixelRows {
  width: number
  height: number
  rows: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** The image cannot be decoded: damaged, of an unsupported kind, or too large. */
export class ImageUnreadable extends Error {
  override readonly name: string = 'ImageUnreadable'
}

/** The largest image that is decoded; slicers write images of a few hundred pixels a side. */
const MOST_PIXELS = 4 * 1024 * 1024
const LONGEST_SIDE = 8192

/** Throws ImageUnreadable for sizes that would cost too much to decode, before anything is decoded. */
export function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw new ImageUnreadable(`the image is ${width}x${height} pixels`)
  if (width > LONGEST_SIDE || height > LONGEST_SIDE || width * height > MOST_PIXELS)
    throw new ImageUnreadable(`the image is too large: ${width}x${height} pixels`)
}
