// Finds the comments of a G-code text that contain "key = value", "key: value" or "key,value", in one pass.
import { trimEndOf } from '../../core/trim-characters.ts'

const LONGEST_KEY = 80
/** The longest value in characters; longer ones are cut, no field of the metadata needs them. */
const LONGEST_VALUE = 16_384
const SEMICOLON = 0x3b

/**
 * Another comment may follow the value of these keys in the same line: OrcaSlicer 1.6 and Creality Print write
 * "; filament cost = 0.04; total filament used [g] = 1.86", and BambuStudio its two times. A semicolon in any other
 * value is part of the value: lists are separated by it, and settings contain G-code.
 */
const CHAINED = new Set([
  'filament used [mm]',
  'filament used [cm3]',
  'filament used [g]',
  'filament cost',
  'model printing time',
])

/** The value of a key, and its position in the text. */
export interface Comment {
  value: string
  at: number
}

/** The wanted comments, by key, each in file order. */
export type Comments = ReadonlyMap<string, readonly Comment[]>

/**
 * Collects the comment lines whose key is wanted. A key ends at the first "=", ":" or ",";
 * semicolons and blanks around it are no part of it, and blanks and a carriage return around the value no part of that.
 * A key with nothing at all after the separator, not even a blank, is ignored, as in Moonraker.
 */
export function collectComments(text: string, wanted: ReadonlySet<string>): Comments {
  const found = new Map<string, Comment[]>()
  let start = text.startsWith(';') ? 0 : nextComment(text, 0)
  while (start !== -1) {
    const newline = text.indexOf('\n', start)
    const end = newline === -1 ? text.length : newline
    addComment(found, wanted, text, start, end)
    start = nextComment(text, end)
  }
  return found
}

function nextComment(text: string, from: number): number {
  const before = text.indexOf('\n;', from)
  return before === -1 ? -1 : before + 1
}

/** Adds the comment of a line; of a line of chained comments, all of them. */
function addComment(
  found: Map<string, Comment[]>,
  wanted: ReadonlySet<string>,
  text: string,
  start: number,
  end: number,
): void {
  for (let at = start; at !== -1; ) {
    let from = at + 1
    while (from < end && isFiller(text.charCodeAt(from))) from++
    const last = Math.min(end, from + LONGEST_KEY)
    let to = from
    while (to < last && !isSeparator(text.charCodeAt(to))) to++
    if (to === last || isBare(text, to + 1, end)) return
    const key = text.slice(from, to).trimEnd()
    const next = CHAINED.has(key) ? text.slice(to, end).indexOf(';') : -1
    if (wanted.has(key))
      add(found, key, { value: valueBetween(text, to + 1, next === -1 ? end : to + next), at })
    at = next === -1 ? -1 : to + next
  }
}

function add(found: Map<string, Comment[]>, key: string, comment: Comment): void {
  const others = found.get(key)
  if (others) others.push(comment)
  else found.set(key, [comment])
}

function valueBetween(text: string, from: number, end: number): string {
  return trimEndOf(text.slice(from, Math.min(end, from + LONGEST_VALUE)).trimStart(), ' \t\r')
}

function isBare(text: string, from: number, end: number): boolean {
  return from >= end || (from === end - 1 && text.charCodeAt(from) === 0x0d)
}

function isFiller(code: number): boolean {
  return code === 0x20 || code === SEMICOLON || code === 0x09
}

function isSeparator(code: number): boolean {
  return code === 0x3d || code === 0x3a || code === 0x2c
}
