// `"%d of %s" % (1, "x")`: Python's printf-style formatting.

import type { Run } from './builtin.ts'
import { dictGet } from './dict.ts'
import { type FormatSpec, field, fieldSize, floatBody, integerBody, signedField } from './number-format.ts'
import { TemplateError } from './template-error.ts'
import { codePoints, numberText, repr, str } from './text.ts'
import { integerOf, isDict, isFloat, numberOf, Sequence, typeName, Undefined } from './values.ts'

const CONVERSION = /%(?:\(([^()]*)\))?([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?(.)?/gs

/** Formats `values`, a tuple, a dict for `%(name)s`, or a single value. */
export function formatPercent(format: string, values: unknown, run: Run): string {
  const items = values instanceof Sequence && values.kind === 'tuple' ? values.items : [values]
  let next = 0
  let length = 0
  const take = (): unknown => {
    if (next >= items.length) throw new TemplateError('TypeError', 'not enough arguments for format string')
    next += 1
    return items[next - 1]
  }
  const text = format.replace(
    CONVERSION,
    (_, key?: string, flags = '', width = '', precision?: string, type = '') => {
      if (type === '%') return '%'
      const wide = width === '*' ? integerOf(take(), 'a width') : width
      const digits = precision === '*' ? integerOf(take(), 'a precision') : precision
      const spec = conversionSpec(String(flags), wide, digits, String(type), run)
      const value = key === undefined ? take() : byKey(values, key)
      const piece = conversion(value, spec, run)
      length += piece.length
      run.budget.checkLength(length)
      return piece
    },
  )
  if (next < items.length && !isDict(values) && !Array.isArray(values)) {
    throw new TemplateError('TypeError', 'not all arguments converted during string formatting')
  }
  return text
}

function byKey(values: unknown, key: string): unknown {
  if (!isDict(values)) throw new TemplateError('TypeError', 'format requires a mapping')
  const value = dictGet(values, key)
  if (value === undefined) throw new TemplateError('KeyError', `'${key}'`)
  return value
}

function conversionSpec(
  flags: string,
  width: string | number,
  precision: string | number | undefined,
  type: string,
  run: Run,
): FormatSpec {
  if (type === '') throw new TemplateError('ValueError', 'incomplete format')
  const zero = flags.includes('0') && !flags.includes('-')
  return {
    fill: zero ? '0' : ' ',
    align: flags.includes('-') || Number(width) < 0 ? '<' : zero ? '=' : '>',
    sign: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-',
    alternate: flags.includes('#'),
    width: fieldSize(Math.abs(Number(width)), run.budget.maxLength),
    grouping: '',
    precision: precision === undefined ? undefined : fieldSize(precision, run.budget.maxLength),
    type,
  }
}

function conversion(value: unknown, spec: FormatSpec, run: Run): string {
  switch (spec.type) {
    case 's':
      return textField(str(value, run.budget), spec)
    case 'r':
    case 'a':
      return textField(repr(value, run.budget), spec)
    case 'c':
      return textField(typeof value === 'string' ? value : String.fromCodePoint(codePoint(value)), spec)
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      return integerField(value, spec)
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return floatField(value, spec)
    default:
      throw new TemplateError('ValueError', `unsupported format character '${spec.type}'`)
  }
}

function textField(text: string, spec: FormatSpec): string {
  const cut = spec.precision === undefined ? text : codePoints(text).slice(0, spec.precision).join('')
  return field(cut, { ...spec, fill: ' ' }, '>')
}

function codePoint(value: unknown): number {
  const code = integerOf(value, 'the value of %c')
  if (code >= 0 && code <= 0x10ffff) return code
  throw new TemplateError('OverflowError', '%c arg not in range(0x110000)')
}

function integerField(value: unknown, spec: FormatSpec): string {
  const number = numeric(value, spec)
  const decimal = 'diu'.includes(spec.type)
  if (!Number.isFinite(number) || (!decimal && isFloat(value))) {
    throw new TemplateError(
      'TypeError',
      `%${spec.type} format: an integer is required, not ${typeName(value)}`,
    )
  }
  const body = integerBody(Math.abs(Math.trunc(number)), { ...spec, type: decimal ? 'd' : spec.type })
  return signedField(body.padStart(spec.precision ?? 0, '0'), number <= -1, spec)
}

function floatField(value: unknown, spec: FormatSpec): string {
  const number = numeric(value, spec)
  const negative = number < 0 || Object.is(number, -0)
  return signedField(floatBody(Math.abs(number), spec, numberText(value)), negative, spec)
}

function numeric(value: unknown, spec: FormatSpec): number {
  if (value instanceof Undefined) throw value.error()
  const number = numberOf(value)
  if (number !== undefined) return number
  const wanted = 'efgEFG'.includes(spec.type)
    ? 'must be real number'
    : `%${spec.type} format: a real number is required`
  throw new TemplateError('TypeError', `${wanted}, not ${typeName(value)}`)
}
