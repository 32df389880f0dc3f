// Finds the comments of a G-code text that say "key = value", "key: value" or "key,value", in one pass.

import { setImmediate as breathe } from 'node:timers/promises'

const LONGEST_KEY = 80
/** How much text is read before other work of the process gets its turn: some milliseconds at worst. */
const TEXT_IN_ONE_GO = 512 * 1024
/** Longer values are cut: no field of the metadata needs them. */
const LONGEST_VALUE = 16_384

/** What stood after a key, and where in the text. */
export interface Comment {
  value: string
  at: number
}

/** The wanted comments, by key, each in file order. */
export type Comments = ReadonlyMap<string, readonly Comment[]>

/**
 * Collects the comment lines whose key is wanted. A key ends at the first "=", ":" or ",";
 * semicolons and blanks around it do not count, nor do the blanks before the value and a carriage return.
 * A key with nothing at all after the separator, not even a blank, counts as absent: clients have never seen those.
 */
export async function collectComments(text: string, wanted: ReadonlySet<string>): Promise<Comments> {
  const found = new Map<string, Comment[]>()
  let start = text.startsWith(';') ? 0 : nextComment(text, 0)
  let since = 0
  while (start !== -1) {
    const newline = text.indexOf('\n', start)
    const end = newline === -1 ? text.length : newline
    addComment(found, text, start, end, wanted)
    start = nextComment(text, end)
    if (start - since < TEXT_IN_ONE_GO) continue
    since = start
    await breathe()
  }
  return found
}

function nextComment(text: string, from: number): number {
  const before = text.indexOf('\n;', from)
  return before === -1 ? -1 : before + 1
}

function addComment(
  found: Map<string, Comment[]>,
  text: string,
  start: number,
  end: number,
  wanted: ReadonlySet<string>,
): void {
  let from = start + 1
  while (from < end && isFiller(text.charCodeAt(from))) from++
  const last = Math.min(end, from + LONGEST_KEY)
  let to = from
  while (to < last && !isSeparator(text.charCodeAt(to))) to++
  if (to === last || isBare(text, to + 1, end)) return
  const key = text.slice(from, to).trimEnd()
  if (!wanted.has(key)) return
  const comment = { value: valueBetween(text, to + 1, end), at: start }
  const others = found.get(key)
  if (others) others.push(comment)
  else found.set(key, [comment])
}

function valueBetween(text: string, from: number, end: number): string {
  const value = text.slice(from, Math.min(end, from + LONGEST_VALUE)).trimStart()
  return value.endsWith('\r') ? value.slice(0, -1) : value
}

function isBare(text: string, from: number, end: number): boolean {
  return from >= end || (from === end - 1 && text.charCodeAt(from) === 0x0d)
}

function isFiller(code: number): boolean {
  return code === 0x20 || code === 0x3b || code === 0x09
}

function isSeparator(code: number): boolean {
  return code === 0x3d || code === 0x3a || code === 0x2c
}
