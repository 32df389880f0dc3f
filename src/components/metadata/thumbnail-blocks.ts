// Finds the images that slicers write into comments: "; thumbnail_QOI begin 16x16 368", base64 lines, "; thumbnail_QOI end".
import type { ImageFormat, Thumbnail } from './types.ts'

const FORMATS: Readonly<Record<string, ImageFormat>> = { '': 'png', PNG: 'png', JPG: 'jpg', QOI: 'qoi' }
const BEGIN = /thumbnail(_[A-Za-z0-9]{1,16})? begin([^\n]{0,80})\n/g
const MOST_BLOCKS = 64
const LARGEST_SIDE = 8192

/**
 * The images in a text, in its order. Blocks of unknown kinds, without an end, or whose length is not the declared
 * one are left out, with a note. Declared sizes and image data are not compared here.
 */
export function thumbnailBlocks(text: string, notes: string[]): Thumbnail[] {
  const thumbnails: Thumbnail[] = []
  const ends = new Map<string, number>()
  for (const begin of text.matchAll(BEGIN).take(MOST_BLOCKS)) {
    const [line, tag = '', declared = ''] = begin
    const start = begin.index + line.length
    const end = endOf(text, tag, start, ends)
    const thumbnail = end === undefined ? 'has no end' : readBlock(tag, declared, text, start, end)
    if (typeof thumbnail === 'string') notes.push(`thumbnail${tag} begin${declared.trimEnd()}: ${thumbnail}`)
    else thumbnails.push(thumbnail)
  }
  return thumbnails
}

/** Remembers each end, so that a text full of begins is not searched again for each of them. */
function endOf(text: string, tag: string, from: number, ends: Map<string, number>): number | undefined {
  let end = ends.get(tag) ?? -1
  if (end !== Number.POSITIVE_INFINITY && end < from) {
    const found = text.indexOf(`; thumbnail${tag} end`, from)
    end = found === -1 ? Number.POSITIVE_INFINITY : found
    ends.set(tag, end)
  }
  return end === Number.POSITIVE_INFINITY ? undefined : end
}

function readBlock(
  tag: string,
  declared: string,
  text: string,
  start: number,
  end: number,
): Thumbnail | string {
  const format = FORMATS[tag.slice(1).toUpperCase()]
  if (!format) return 'images of this kind are not known'
  const [width, height, length, ...more] = (declared.match(/\d{1,9}/g) ?? []).map(Number)
  if (width === undefined || height === undefined || length === undefined || more.length > 0)
    return 'not WIDTHxHEIGHT LENGTH'
  if (width > LARGEST_SIDE || height > LARGEST_SIDE) return `larger than ${LARGEST_SIDE} pixels`
  if (end - start < length || end - start > 2 * length + 1024) return `not ${length} characters long`
  const base64 = text.slice(start, end).replace(/[;\s]+/g, '')
  if (base64.length !== length) return `${base64.length} characters long, not ${length}`
  return { width, height, format, data: Buffer.from(base64, 'base64') }
}
