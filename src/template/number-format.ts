// Python's number formatting, shared by `%` formatting and `str.format`.

import { trimEndOf } from '../core/trim-characters.ts'
import { TemplateError } from './template-error.ts'
import { codePoints, integerText } from './text.ts'

/** The parts of Python's format specification. */
export interface FormatSpec {
  fill: string
  align: '<' | '>' | '^' | '=' | ''
  sign: '+' | '-' | ' '
  alternate: boolean
  width: number
  grouping: ',' | '_' | ''
  precision: number | undefined
  type: string
}

/** A finite number with exactly `digits` decimals, rounded to even where Python does (an exact half only). */
export function fixed(number: number, digits: number): string {
  if (Math.abs(number) >= 1e21)
    return digits > 0 ? `${integerText(number)}.${'0'.repeat(digits)}` : integerText(number)
  const wanted = Math.min(digits, 99)
  const text = roundsFromExactHalf(number, wanted) ? evenNeighbour(number, wanted) : number.toFixed(wanted)
  return text + '0'.repeat(digits - wanted)
}

function roundsFromExactHalf(number: number, digits: number): boolean {
  // Only multiples of 1/2^(digits+1) can lie exactly between two decimals; toFixed is exact for those.
  return Number.isInteger(number * 2 ** (digits + 1)) && number.toFixed(digits + 1).endsWith('5')
}

function evenNeighbour(number: number, digits: number): string {
  const cut = number.toFixed(digits + 1).slice(0, -1)
  const lower = cut.endsWith('.') ? cut.slice(0, -1) : cut
  return Number(lower.at(-1)) % 2 === 0 ? lower : number.toFixed(digits)
}

/** Rounds as Python's round(): to the nearest, an exact half to even; negative digits round before the point. */
export function roundHalfEven(number: number, digits: number): number {
  if (!Number.isFinite(number)) return number
  if (digits >= 0) return digits > 22 ? number : Number(fixed(number, digits))
  const unit = 10 ** -digits
  return Number.isFinite(unit) ? Number(fixed(number / unit, 0)) * unit : 0
}

/** Writes a float in the style of the type letter: e, f, g, their capitals, `%`, or '' for the shortest. */
export function floatBody(number: number, spec: FormatSpec, whole: string): string {
  const upper = spec.type !== '' && spec.type !== spec.type.toLowerCase()
  if (!Number.isFinite(number)) {
    const word = Number.isNaN(number) ? 'nan' : 'inf'
    return upper ? word.toUpperCase() : word
  }
  const precision = spec.precision ?? 6
  switch (spec.type.toLowerCase()) {
    case 'e':
      return cased(exponential(number, precision), upper)
    case 'f':
      return grouped(fixed(number, precision), spec.grouping)
    case '%':
      return `${grouped(fixed(number * 100, precision), spec.grouping)}%`
    case 'g':
    case 'n':
      return cased(grouped(general(number, precision, spec.alternate), spec.grouping), upper)
    default:
      return grouped(spec.precision === undefined ? whole : shortest(number, spec.precision), spec.grouping)
  }
}

function cased(text: string, upper: boolean): string {
  return upper ? text.toUpperCase() : text
}

function exponential(number: number, digits: number): string {
  const [mantissa = '', exponent = ''] = number.toExponential(Math.min(digits, 100)).split('e')
  return `${mantissa}e${exponent.charAt(0)}${exponent.slice(1).padStart(2, '0')}`
}

function general(number: number, precision: number, keepZeros: boolean): string {
  const significant = Math.min(Math.max(precision, 1), 100)
  const exponent = Number(number.toExponential(significant - 1).split('e')[1])
  const scientific = exponent < -4 || exponent >= significant
  const text = scientific ? exponential(number, significant - 1) : fixed(number, significant - 1 - exponent)
  if (keepZeros || !text.includes('.')) return text
  const [mantissa = '', power] = text.split('e')
  const short = trimEndOf(trimEndOf(mantissa, '0'), '.')
  return power === undefined ? short : `${short}e${power}`
}

/** Like `g`, but an exponent is used one digit earlier, and a whole number keeps a decimal. */
function shortest(number: number, precision: number): string {
  const significant = Math.min(Math.max(precision, 1), 100)
  const exponent = Number(number.toExponential(significant - 1).split('e')[1])
  if (exponent === significant - 1) return exponential(number, significant - 1)
  const text = general(number, precision, false)
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** Writes an int in the style of the type letter: d, b, o, x, X, c, n or ''. */
export function integerBody(number: number, spec: FormatSpec): string {
  const radix = { b: 2, o: 8, x: 16, X: 16 }[spec.type]
  if (radix === undefined) return grouped(integerText(number), spec.grouping)
  const digits = BigInt(number).toString(radix)
  const prefix = spec.alternate ? `0${spec.type}` : ''
  return prefix + (spec.type === 'X' ? digits.toUpperCase() : digits)
}

function grouped(text: string, separator: string): string {
  if (separator === '') return text
  const end = text.search(/[^\d]/)
  const whole = end < 0 ? text : text.slice(0, end)
  const parts: string[] = []
  for (let stop = whole.length; stop > 0; stop -= 3) parts.unshift(whole.slice(Math.max(0, stop - 3), stop))
  return parts.join(separator) + text.slice(whole.length)
}

/** Puts the sign before the digits and fills the field up to its width; `text` is the number without its sign. */
export function signedField(text: string, negative: boolean, spec: FormatSpec): string {
  const sign = negative ? '-' : spec.sign === '-' ? '' : spec.sign
  if (spec.align !== '=') return field(sign + text, spec, '>')
  const prefix = /^0[box]/i.test(text) ? text.slice(0, 2) : ''
  const width = spec.width - sign.length
  if (spec.fill === '0' && spec.grouping !== '') return sign + groupedZeros(text, width, spec.grouping)
  return sign + prefix + spec.fill.repeat(Math.max(0, width - text.length)) + text.slice(prefix.length)
}

/** Zeros in front of grouped digits are grouped as well, so that the field may become one wider. */
function groupedZeros(text: string, width: number, separator: string): string {
  const digits = text.replaceAll(separator, '')
  const rest = digits.replace(/^\d+/, '')
  const room = width - rest.length
  let count = Math.max(0, room - Math.floor(room / 4))
  while (count + Math.floor((count - 1) / 3) < room) count += 1
  return grouped(digits.slice(0, digits.length - rest.length).padStart(count, '0'), separator) + rest
}

/** Fills a text up to the width of its field. */
export function field(text: string, spec: FormatSpec, usualAlign: '<' | '>'): string {
  const missing = Math.max(0, spec.width - codePoints(text).length)
  const align = spec.align === '' || spec.align === '=' ? usualAlign : spec.align
  const left = align === '<' ? 0 : align === '>' ? missing : missing >> 1
  return spec.fill.repeat(left) + text + spec.fill.repeat(missing - left)
}

/** A width or precision of a format. Throws for a number larger than any field needs. */
export function fieldSize(digits: string | number, maxLength: number): number {
  const size = Number(digits)
  if (size > maxLength) throw new TemplateError('LimitError', `a field of ${digits} characters is too wide`)
  return size
}
