// JSON text whose numbers survive: integers beyond 2^53, and in objects that are only edited in part every
// number (1.0, 1e300) as it was written by whoever wrote it.

/** A number that JavaScript cannot hold; `JSON.stringify` writes its text as it is. */
export interface ExactNumber {
  readonly rawJSON: string
}

/** `source` is the text of a number as it stands in the JSON. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** The parts of JSON that Node has and TypeScript's library does not name yet. */
const json = JSON as unknown as {
  parse(text: string, reviver?: Reviver): unknown
  rawJSON(text: string): ExactNumber
  isRawJSON(value: unknown): value is ExactNumber
}

const LONG_NUMBER = /\d{16}/
const NUMBER_OF_ANOTHER_FORM = /\d{16}|\.\d*0(?!\d)|\d[eE]|-0/
/** A string, or a word that Python writes for a number which JSON does not have. */
const STRING_OR_NO_NUMBER = /"(?:[^"\\]|\\.)*"|NaN|-?Infinity/g

/** Reads JSON text, with `revive` for each value. Throws SyntaxError. */
export function parseRevived(text: string, revive: Reviver): unknown {
  return json.parse(text, revive)
}

/** True for a number that stands as text because JavaScript's numbers cannot hold it. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value)
}

/** The integer `text` as a number where that is exact, else as an `ExactNumber`. */
export function exactInteger(text: string): number | ExactNumber {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : json.rawJSON(text)
}

/** Reads JSON text; only integers beyond 2^53 become `ExactNumber`s. Throws SyntaxError. */
export function parseExact(text: string): unknown {
  return LONG_NUMBER.test(text) ? json.parse(text, keepLongIntegers) : JSON.parse(text)
}

/** Reads JSON text that Python may have written: its words for no number become null. Throws SyntaxError. */
export function parseStored(text: string): unknown {
  return parse(text, LONG_NUMBER, keepLongIntegers)
}

/** Reads JSON text that is to be written again: every number that would come out differently is kept as text. */
export function parseForEditing(text: string): unknown {
  return parse(text, NUMBER_OF_ANOTHER_FORM, keepEveryForm)
}

function parse(text: string, sign: RegExp, reviver: Reviver): unknown {
  const needed = sign.test(text) ? reviver : undefined
  try {
    return json.parse(text, needed)
  } catch (error) {
    const readable = text.replace(STRING_OR_NO_NUMBER, word => (word.startsWith('"') ? word : 'null'))
    if (readable === text) throw error
    return json.parse(readable, needed)
  }
}

const keepLongIntegers: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) ? exactInteger(source) : value

const keepEveryForm: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && String(value) !== source ? json.rawJSON(source) : value
