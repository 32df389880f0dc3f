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
 * The most values a text from a client may have, of which objects, lists and strings may count twice. Memory and time
 * limit it, not the length: an empty object takes three bytes of text and some 60 in memory.
 */
const MAX_VALUES = 500_000
/** The most integers beyond 2^53 in a text from a client: each takes 20 times as long as other values. */
const MAX_LONG_INTEGERS = 10_000
/** Characters of a number from a client. Klippy's Python reads no longer integers, and drops a request with one. */
const MAX_NUMBER_LENGTH = 4300

/** Which numbers of a text are kept as text. */
interface Selection {
  /** Found in every text that has such a number, and in few others. */
  readonly hint: RegExp
  /** The fewest characters of such a number. */
  readonly minLength: number
  readonly keeps: (source: string) => boolean
}

const LONG_INTEGERS: Selection = {
  hint: /\d{16}/,
  minLength: 16,
  keeps: source => /^-?\d+$/.test(source) && !Number.isSafeInteger(Number(source)),
}

/** As LONG_INTEGERS. Throws JsonLimitExceeded. */
function clientIntegers(): Selection {
  let count = 0
  const keeps = (source: string) => {
    if (source.length > MAX_NUMBER_LENGTH) {
      throw new JsonLimitExceeded(`A number in the JSON text has more than ${MAX_NUMBER_LENGTH} characters`)
    }
    if (!LONG_INTEGERS.keeps(source)) return false
    count += 1
    if (count > MAX_LONG_INTEGERS) {
      throw new JsonLimitExceeded(`More than ${MAX_LONG_INTEGERS} integers beyond 2^53 in one JSON text`)
    }
    return true
  }
  return { ...LONG_INTEGERS, keeps }
}

const OTHER_FORMS: Selection = {
  hint: /\d{16}|\.\d*0(?!\d)|\d[eE]|-0/,
  minLength: 1,
  keeps: source => String(Number(source)) !== source,
}

/** A text from a client has more or longer values than the server accepts. */
export class JsonLimitExceeded extends SyntaxError {
  override readonly name = 'JsonLimitExceeded'
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

/** Reads a client's JSON text; only integers beyond 2^53 become `ExactNumber`s. Throws SyntaxError, JsonLimitExceeded. */
export function parseExact(text: string): unknown {
  // A value has one character at least.
  if (text.length > MAX_VALUES && hasTooManyValues(text)) {
    throw new JsonLimitExceeded('Too many values in one JSON text')
  }
  return LONG_INTEGERS.hint.test(text) ? parseKeeping(text, clientIntegers()) : JSON.parse(text)
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
function parseKeeping(text: string, { hint, minLength, keeps }: Selection): unknown {
  if (!hint.test(text)) return JSON.parse(text)
  const mark = randomBytes(12).toString('base64url')
  let marked = false
  const markNumber = (source: string) => {
    if (!keeps(source)) return source
    marked = true
    return `"${mark}${source}"`
  }
  const parsed: unknown = JSON.parse(mapOutsideStrings(text, part => mapNumbers(part, minLength, markNumber)))
  return marked ? replaceMarked(parsed, mark) : parsed
}

/** Replaces in place, without recursion: the nesting of a text has no limit. */
function replaceMarked(parsed: unknown, mark: string): unknown {
  const root = [parsed]
  const containers: object[] = [root]
  const replacementOf = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null) containers.push(value)
    return typeof value === 'string' && value.startsWith(mark)
      ? json.rawJSON(value.slice(mark.length))
      : value
  }
  for (let container = containers.pop(); container !== undefined; container = containers.pop()) {
    if (Array.isArray(container)) {
      for (const [index, value] of container.entries()) container[index] = replacementOf(value)
      continue
    }
    const fields = container as Record<string, unknown>
    for (const key of Object.keys(fields)) {
      if (key.startsWith(mark)) throw new SyntaxError('A number is used as a name')
      const value = fields[key]
      const replacement = replacementOf(value)
      if (replacement !== value) fields[key] = replacement
    }
  }
  return root[0]
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
const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d

/**
 * The text, without strings, with each number of at least `minLength` characters replaced by what `map` returns for it.
 * An expression would need more stack than there is for a number of ten million digits.
 */
function mapNumbers(text: string, minLength: number, map: (source: string) => string): string {
  let mapped = ''
  let copied = 0
  for (let start = 0; start < text.length; start += 1) {
    const code = text.charCodeAt(start)
    if (code !== MINUS && !isDigit(code)) continue
    const end = endOfNumber(text, start)
    if (end - start >= minLength) {
      const source = text.slice(start, end)
      const replacement = map(source)
      if (replacement !== source) {
        mapped += text.slice(copied, start) + replacement
        copied = end
      }
    }
    start = end
  }
  return copied === 0 ? text : mapped + text.slice(copied)
}

/** The index after the number that starts at `start`. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && (isDigit(text.charCodeAt(end)) || '+-.eE'.includes(text[end] as string)))
    end += 1
  return end
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

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
  const next = text.indexOf('"', quote + 1)
  if (next === -1) return text.length
  if (text.charCodeAt(next - 1) !== BACKSLASH) return next + 1
  for (let index = quote + 1; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === QUOTE) return index + 1
    if (code === BACKSLASH) index += 1
  }
  return text.length
}
