// JSON text whose numbers survive: integers beyond 2^53, and in objects that are only edited in part every
// number (1.0, 1e300) in the form in which it was written. All functions take time linear in the length of the text.
import { randomBytes } from 'node:crypto'

/** A number that JavaScript cannot hold; `JSON.stringify` writes its text as it is. */
export interface ExactNumber {
  readonly rawJSON: string
}

/** `source` is the text of a number in the JSON. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** The parts of JSON that Node has and TypeScript's library does not name yet. */
const json = JSON as unknown as {
  parse(text: string, reviver?: Reviver): unknown
  rawJSON(text: string): ExactNumber
  isRawJSON(value: unknown): value is ExactNumber
}

/**
 * The most values a text from a client may have, of which objects, lists and strings may count twice. Memory limits it,
 * not the length: an empty object takes three bytes of text and some 60 in memory.
 */
const MAX_VALUES = 1_000_000

/** Which numbers of a text are kept as text. */
interface Selection {
  /** Found in every text that has such a number, and in few others. */
  readonly hint: RegExp
  /** Matches at least every number to keep. */
  readonly pattern: RegExp
  readonly keeps: (source: string) => boolean
}

const LONG_INTEGERS: Selection = {
  hint: /\d{16}/,
  pattern: /-?\d[-+.\deE]{15,}/g,
  keeps: source => /^-?\d+$/.test(source) && !Number.isSafeInteger(Number(source)),
}

const OTHER_FORMS: Selection = {
  hint: /\d{16}|\.\d*0(?!\d)|\d[eE]|-0/,
  pattern: /-?\d[-+.\deE]*/g,
  keeps: source => String(Number(source)) !== source,
}

/** A text from a client has more values than the server accepts. */
export class TooManyValues extends SyntaxError {
  override readonly name = 'TooManyValues'

  constructor() {
    super('Too many values in one JSON text')
  }
}

/** Reads JSON text, with `revive` for each value. Throws SyntaxError. */
export function parseRevived(text: string, revive: Reviver): unknown {
  return json.parse(text, revive)
}

/** True for a number that is kept as text because JavaScript's numbers cannot hold it. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value)
}

/** The integer `text` as a number if that is exact, otherwise as an `ExactNumber`. */
export function exactInteger(text: string): number | ExactNumber {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : json.rawJSON(text)
}

/** Reads a client's JSON text; only integers beyond 2^53 become `ExactNumber`s. Throws SyntaxError, TooManyValues. */
export function parseExact(text: string): unknown {
  // A value has one character at least.
  if (text.length > MAX_VALUES && hasTooManyValues(text)) throw new TooManyValues()
  return parseKeeping(text, LONG_INTEGERS)
}

/** Reads JSON text that Python may have written: its words for numbers that JSON lacks become null. Throws SyntaxError. */
export function parseStored(text: string): unknown {
  return parseFromPython(text, LONG_INTEGERS)
}

/** Reads JSON text that is to be written again: every number that would be written differently is kept as text. */
export function parseForEditing(text: string): unknown {
  return parseFromPython(text, OTHER_FORMS)
}

function parseFromPython(text: string, selection: Selection): unknown {
  try {
    return parseKeeping(text, selection)
  } catch (error) {
    const readable = mapOutsideStrings(text, part => part.replace(/NaN|-?Infinity/g, 'null'))
    if (readable === text) throw error
    return parseKeeping(readable, selection)
  }
}

/**
 * Marks the numbers to keep, as strings that no other string of the text can equal, and replaces them after parsing. A
 * reviver does the same in one step, but is a hundred times slower where a text has one such number and many values.
 */
function parseKeeping(text: string, { hint, pattern, keeps }: Selection): unknown {
  if (!hint.test(text)) return JSON.parse(text)
  const mark = randomBytes(12).toString('base64url')
  let marked = false
  const markNumber = (source: string) => {
    if (!keeps(source)) return source
    marked = true
    return `"${mark}${source}"`
  }
  const parsed: unknown = JSON.parse(mapOutsideStrings(text, part => part.replace(pattern, markNumber)))
  return marked ? replaceMarked(parsed, mark) : parsed
}

/** Replaces in place, without recursion: the nesting of a text has no limit. */
function replaceMarked(parsed: unknown, mark: string): unknown {
  const root: { value: unknown } = { value: parsed }
  const containers: Record<string, unknown>[] = [root]
  for (let container = containers.pop(); container !== undefined; container = containers.pop()) {
    for (const key of Object.keys(container)) {
      if (key.startsWith(mark)) throw new SyntaxError('A number is used as a name')
      const value = container[key]
      if (typeof value === 'object' && value !== null) containers.push(value as Record<string, unknown>)
      else if (typeof value === 'string' && value.startsWith(mark)) {
        container[key] = json.rawJSON(value.slice(mark.length))
      }
    }
  }
  return root.value
}

/** Counts commas, opening brackets and strings: each value has at least one of them. */
function hasTooManyValues(text: string): boolean {
  let count = 0
  for (const [start, end] of outsideStrings(text)) {
    // The string that follows.
    count += 1
    for (let index = start; index < end; index += 1) {
      const code = text.charCodeAt(index)
      if (code === COMMA || code === BRACKET || code === BRACE) count += 1
    }
    if (count > MAX_VALUES) return true
  }
  return false
}

const COMMA = 0x2c
const BRACKET = 0x5b
const BRACE = 0x7b

/** The text with each part that is outside strings replaced by what `map` returns for it. */
function mapOutsideStrings(text: string, map: (part: string) => string): string {
  let mapped = ''
  let copied = 0
  for (const [start, end] of outsideStrings(text)) {
    const part = text.slice(start, end)
    const replacement = map(part)
    if (replacement === part) continue
    mapped += text.slice(copied, start) + replacement
    copied = end
  }
  return copied === 0 ? text : mapped + text.slice(copied)
}

/** Start and end of each part of a JSON text that is outside its strings; empty between two strings in a row. */
function* outsideStrings(text: string): Generator<readonly [number, number]> {
  let from = 0
  for (let quote = text.indexOf('"'); quote !== -1; quote = text.indexOf('"', from)) {
    yield [from, quote]
    from = endOfString(text, quote)
  }
  if (from < text.length) yield [from, text.length]
}

/** The index after the string that starts at `quote`; the length of the text if the string has no end. */
function endOfString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text[end - 1 - escapes] === '\\') escapes += 1
    if (escapes % 2 === 0) return end + 1
  }
  return text.length
}
