// Finds the images for the displays of BIGTREETECH, which OrcaSlicer, SuperSlicer and plugins of Cura write: a line
// ";00460050" with width and height, a line of pixels for each row, both in hexadecimal digits, and after all images
// "; bigtree thumbnail end".
import { withSize } from './image/rgb565.ts'
import type { Thumbnail } from './types.ts'

/** Without the semicolon: V8 searches by the first characters, which are rare in G-code. */
const END = 'bigtree thumbnail end'
const LARGEST_SIDE = 1024
const MOST_PICTURES = 16

/** The images in a text. What only looks like one is left out. */
export function bigtreePictures(text: string): Thumbnail[] {
  const end = text.indexOf(END)
  if (end === -1) return []
  const images = text.slice(0, end)
  const pictures: Thumbnail[] = []
  const header = /^;([\da-f]{4})([\da-f]{4})\r?\n/gim
  for (let found = header.exec(images); found !== null; found = header.exec(images)) {
    const [width, height] = [Number.parseInt(found[1]!, 16), Number.parseInt(found[2]!, 16)]
    if (width === 0 || height === 0 || width > LARGEST_SIDE || height > LARGEST_SIDE) continue
    const { rows, next } = rowsAt(images, header.lastIndex, width, height)
    // Rows are read once, also those of something else: the time is linear.
    header.lastIndex = next
    if (rows.length < height) continue
    // The high byte comes first.
    const pixels = Buffer.from(rows.join(''), 'hex').swap16()
    pictures.push({ width, height, format: 'rgb565', data: withSize(width, height, pixels) })
    if (pictures.length === MOST_PICTURES) break
  }
  return pictures
}

/** At most `height` lines of `width` pixels, and where the line after them starts. */
function rowsAt(
  text: string,
  start: number,
  width: number,
  height: number,
): { rows: string[]; next: number } {
  const row = /;([\da-f]{4,4096})\r?\n/iy
  const rows: string[] = []
  let next = start
  while (rows.length < height) {
    row.lastIndex = next
    const pixels = row.exec(text)?.[1]
    if (pixels?.length !== 4 * width) break
    rows.push(pixels)
    next = row.lastIndex
  }
  return { rows, next }
}
