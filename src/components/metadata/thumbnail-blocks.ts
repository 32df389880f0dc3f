// Finds images in comments: "; thumbnail_QOI begin 16x16 368", base64 lines, "; thumbnail_QOI end".
import type { ImageFormat, Thumbnail } from './types.ts'

const FORMATS: Readonly<Record<string, ImageFormat>> = { '': 'png', PNG: 'png', JPG: 'jpg', QOI: 'qoi' }
const MOST_BLOCKS = 64
const LARGEST_SIDE = 8192

/**
 * The kinds of blocks: those of all slicers, or those of Creality Print for displays, "; png begin 96*96 436 0 95 192".
 * `word` is how a tag starts: V8 searches for up to six characters by the first one, which is rare in G-code.
 */
const KINDS = {
  thumbnail: { word: 'thumb', opening: /\b(thumbnail(?:_\w{1,20})?) begin([^\n]{0,114})\n/y },
  png: { word: 'png', opening: /\b(png(?:_\w{1,20})?) begin([^\n]{0,114})\n/y },
}
export type BlockKind = keyof typeof KINDS

interface Begin {
  /** "thumbnail_QOI". */
  readonly tag: string
  readonly declared: string
  /** Where the data starts. */
  readonly start: number
}

/**
 * The images in a text, in its order. Blocks of unknown kinds, without an end, with another block inside, or with another
 * length than the declared one are left out, with a note. The declared size of an image is not compared with its data.
 */
export function thumbnailBlocks(text: string, kind: BlockKind, notes: string[]): Thumbnail[] {
  const thumbnails: Thumbnail[] = []
  const ends = new Map<string, number>()
  let begin = nextBegin(text, kind, 0)
  for (let count = 0; begin !== undefined && count < MOST_BLOCKS; count++) {
    const { tag, declared, start } = begin
    const end = endOf(text, tag, start, ends)
    const next = nextBegin(text, kind, start)
    const thumbnail = readBlock(text, begin, end, next)
    if (typeof thumbnail === 'string') notes.push(`${tag} begin${declared.trimEnd()}: ${thumbnail}`)
    else thumbnails.push(thumbnail)
    begin = next
  }
  return thumbnails
}

function nextBegin(text: string, kind: BlockKind, from: number): Begin | undefined {
  const { word, opening } = KINDS[kind]
  for (let at = text.indexOf(word, from); at !== -1; at = text.indexOf(word, at + 1)) {
    opening.lastIndex = at
    const [line, tag, declared] = opening.exec(text) ?? []
    if (line !== undefined)
      return { tag: tag as string, declared: declared as string, start: at + line.length }
  }
  return undefined
}

/** Caches the position of each end: a text that contains many starts is searched once. */
function endOf(text: string, tag: string, from: number, ends: Map<string, number>): number {
  let end = ends.get(tag) ?? -1
  if (end < from) {
    const found = text.indexOf(`; ${tag} end`, from)
    end = found === -1 ? Number.POSITIVE_INFINITY : found
    ends.set(tag, end)
  }
  return end
}

function readBlock(text: string, begin: Begin, end: number, next: Begin | undefined): Thumbnail | string {
  const { tag, declared, start } = begin
  const format = FORMATS[tag.slice(tag.indexOf('_') + 1 || tag.length).toUpperCase()]
  if (!format) return 'images of this kind are not known'
  if (end === Number.POSITIVE_INFINITY) return 'has no end'
  if (next !== undefined && next.start < end) return 'another image starts in it'
  const [width, height, length, ...more] = (declared.match(/\d{1,9}/g) ?? []).map(Number)
  const isComplete = width !== undefined && height !== undefined && length !== undefined
  if (!isComplete || (more.length > 0 && tag !== 'png')) return 'not WIDTHxHEIGHT LENGTH'
  if (width > LARGEST_SIDE || height > LARGEST_SIDE) return `larger than ${LARGEST_SIDE} pixels`
  if (end - start < length || end - start > 2 * length + 1024) return `not ${length} characters long`
  const base64 = text.slice(start, end).replace(/[;\s]+/g, '')
  if (base64.length !== length) return `${base64.length} characters long, not ${length}`
  return { width, height, format, data: Buffer.from(base64, 'base64') }
}
