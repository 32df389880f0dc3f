// How the files of slicers/ declare where each metadata field is and how to read it.
import type { Comment, Comments } from './comments.ts'
import { collectComments } from './comments.ts'
import type { SliceFields, SlicerIdentity } from './types.ts'
import { decimalIn, integerIn, numberIn, textIn } from './values.ts'

/** The start of a file, its end, and what is between them in a large file. */
export type Place = 'head' | 'tail' | 'between'

/** One window of the file: its text (latin1) and the comments that the slicer's fields need. */
export interface Source {
  readonly text: string
  readonly comments: Comments
  /** Whether the window is the whole file. */
  readonly isWhole: boolean
}

/** Reads one field. `read` returns undefined if the window does not contain it, and null if its value is unusable. */
export interface Field<T> {
  readonly place: Place
  /** Keys of the comments that `read` looks at. */
  readonly keys: readonly string[]
  read(source: Source): T | null | undefined
  /** For a field of the tail: read the head if the tail lacks it. Some slicers write their settings there. */
  readonly alsoInHead?: boolean
  /** For the place `between`: the file is searched only if its head contains one of these. */
  readonly signs?: readonly string[]
  /** Where to look next. */
  readonly instead?: Field<T>
  /** The value if no window contains one. */
  readonly otherwise?: T
}

/** The readers of a slicer's fields. */
export type FieldReaders = { readonly [Name in keyof SliceFields]?: Field<NonNullable<SliceFields[Name]>> }

/** What a comment that starts or ends the printing of an object contains. */
export type ObjectMark =
  | { kind: 'start'; id: string; name: string }
  | { kind: 'end' }
  /** The name of the object that the next mark starts. */
  | { kind: 'name'; name: string }

/** A slicer, or a family of slicers that write the same comments. One file in slicers/ declares one. */
export interface Slicer {
  /** Which program made the file, undefined if another slicer did. `head` is the start of the file as latin1. */
  identify(head: string): SlicerIdentity | undefined
  readonly fields: FieldReaders
  /** False for slicers that write no images: image blocks in their files come from somewhere else. */
  readonly thumbnails?: boolean
  /** How the slicer marks the objects of a print, absent if it does not. */
  readonly objects?: ObjectComments
}

/** The comments around the commands of each object. */
export interface ObjectComments {
  /** The start of a line about objects: a file without such a line has none. */
  sign: string
  /** Reads a comment line, undefined if it is not about objects. `announced` is the name from the last mark of kind "name". */
  mark(line: string, announced: string | undefined): ObjectMark | undefined
}

/** The first comment, in file order, among several keys, whose value can be read. */
export function firstOf<T>(source: Source, keys: readonly string[], read: (raw: string) => T | undefined) {
  let best: { at: number; value: T } | undefined
  for (const key of keys) {
    for (const { value: raw, at } of source.comments.get(key) ?? []) {
      if (best && at > best.at) break
      const value = read(raw)
      if (value === undefined) continue
      best = { at, value }
      break
    }
  }
  return best?.value
}

/** All comments with these keys, in file order for each key. */
export function allOf(source: Source, keys: readonly string[]): readonly Comment[] {
  return keys.flatMap(key => source.comments.get(key) ?? [])
}

/** A field from the first comment with one of the keys whose value `read` understands. */
export function value<T>(
  place: Place,
  keys: string | readonly string[],
  read: (raw: string) => T | undefined,
): Field<T> {
  const list = typeof keys === 'string' ? [keys] : keys
  return { place, keys: list, alsoInHead: true, read: source => firstOf(source, list, read) }
}

/** An unsigned number. */
export function number(place: Place, ...keys: string[]): Field<number> {
  return value(place, keys, numberIn)
}

/** An unsigned number that is no list, so that it may have a decimal comma. */
export function decimal(place: Place, ...keys: string[]): Field<number> {
  return value(place, keys, decimalIn)
}

/** An unsigned whole number. */
export function integer(place: Place, ...keys: string[]): Field<number> {
  return value(place, keys, integerIn)
}

/** A text without the quotes around it. */
export function text(place: Place, ...keys: string[]): Field<string> {
  return value(place, keys, textIn)
}

/**
 * A field read from the text of a window. Only from that window: of a large file, the layers and moves in its head are
 * not those in its tail.
 */
export function inText<T>(place: Place, read: (text: string) => T | undefined): Field<T> {
  return { place, keys: [], read: source => read(source.text) }
}

/** The first of several fields that has a value. */
export function firstOfFields<T>(first: Field<T>, ...others: readonly Field<T>[]): Field<T> {
  const [second, ...rest] = first.instead === undefined ? others : [first.instead, ...others]
  return second === undefined ? first : { ...first, instead: firstOfFields(second, ...rest) }
}

/** The text of a file, of which `between` searches the middle: see `searchBetween` in windows.ts. */
export interface FileText {
  readonly head: string
  /** Is `head` itself if that is the whole file. */
  readonly tail: string
  /** Calls `read` with parts of the text between head and tail, the last one first, until it returns a value. */
  between?<T>(read: (text: string) => T | undefined): Promise<T | undefined>
}

/** Reads every field that a slicer declares. */
export async function readFields(slicer: Slicer, file: FileText): Promise<SliceFields> {
  const wanted = new Set(Object.values(slicer.fields).flatMap(keysOf))
  const isWhole = file.head === file.tail
  const head: Source = { text: file.head, comments: collectComments(file.head, wanted), isWhole }
  const tail: Source = isWhole
    ? head
    : { text: file.tail, comments: collectComments(file.tail, wanted), isWhole }
  const fields: Record<string, unknown> = {}
  for (const [name, field] of Object.entries<Field<unknown>>(slicer.fields)) {
    const found = await readField(field, file, head, tail)
    if (found !== undefined) fields[name] = found
  }
  return fields
}

function keysOf(field: Field<unknown>): readonly string[] {
  return field.instead === undefined ? field.keys : [...field.keys, ...keysOf(field.instead)]
}

async function readField(
  field: Field<unknown>,
  file: FileText,
  head: Source,
  tail: Source,
): Promise<unknown> {
  const found =
    field.place === 'between' ? await readBetween(field, file, head) : readWindows(field, head, tail)
  if (found === null) return undefined
  if (found !== undefined) return found
  return field.instead === undefined ? field.otherwise : readField(field.instead, file, head, tail)
}

function readWindows(field: Field<unknown>, head: Source, tail: Source): unknown {
  if (field.place === 'head' || head === tail) return field.read(head)
  const found = field.read(tail)
  return found === undefined && field.alsoInHead === true ? field.read(head) : found
}

function readBetween(field: Field<unknown>, file: FileText, head: Source): Promise<unknown> | undefined {
  if (field.signs?.some(sign => head.text.includes(sign)) === false) return undefined
  return file.between?.(text => field.read({ text, comments: new Map(), isWhole: false }) ?? undefined)
}
