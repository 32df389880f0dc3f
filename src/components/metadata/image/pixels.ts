// Images as rows of pixels, so that no decoder ever holds a whole decoded image.

/** An image being decoded. Rows are RGBA, 8 bits each; a row's bytes are only valid until the next one is asked for. */
export interface PixelRows {
  width: number
  height: number
  rows: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** The image cannot be decoded: damaged, of a kind that we do not read, or too large. */
export class ImageUnreadable extends Error {
  override readonly name: string = 'ImageUnreadable'
}

/** Slicers write images of a few hundred pixels a side; more than this is a mistake or an attack. */
const MOST_PIXELS = 4 * 1024 * 1024
const LONGEST_SIDE = 8192

/** Throws ImageUnreadable for sizes that would cost too much to decode, before anything is decoded. */
export function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw new ImageUnreadable(`the image is ${width}x${height} pixels`)
  if (width > LONGEST_SIDE || height > LONGEST_SIDE || width * height > MOST_PIXELS)
    throw new ImageUnreadable(`the image is too large: ${width}x${height} pixels`)
}
