// Parses the values of comments: numbers, lists, durations and names.
import { isUtf8 } from 'node:buffer'

/** Unsigned; large and small numbers may have an exponent, as 2.14748e+06. */
const LEADING_NUMBER = /^\s*((?:\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})(?:e[+-]?\d{1,2})?)/i
const LEADING_INTEGER = /^\s*(\d{1,15})/
const NUMBERS = /(?:\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})(?:e[+-]?\d{1,2})?/gi
const WHOLE = /^[+-]?\d{1,15}$/
const LONGEST_DURATION = 200

/** The unsigned number that the text starts with. */
export function numberIn(text: string): number | undefined {
  const match = LEADING_NUMBER.exec(text)
  return match ? Number(match[1]) : undefined
}

/**
 * The unsigned number that the text starts with, of a text that is no list: it may have a decimal comma, as in QIDIStudio's
 * "; Z_HEIGHT: 71,8" where the user's language has one.
 */
export function decimalIn(text: string): number | undefined {
  return numberIn(text.replace(/^(\s*\d{1,15}),(?=\d)/, '$1.'))
}

/** The unsigned whole number that the text starts with. */
export function integerIn(text: string): number | undefined {
  const match = LEADING_INTEGER.exec(text)
  return match ? Number(match[1]) : undefined
}

/** All numbers in the text; undefined for a text without numbers. */
export function numbersIn(text: string): number[] | undefined {
  return text.match(NUMBERS)?.map(Number)
}

/** The sum, undefined for an empty list. */
export function sum(numbers: readonly number[] | undefined): number | undefined {
  return numbers?.reduce((total, number) => total + number, 0)
}

/** The sum of all numbers in the text, rounded, because decimals add up inexactly. */
export function sumIn(text: string): number | undefined {
  const total = sum(numbersIn(text))
  return total === undefined ? undefined : round(total, 6)
}

/** The text without the double quotes around it, as a copy: a part of the window's string would keep that in memory. */
export function textIn(raw: string): string {
  const text = decode(raw)
  let [start, end] = [0, text.length]
  while (text[start] === '"') start++
  while (end > start && text[end - 1] === '"') end--
  return text.slice(start, end)
}

/** Converts bytes that were read as latin1 to UTF-8 text; bytes that are not UTF-8 stay latin1. */
export function decode(raw: string): string {
  const bytes = Buffer.from(raw, 'latin1')
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
}

/**
 * The values of a list separated by commas or semicolons, without empty ones.
 * A value in double quotes may contain separators, and quotes after a backslash.
 */
export function listIn(raw: string): string[] {
  const text = decode(raw)
  const values: string[] = []
  const add = (value: string) => {
    if (value !== '') values.push(value)
  }
  for (let at = 0; at < text.length; ) {
    const quoted = quotedAt(text, at)
    if (quoted) {
      add(quoted.value)
      at = quoted.end
      continue
    }
    const end = separatorAfter(text, at)
    add(text.slice(at, end).trim())
    at = end + 1
  }
  return values
}

function separatorAfter(text: string, at: number): number {
  let end = at
  while (end < text.length && text[end] !== ',' && text[end] !== ';') end++
  return end
}

function quotedAt(text: string, at: number): { value: string; end: number } | undefined {
  let start = at
  while (text[start] === ' ' || text[start] === '\t') start++
  if (text[start] !== '"') return undefined
  let end = start + 1
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' && text[end + 1] === '"' ? 2 : 1
  if (end >= text.length) return undefined
  return {
    value: text
      .slice(start + 1, end)
      .replaceAll('\\"', '"')
      .trim(),
    end: end + 1,
  }
}

/** A list of whole numbers; null if an entry is something else. */
export function integersIn(raw: string): number[] | null {
  const values = listIn(raw)
  return values.every(value => WHOLE.test(value)) ? values.map(Number) : null
}

/** One name as it is, several as a JSON array in text with ASCII only: the form that clients expect. */
export function namesIn(raw: string): string | undefined {
  const names = listIn(raw)
  if (names.length < 2) return names[0]
  return `[${names.map(name => asciiJson(name)).join(', ')}]`
}

function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Seconds in a text such as "1d 2h 3m 4s"; `units` maps what follows each number to its seconds. */
export function durationIn(raw: string, units: readonly (readonly [RegExp, number])[]): number {
  const text = raw.slice(0, LONGEST_DURATION)
  return units.reduce(
    (total, [pattern, seconds]) => total + Number(pattern.exec(text)?.[1] ?? 0) * seconds,
    0,
  )
}

/** Rounds to the given decimals. */
export function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals))
}
