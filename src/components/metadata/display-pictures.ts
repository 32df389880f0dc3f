// Finds the images for the displays of printers, which slicers and their plugins write as ";gimage:" (the large one) and
// ";simage:" (the small one). MKS's are rows of pixels in hexadecimal digits: each row but the first is behind
// "M10086 ;". QIDI's and Elegoo's are ColPic images, in one line or in several that start alike.
import { messageOf } from '../../core/errors.ts'
import { decodeColPic } from './image/colpic.ts'
import { withSize } from './image/rgb565.ts'
import type { Thumbnail } from './types.ts'

const SIGNS = ['gimage:', 'simage:']
/** What both end with: V8 searches for up to six characters by the first one, which is rare in G-code. */
const COMMON = 'image:'
const ROW = 'M10086 ;'
const LARGEST_SIDE = 1024
/** How every ColPic image starts, for its version and an empty field. */
const COLPIC = '0`'

/** The images in a text. */
export function displayPictures(text: string, notes: string[]): Thumbnail[] {
  return SIGNS.flatMap(sign => {
    const start = startOf(text, sign)
    if (start === -1) return []
    const picture = readPicture(linesFrom(text, start, sign))
    if (typeof picture !== 'string') return [picture]
    notes.push(`${sign} ${picture}`)
    return []
  })
}

/** Where the first line of the image has the sign; -1 without an image. */
function startOf(text: string, sign: string): number {
  for (let at = text.indexOf(COMMON); at !== -1; at = text.indexOf(COMMON, at + 1)) {
    if (text.startsWith(`;${sign}`, at - 2)) return at - 1
  }
  return -1
}

/** The lines of the image without their common start; a carriage return alone may end a line. */
function* linesFrom(text: string, start: number, sign: string): Generator<string> {
  for (let at = start; at < text.length; ) {
    const end = lineEnd(text, at)
    const line = text.slice(at, end)
    const content = line.replace(/^;{0,3}/, '')
    if (content.startsWith(sign)) yield content.slice(sign.length)
    else if (line.startsWith(ROW)) yield line.slice(ROW.length)
    else return
    at = end + (text.startsWith('\r\n', end) ? 2 : 1)
  }
}

function lineEnd(text: string, from: number): number {
  let end = from
  while (end < text.length && !isLineEnd(text.charCodeAt(end))) end++
  return end
}

function isLineEnd(code: number): boolean {
  return code === 0x0a || code === 0x0d
}

function readPicture(lines: Iterable<string>): Thumbnail | string {
  const rows = [...lines].filter(line => line !== '')
  const [first = ''] = rows
  return first.startsWith(COLPIC) ? colPic(rows.join('')) : rowsOfPixels(rows)
}

function colPic(text: string): Thumbnail | string {
  const data = Buffer.from(text, 'latin1')
  try {
    const { width, height } = decodeColPic(data)
    return { width, height, format: 'colpic', data }
  } catch (error) {
    return messageOf(error)
  }
}

function rowsOfPixels(rows: readonly string[]): Thumbnail | string {
  const [first = ''] = rows
  const [width, height] = [first.length / 4, rows.length]
  if (width === 0) return 'no pixels'
  if (width > LARGEST_SIDE || height > LARGEST_SIDE) return `larger than ${LARGEST_SIDE} pixels`
  if (!Number.isInteger(width) || rows.some(row => row.length !== first.length))
    return 'rows of different lengths'
  const pixels = Buffer.from(rows.join(''), 'hex')
  return { width, height, format: 'rgb565', data: withSize(width, height, pixels) }
}
