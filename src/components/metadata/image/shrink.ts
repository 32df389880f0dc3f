// Shrinks images: each pixel of the small image is the mean of the pixels that it covers.
import type { PixelRows } from './pixels.ts'

/**
 * A small picture for lists: a square of `side` pixels, with transparent borders where the image is not square, because
 * front-ends show only squares in their lists. Images that are smaller stay as they are.
 */
export async function miniature(image: PixelRows, side: number): Promise<PixelRows> {
  const small = await shrink(image, side)
  const isSmaller = image.width <= side && image.height <= side
  return isSmaller ? small : { width: side, height: side, rows: withBorders(small, side) }
}

async function* withBorders(image: PixelRows, side: number): AsyncGenerator<Uint8Array> {
  const [left, top] = [Math.floor((side - image.width) / 2), Math.floor((side - image.height) / 2)]
  for (let y = 0; y < top; y++) yield new Uint8Array(4 * side)
  for await (const row of image.rows) {
    const line = new Uint8Array(4 * side)
    line.set(row, 4 * left)
    yield line
  }
  for (let y = top + image.height; y < side; y++) yield new Uint8Array(4 * side)
}

/**
 * The image inside a square of `side` pixels, with its proportions; smaller images stay as they are.
 * Rejects with the error of the image's rows.
 */
export async function shrink(image: PixelRows, side: number): Promise<PixelRows> {
  const { width, height } = fitted(image.width, image.height, side)
  const sums = new Float64Array(width * height * 4)
  const [scaleX, scaleY] = [image.width / width, image.height / height]
  let y = 0
  for await (const row of image.rows) {
    const line = Math.min(Math.floor(y / scaleY), height - 1)
    const share = Math.min(1, (line + 1) * scaleY - y)
    addRow(sums.subarray(line * width * 4), row, width, scaleX, share)
    if (share < 1 && line + 1 < height)
      addRow(sums.subarray((line + 1) * width * 4), row, width, scaleX, 1 - share)
    y++
  }
  return { width, height, rows: meanRows(sums, width, scaleX * scaleY) }
}

/** The largest size within the square that keeps the proportions best, as Pillow's thumbnail function computes it. */
export function fitted(width: number, height: number, side: number): { width: number; height: number } {
  if (width <= side && height <= side) return { width, height }
  const aspect = width / height
  const nearest = (exact: number, error: (size: number) => number) => {
    const [low, high] = [Math.floor(exact), Math.ceil(exact)]
    return Math.max(1, error(low) <= error(high) ? low : high)
  }
  if (aspect <= 1)
    return { width: nearest(side * aspect, size => Math.abs(aspect - size / side)), height: side }
  const error = (size: number) => (size === 0 ? 0 : Math.abs(aspect - side / size))
  return { width: side, height: nearest(side / aspect, error) }
}

/** Adds a row's colours, weighted with their alpha and the share of the row that falls into the target line. */
function addRow(line: Float64Array, row: Uint8Array, width: number, scale: number, share: number): void {
  for (let x = 0, from = 0; from < row.length; x++, from += 4) {
    const column = Math.min(Math.floor(x / scale), width - 1)
    const part = Math.min(1, (column + 1) * scale - x)
    addPixel(line, column * 4, row, from, part * share)
    if (part < 1 && column + 1 < width) addPixel(line, column * 4 + 4, row, from, (1 - part) * share)
  }
}

function addPixel(line: Float64Array, to: number, row: Uint8Array, from: number, weight: number): void {
  const alpha = row[from + 3]! * weight
  line[to]! += row[from]! * alpha
  line[to + 1]! += row[from + 1]! * alpha
  line[to + 2]! += row[from + 2]! * alpha
  line[to + 3]! += alpha
}

function* meanRows(sums: Float64Array, width: number, area: number): Generator<Uint8Array> {
  for (let at = 0; at < sums.length; at += width * 4) {
    const row = new Uint8Array(width * 4)
    for (let i = 0; i < row.length; i += 4) {
      const alpha = sums[at + i + 3]!
      for (let c = 0; c < 3; c++) row[i + c] = alpha === 0 ? 0 : Math.round(sums[at + i + c]! / alpha)
      row[i + 3] = Math.round(alpha / area)
    }
    yield row
  }
}
