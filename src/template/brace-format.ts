// `"{} of {name:>5.1f}".format(1, name=2)`: Python's str.format.

import type { Run } from './builtin.ts'
import { dictGet } from './dict.ts'
import { type FormatSpec, field, fieldSize, floatBody, integerBody, signedField } from './number-format.ts'
import { TemplateError } from './template-error.ts'
import { codePoints, numberText, repr, str } from './text.ts'
import {
  isDict,
  isFloat,
  isInteger,
  type Named,
  numberOf,
  sequenceItems,
  typeName,
  Undefined,
} from './values.ts'

interface Arguments {
  readonly positional: readonly unknown[]
  readonly named: Named
  /** Index of the next `{}`. */
  next: number
}

/** Fills the replacement fields of `format`. Fields may use `.key` and `[key]` of dicts and lists. */
export function formatBraces(format: string, positional: readonly unknown[], named: Named, run: Run): string {
  return fill(format, { positional, named, next: 0 }, run, 0)
}

function fill(format: string, args: Arguments, run: Run, depth: number): string {
  let text = ''
  let at = 0
  while (at < format.length) {
    const brace = nextBrace(format, at)
    text += format.slice(at, brace)
    run.budget.checkLength(text.length)
    if (brace >= format.length) break
    if (format[brace + 1] === format[brace]) {
      text += format[brace]
      at = brace + 2
      continue
    }
    if (format[brace] === '}')
      throw new TemplateError('ValueError', "Single '}' encountered in format string")
    const end = fieldEnd(format, brace)
    text += replacement(format.slice(brace + 1, end), args, run, depth)
    at = end + 1
  }
  return text
}

function nextBrace(format: string, from: number): number {
  for (let at = from; at < format.length; at += 1) if (format[at] === '{' || format[at] === '}') return at
  return format.length
}

function fieldEnd(format: string, start: number): number {
  let depth = 0
  for (let at = start; at < format.length; at += 1) {
    if (format[at] === '{') depth += 1
    else if (format[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  throw new TemplateError('ValueError', "expected '}' before end of string")
}

function replacement(content: string, args: Arguments, run: Run, depth: number): string {
  if (depth > 1) throw new TemplateError('ValueError', 'Max string recursion exceeded')
  const parts = /^([^!:]*)(?:!([^:]*))?(?::(.*))?$/s.exec(content)
  if (!parts) throw new TemplateError('ValueError', `a replacement field cannot be {${content}}`)
  const [, name = '', conversion, pattern = ''] = parts
  const value = converted(fieldValue(name, args), conversion, run)
  const spec = pattern.includes('{') ? fill(pattern, args, run, depth + 1) : pattern
  return formatValue(value, spec, run)
}

function converted(value: unknown, conversion: string | undefined, run: Run): unknown {
  if (conversion === undefined) return value
  if (conversion === 's') return str(value, run.budget)
  if (conversion === 'r' || conversion === 'a') return repr(value, run.budget)
  throw new TemplateError('ValueError', `Unknown conversion specifier '${conversion}'`)
}

function fieldValue(name: string, args: Arguments): unknown {
  const [, first = ''] = /^([^.[]*)/.exec(name) ?? []
  let value = argument(first, args)
  for (const [, attribute, key] of name.slice(first.length).matchAll(/\.([^.[]+)|\[([^\]]{0,200})\]/g)) {
    value = memberOf(value, attribute ?? key ?? '')
  }
  return value
}

function argument(name: string, args: Arguments): unknown {
  if (name !== '' && !/^\d+$/.test(name)) {
    const value = args.named.get(name)
    if (value === undefined) throw new TemplateError('KeyError', `'${name}'`)
    return value
  }
  if (name === '') args.next += 1
  const index = name === '' ? args.next - 1 : Number(name)
  const value = args.positional[index]
  if (value !== undefined) return value
  throw new TemplateError('IndexError', `Replacement index ${index} out of range for positional args tuple`)
}

function memberOf(value: unknown, key: string): unknown {
  const items = sequenceItems(value)
  const member = items ? items[Number(key)] : isDict(value) ? dictGet(value, key) : undefined
  if (member === undefined) throw new TemplateError('KeyError', `'${key}' of a '${typeName(value)}'`)
  return member
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?z?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/su

/** Writes a value by a format specification such as `>8.2f`. */
function formatValue(value: unknown, pattern: string, run: Run): string {
  if (pattern === '') return str(value, run.budget)
  const parts = SPEC.exec(pattern)
  if (!parts) throw new TemplateError('ValueError', `Invalid format specifier '${pattern}'`)
  const [
    ,
    fillCharacter,
    align,
    sign = '-',
    alternate,
    zero,
    width = '0',
    grouping = '',
    precision,
    type = '',
  ] = parts
  const spec: FormatSpec = {
    fill: fillCharacter ?? (zero ? '0' : ' '),
    align: (align ?? (zero ? '=' : '')) as FormatSpec['align'],
    sign: sign as FormatSpec['sign'],
    alternate: alternate !== undefined,
    width: fieldSize(width, run.budget.maxLength),
    grouping: grouping as FormatSpec['grouping'],
    precision: precision === undefined ? undefined : fieldSize(precision, run.budget.maxLength),
    type,
  }
  const number = numberOf(value)
  if (number !== undefined) return formatNumber(value, number, spec)
  if (typeof value === 'string') return formatText(value, spec)
  if (value instanceof Undefined) throw value.error()
  throw new TemplateError('TypeError', `a '${typeName(value)}' cannot be formatted by '${pattern}'`)
}

function formatText(text: string, spec: FormatSpec): string {
  if (spec.type !== '' && spec.type !== 's') throw unknownCode(text, spec)
  return field(
    spec.precision === undefined ? text : codePoints(text).slice(0, spec.precision).join(''),
    spec,
    '<',
  )
}

function formatNumber(value: unknown, number: number, spec: FormatSpec): string {
  const negative = number < 0 || Object.is(number, -0)
  const size = Math.abs(number)
  if (spec.type === 'c' && isInteger(value))
    return field(String.fromCodePoint(Math.min(size, 0x10ffff)), spec, '<')
  if ('eEfFgG%'.includes(spec.type) && spec.type !== '')
    return signedField(floatBody(size, spec, ''), negative, spec)
  if (!isFloat(value)) {
    if (spec.type !== '' && !'bodxXn'.includes(spec.type)) throw unknownCode(value, spec)
    return signedField(integerBody(size, spec), negative, spec)
  }
  if (spec.type !== '' && spec.type !== 'n') throw unknownCode(value, spec)
  return signedField(floatBody(size, spec, numberText(value).replace(/^-/, '')), negative, spec)
}

function unknownCode(value: unknown, spec: FormatSpec): TemplateError {
  const detail = `Unknown format code '${spec.type}' for object of type '${typeName(value)}'`
  return new TemplateError('ValueError', detail)
}
