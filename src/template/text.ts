// Values as text: Python's str() and repr(), and JSON as Python's json module writes it.

import type { Budget } from './budget.ts'
import { TemplateError } from './template-error.ts'
import {
  Callable,
  dictEntries,
  Float,
  isDict,
  isFloat,
  isTemplateObject,
  numberOf,
  Sequence,
  sequenceItems,
  typeName,
  Undefined,
} from './values.ts'

/** The characters of a text as Python counts them. */
export function codePoints(text: string): string[] {
  return Array.from(text)
}

/** A value as it prints. A strict undefined value raises instead of printing nothing. */
export function str(value: unknown, budget: Budget): string {
  if (typeof value === 'string') return value
  if (value instanceof Undefined) {
    value.touch()
    return ''
  }
  return repr(value, budget)
}

/** A value as Python writes it in source code; a printed list shows its items like this. */
export function repr(value: unknown, budget: Budget): string {
  return scalarRepr(value) ?? new ReprWriter(budget).write(value)
}

function scalarRepr(value: unknown): string | undefined {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number' || value instanceof Float) return numberText(value)
  if (typeof value === 'string') return quoted(value)
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Callable) return `<function ${value.name}>`
  return undefined
}

/** An int or a float as Python prints it. */
export function numberText(value: unknown): string {
  const number = numberOf(value) ?? Number.NaN
  return isFloat(value) ? floatText(number) : integerText(number)
}

/** All digits of a whole number; past 2^53 JavaScript's own text would round them. */
export function integerText(number: number): string {
  return Number.isSafeInteger(number) ? String(number) : BigInt(number).toString()
}

function floatText(number: number): string {
  if (Number.isNaN(number)) return 'nan'
  if (!Number.isFinite(number)) return number > 0 ? 'inf' : '-inf'
  const sign = number < 0 || Object.is(number, -0) ? '-' : ''
  const [mantissa = '0', exponentText = '0'] = Math.abs(number).toExponential().split('e')
  const exponent = Number(exponentText)
  if (number !== 0 && (exponent < -4 || exponent >= 16)) {
    const digits = String(Math.abs(exponent)).padStart(2, '0')
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`
  }
  const digits = mantissa.replace('.', '')
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  return `${sign}${digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')}.${digits.slice(exponent + 1) || '0'}`
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\\', '\\\\'],
])

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\u00a0\\'"]/gu, character => {
    if (character === '"' || character === "'") return character === quote ? `\\${quote}` : character
    return ESCAPES.get(character) ?? codeEscape(character.codePointAt(0) ?? 0)
  })
  return `${quote}${escaped}${quote}`
}

function codeEscape(code: number): string {
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

class ReprWriter {
  readonly #budget: Budget
  readonly #open: unknown[] = []
  #length = 0

  constructor(budget: Budget) {
    this.#budget = budget
  }

  write(value: unknown): string {
    const scalar = scalarRepr(value)
    if (scalar === undefined) return this.#container(value)
    // Shared items print again and again: the text can be far larger than the value.
    this.#length += scalar.length
    this.#budget.spend(1)
    this.#budget.checkLength(this.#length)
    return scalar
  }

  #container(value: unknown): string {
    if (this.#open.includes(value)) return isDict(value) ? '{...}' : '[...]'
    if (this.#open.length > 100)
      throw new TemplateError('RecursionError', 'a list or dict is nested too deeply to print')
    this.#open.push(value)
    const text = this.#containerText(value)
    this.#open.pop()
    return text
  }

  #containerText(value: unknown): string {
    this.#budget.spend(1)
    const items = sequenceItems(value)
    if (items) return this.#sequence(value, items)
    if (isDict(value)) {
      return `{${dictEntries(value)
        .map(([key, item]) => `${this.write(key)}: ${this.write(item)}`)
        .join(', ')}}`
    }
    return `<${isTemplateObject(value) ? (value.typeName ?? 'object') : 'object'}>`
  }

  #sequence(value: unknown, items: readonly unknown[]): string {
    if (value instanceof Sequence && value.kind === 'range') return rangeText(items)
    const text = items.map(item => this.write(item)).join(', ')
    if (!(value instanceof Sequence)) return `[${text}]`
    if (value.kind === 'tuple') return items.length === 1 ? `(${text},)` : `(${text})`
    return `${value.kind}([${text}])`
  }
}

function rangeText(items: readonly unknown[]): string {
  const [first = 0, second] = items.map(Number)
  if (second === undefined) return `range(${first}, ${first + items.length})`
  const step = second - first
  const stop = first + items.length * step
  return step === 1 ? `range(${first}, ${stop})` : `range(${first}, ${stop}, ${step})`
}

/** How `tojson` writes: `indent` spaces for each level, or undefined for one line. */
export interface JsonStyle {
  indent?: number | undefined
}

/**
 * JSON as Python's json.dumps writes it with sorted keys and ASCII only; a value without a JSON form raises a
 * TypeError.
 */
export function jsonText(value: unknown, budget: Budget, style: JsonStyle = {}): string {
  let length = 0
  const count = (text: string) => {
    length += text.length
    budget.spend(1)
    budget.checkLength(length)
    return text
  }
  const wrap = (parts: string[], open: string, close: string, depth: number) => {
    if (parts.length === 0) return open + close
    if (style.indent === undefined) return open + parts.join(', ') + close
    const pad = `\n${' '.repeat(style.indent * depth)}`
    return `${open}${pad}${' '.repeat(style.indent)}${parts.join(`,${pad}${' '.repeat(style.indent)}`)}${pad}${close}`
  }
  const write = (item: unknown, depth: number): string => {
    if (depth > 100) throw new TemplateError('ValueError', 'Circular reference detected')
    const items = sequenceItems(item)
    if (items)
      return count(
        wrap(
          items.map(each => write(each, depth + 1)),
          '[',
          ']',
          depth,
        ),
      )
    if (!isDict(item)) return count(jsonScalar(item))
    const pairs = dictEntries(item).map(([key, each]): [string, unknown] => [jsonKey(key), each])
    pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return count(
      wrap(
        pairs.map(([key, each]) => `${jsonString(key)}: ${write(each, depth + 1)}`),
        '{',
        '}',
        depth,
      ),
    )
  }
  return write(value, 0)
}

function jsonScalar(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return jsonString(value)
  if (typeof value === 'boolean') return String(value)
  const number = numberOf(value)
  if (number === undefined) {
    throw new TemplateError('TypeError', `Object of type ${typeName(value)} is not JSON serializable`)
  }
  if (Number.isNaN(number)) return 'NaN'
  return Number.isFinite(number) ? numberText(value) : number > 0 ? 'Infinity' : '-Infinity'
}

function jsonKey(key: unknown): string {
  return typeof key === 'string' ? key : jsonScalar(key)
}

function jsonString(text: string): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(text).replace(/[^ -~]/g, escaped)
}
