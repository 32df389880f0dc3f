// How a slicer's file says where each metadata field stands and how to read it.
import { setImmediate as breathe } from 'node:timers/promises'
import type { Comment, Comments } from './comments.ts'
import { collectComments } from './comments.ts'
import type { SliceFields, SlicerIdentity } from './types.ts'
import { integerIn, numberIn, textIn } from './values.ts'

/** The start and the end of a file. A field of the tail that is not there is looked for in the head too. */
export type Place = 'head' | 'tail'

/** One window of the file: its text (latin1) and the comments that the slicer's fields ask for. */
export interface Source {
  text: string
  comments: Comments
}

/** Reads one field. `read` gives undefined for "not here" and null for "here, but unusable: leave it out". */
export interface Field<T> {
  place: Place
  /** Keys of the comments that `read` looks at. */
  keys: readonly string[]
  read(source: Source): T | null | undefined
  /** Where to look when no window has one. Looks at no keyed comments. */
  instead?: Field<T>
  /** The value when no window has one. */
  otherwise?: T
}

/** The readers of a slicer's fields. */
export type FieldReaders = { readonly [Name in keyof SliceFields]?: Field<NonNullable<SliceFields[Name]>> }

/** What a comment that starts or ends the printing of an object says. */
export type ObjectMark =
  | { kind: 'start'; id: string; name: string }
  | { kind: 'end' }
  /** Tells the name of the object that the next mark starts. */
  | { kind: 'name'; name: string }

/** A slicer, or a family of slicers that write the same comments. One file in slicers/ declares one. */
export interface Slicer {
  /** Who made the file, undefined when another slicer did. `head` is the start of the file as latin1. */
  identify(head: string): SlicerIdentity | undefined
  readonly fields: FieldReaders
  /** False for slicers whose image blocks, if any, are not theirs. */
  readonly thumbnails?: boolean
  /** How the slicer marks the objects of a print, absent when it does not. */
  readonly objects?: ObjectComments
}

/** The comments around the commands of each object. */
export interface ObjectComments {
  /** What a line about objects starts with: a file without such a line has none. */
  sign: string
  /** Reads a comment line, undefined when it is not about objects. `announced` is the name from the last mark of kind "name". */
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
  return { place, keys: list, read: source => firstOf(source, list, read) }
}

/** An unsigned number. */
export function number(place: Place, ...keys: string[]): Field<number> {
  return value(place, keys, numberIn)
}

/** An unsigned whole number. */
export function integer(place: Place, ...keys: string[]): Field<number> {
  return value(place, keys, integerIn)
}

/** A text without the quotes around it. */
export function text(place: Place, ...keys: string[]): Field<string> {
  return value(place, keys, textIn)
}

/** A field read from the whole window rather than from keyed comments. */
export function inText<T>(place: Place, read: (text: string) => T | undefined): Field<T> {
  return { place, keys: [], read: source => read(source.text) }
}

/** The number that the pattern's first group catches first. */
export function match(place: Place, pattern: RegExp): Field<number> {
  return inText(place, whole => {
    const found = pattern.exec(whole)
    return found ? Number(found[1]) : undefined
  })
}

/** All numbers that the first group of a global pattern catches. */
export function everyNumber(whole: string, pattern: RegExp): number[] {
  return Array.from(whole.matchAll(pattern), found => Number(found[1]))
}

/** The lowest Z of the commands that only move Z, as far as the pattern goes. */
export function lowest(place: Place, pattern: RegExp): Field<number> {
  return inText(place, whole => extreme(whole, pattern, (a, b) => Math.min(a, b)))
}

/** The highest number that the first group of a global pattern catches, of those that `counts` lets through. */
export function highest(place: Place, pattern: RegExp, counts?: (found: number) => boolean): Field<number> {
  return inText(place, whole => extreme(whole, pattern, (a, b) => Math.max(a, b), counts))
}

function extreme(
  whole: string,
  pattern: RegExp,
  pick: (a: number, b: number) => number,
  counts: (found: number) => boolean = () => true,
): number | undefined {
  let result: number | undefined
  for (const found of whole.matchAll(pattern)) {
    const candidate = Number(found[1])
    if (!counts(candidate)) continue
    result = result === undefined ? candidate : pick(result, candidate)
  }
  return result
}

/** Reads every field that a slicer declares. `tail` is `head` itself when one window holds the whole file. */
export async function readFields(slicer: Slicer, head: string, tail: string): Promise<SliceFields> {
  const wanted = new Set(Object.values(slicer.fields).flatMap(field => field.keys))
  const start: Source = { text: head, comments: await collectComments(head, wanted) }
  const end: Source = head === tail ? start : { text: tail, comments: await collectComments(tail, wanted) }
  const fields: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(slicer.fields)) {
    const found = readField(field, start, end)
    if (field.keys.length === 0) await breathe()
    if (found !== undefined) fields[name] = found
  }
  return fields
}

function readField(field: Field<unknown>, head: Source, tail: Source): unknown {
  const order = field.place === 'head' || head === tail ? [head] : [tail, head]
  for (const source of order) {
    const found = field.read(source)
    if (found === null) return undefined
    if (found !== undefined) return found
  }
  return field.instead === undefined ? field.otherwise : readField(field.instead, head, tail)
}
