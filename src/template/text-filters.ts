// The filters on texts and single values.

import { parseRevived } from '../core/exact-json.ts'
import { type Builtins, type Run, required, textArgument } from './builtin.ts'
import { pairsOf } from './dict.ts'
import { getAttribute } from './lookup.ts'
import { fixed, roundHalfEven } from './number-format.ts'
import { isTrue } from './operators.ts'
import { formatPercent } from './percent-format.ts'
import { capitalized, centerText, joinStrings, replaceText, stripText } from './string-methods.ts'
import { TemplateError } from './template-error.ts'
import { codePoints, jsonText, repr, str } from './text.ts'
import {
  dictEntries,
  Float,
  float,
  integerOf,
  isDict,
  isFloat,
  numberOf,
  Sequence,
  sequenceItems,
  typeName,
  Undefined,
} from './values.ts'
import { wrapLine } from './word-wrap.ts'

const HTML: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ["'", '&#39;'],
  ['"', '&#34;'],
])

function escapeHtml(text: string): string {
  return text.replace(/[&<>'"]/g, character => HTML.get(character) ?? character)
}

/** A number read as Python's int() or float() reads a text; undefined for any other text. */
function parseNumber(text: string): number | undefined {
  const digits = text.trim().replace(/(?<=\d)_(?=\d)/g, '')
  if (/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(digits)) return Number(digits)
  const word = /^([+-]?)(?:(inf|infinity)|nan)$/i.exec(digits)
  if (!word) return undefined
  if (word[2] === undefined) return Number.NaN
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

function toInteger(value: unknown, base: number): number | undefined {
  const number =
    typeof value === 'string' ? (parseInteger(value, base) ?? parseNumber(value)) : numberOf(value)
  return number === undefined || !Number.isFinite(number) ? undefined : Math.trunc(number) + 0
}

const PREFIXES: ReadonlyMap<number, string> = new Map([
  [2, '0b'],
  [8, '0o'],
  [16, '0x'],
])

function parseInteger(text: string, base: number): number | undefined {
  const [, sign = '', body = ''] =
    /^([+-]?)(.*)$/s.exec(
      text
        .trim()
        .toLowerCase()
        .replace(/(?<=\w)_(?=\w)/g, ''),
    ) ?? []
  const prefix = PREFIXES.get(base)
  const digits = prefix && body.startsWith(prefix) ? body.slice(2) : body
  if (digits === '' || base < 2 || base > 36) return undefined
  for (const digit of digits) if (!(Number.parseInt(digit, 36) < base)) return undefined
  const number = base === 10 ? Number(digits) : Number.parseInt(digits, base)
  return sign === '-' ? -number : number
}

function needNumber(value: unknown, filter: string): number {
  if (value instanceof Undefined) throw value.error()
  const number = numberOf(value)
  if (number === undefined)
    throw new TemplateError('TypeError', `${filter} needs a number, not '${typeName(value)}'`)
  return number
}

function roundBy(value: unknown, precision: number, method: unknown): unknown {
  const number = needNumber(value, 'round')
  if (method === 'common')
    return isFloat(value) ? float(roundHalfEven(number, precision)) : roundHalfEven(number, precision)
  if (method !== 'ceil' && method !== 'floor') {
    throw new TemplateError('FilterArgumentError', 'method must be common, ceil or floor')
  }
  const scale = 10 ** precision
  return float(Math[method](number * scale) / scale)
}

function percentEncoded(text: string, keep: string): string {
  const encoded = encodeURIComponent(text.toWellFormed())
  return encoded
    .replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll(encodeURIComponent(keep), keep)
}

function urlEncoded(value: unknown, run: Run): string {
  if (typeof value === 'string' || (!isDict(value) && !sequenceItems(value))) {
    return percentEncoded(str(value, run.budget), '/')
  }
  const part = (each: unknown) => percentEncoded(str(each, run.budget), ' ').replaceAll(' ', '+')
  return writePairs(pairsOf(value), ([key, each]) => `${part(key)}=${part(each)}`, run).join('&')
}

type Pair = [unknown, unknown]

/** Writes pairs one by one, so that a text that grows too long ends at once: many pairs can share one long value. */
function writePairs(pairs: readonly Pair[], write: (pair: Pair) => string, run: Run): string[] {
  let length = 0
  return pairs.map(pair => {
    const text = write(pair)
    length += text.length
    run.budget.checkLength(length)
    return text
  })
}

function truncated(text: string, length: number, whole: boolean, end: string, leeway: number): string {
  const characters = codePoints(text)
  if (characters.length <= length + leeway) return text
  const cut = characters.slice(0, Math.max(0, length - codePoints(end).length)).join('')
  const space = cut.lastIndexOf(' ')
  return (whole || space < 0 ? cut : cut.slice(0, space)) + end
}

function fileSize(bytes: number, binary: boolean): string {
  const base = binary ? 1024 : 1000
  if (bytes === 1) return '1 Byte'
  if (bytes < base) return `${Math.trunc(bytes)} Bytes`
  const letters = binary ? 'KMGTPEZY' : 'kMGTPEZY'
  const power = Math.min(Math.floor(Math.log(bytes) / Math.log(base) + 1e-9), letters.length)
  return `${fixed(bytes / base ** power, 1)} ${letters[power - 1]}${binary ? 'iB' : 'B'}`
}

function indented(text: string, pad: string, first: boolean, blank: boolean, run: Run): string {
  const lines = text.split('\n')
  run.budget.checkLength(text.length + lines.length * pad.length)
  return lines
    .map((line, index) => ((index === 0 ? first : blank || line !== '') ? pad + line : line))
    .join('\n')
}

function withoutTags(text: string): string {
  const plain = cutOut(cutOut(text, '<!--', '-->'), '<', '>')
  const names = new Map([...HTML].map(([character, name]) => [name, character]))
  return plain
    .split(/\s+/)
    .filter(Boolean)
    .join(' ')
    .replace(/&(?:amp|lt|gt|#39|#34);/g, name => names.get(name) ?? name)
}

function cutOut(text: string, open: string, close: string): string {
  let kept = ''
  let at = 0
  for (;;) {
    const start = text.indexOf(open, at)
    const end = start < 0 ? -1 : text.indexOf(close, start)
    if (end < 0) return kept + text.slice(at)
    kept += text.slice(at, start)
    at = end + close.length
  }
}

function xmlAttributes(value: unknown, autospace: boolean, run: Run): string {
  const attributes = isDict(value) ? dictEntries(value) : []
  if (value instanceof Undefined) throw value.error()
  if (!isDict(value)) throw new TemplateError('TypeError', `xmlattr needs a dict, not '${typeName(value)}'`)
  const given = attributes.filter(([, each]) => each !== null && !(each instanceof Undefined))
  const written = ([key, each]: Pair) => {
    const name = str(key, run.budget)
    if (/[\s/>=]/.test(name))
      throw new TemplateError('ValueError', `Invalid character in attribute name: '${name}'`)
    return `${escapeHtml(name)}="${escapeHtml(str(each, run.budget))}"`
  }
  const text = writePairs(given, written, run).join(' ')
  return autospace && text !== '' ? ` ${text}` : text
}

/** Parses JSON so that `5.0` stays a float. */
function fromJson(text: string): unknown {
  try {
    return parseRevived(text, (_, value, { source }) =>
      typeof value === 'number' && source !== undefined && /[.eE]/.test(source) ? float(value) : value,
    )
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new TemplateError('ValueError', `fromjson: ${cause.message}`, undefined, { cause })
  }
}

function toJson(value: unknown, indent: unknown, run: Run): string {
  const style = indent === null ? {} : { indent: Math.min(integerOf(indent, 'indent'), 16) }
  return jsonText(value, run.budget, style).replace(
    /[<>&']/g,
    character => `\\u00${character.charCodeAt(0).toString(16)}`,
  )
}

function change(transform: (text: string) => string): Builtins[string] {
  return { params: [], run: (value, _, run) => transform(str(value, run.budget)) }
}

const escaped = change(escapeHtml)
const asText = change(text => text)

const fallback: Builtins[string] = {
  params: ['default_value', 'boolean'],
  run: (value, [other = '', boolean = false]) =>
    value instanceof Undefined || (isTrue(boolean) && !isTrue(value)) ? other : value,
}

/** Filters on texts and single values. */
export const textFilters: Builtins = {
  abs: {
    params: [],
    run(value) {
      const size = Math.abs(needNumber(value, 'abs'))
      return isFloat(value) ? float(size) : size
    },
  },
  attr: {
    params: ['name'],
    run: (value, [name], run) => {
      const attribute = textArgument(name, 'attr', 'name')
      return isDict(value)
        ? run.undefined(`'dict object' has no attribute '${attribute}'`)
        : getAttribute(value, attribute, run)
    },
  },
  capitalize: change(capitalized),
  center: {
    params: ['width'],
    run: (value, [width = 80], run) =>
      centerText(str(value, run.budget), integerOf(width, 'width'), ' ', run),
  },
  default: fallback,
  d: fallback,
  escape: escaped,
  e: escaped,
  forceescape: escaped,
  filesizeformat: {
    params: ['binary'],
    run(value, [binary = false]) {
      const bytes = typeof value === 'string' ? parseNumber(value) : needNumber(value, 'filesizeformat')
      if (bytes === undefined) throw new TemplateError('ValueError', 'filesizeformat needs a number')
      return fileSize(bytes, isTrue(binary))
    },
  },
  float: {
    params: ['default'],
    run(value, [other = new Float(0)]) {
      if (value instanceof Undefined) throw value.error()
      const number = typeof value === 'string' ? parseNumber(value) : numberOf(value)
      return number === undefined ? other : float(number)
    },
  },
  format: {
    run(value, args, run, named) {
      if (args.length > 0 && named.size > 0) {
        throw new TemplateError(
          'FilterArgumentError',
          "can't handle positional and keyword arguments at the same time",
        )
      }
      const format = str(value, run.budget)
      return formatPercent(format, named.size > 0 ? new Map(named) : new Sequence('tuple', args), run)
    },
  },
  fromjson: { params: [], run: value => fromJson(textArgument(value, 'fromjson', 'value')) },
  indent: {
    params: ['width', 'first', 'blank'],
    run(value, [width = 4, first = false, blank = false], run) {
      const size = typeof width === 'string' ? 0 : integerOf(width, 'width')
      run.budget.checkLength(size)
      const pad = typeof width === 'string' ? width : ' '.repeat(Math.max(0, size))
      return indented(str(value, run.budget), pad, isTrue(first), isTrue(blank), run)
    },
  },
  int: {
    params: ['default', 'base'],
    run(value, [other = 0, base = 10]) {
      if (value instanceof Undefined) throw value.error()
      return toInteger(value, integerOf(base, 'base')) ?? other
    },
  },
  lower: change(text => text.toLowerCase()),
  pprint: { params: [], run: (value, _, run) => repr(value, run.budget) },
  replace: {
    params: ['old', 'new', 'count'],
    run(value, [from, to, limit = null], run) {
      const [old, other] = [required(from, 'replace', 'old'), required(to, 'replace', 'new')]
      const times = limit === null ? -1 : integerOf(limit, 'count')
      return replaceText(str(value, run.budget), str(old, run.budget), str(other, run.budget), times, run)
    },
  },
  round: {
    params: ['precision', 'method'],
    run: (value, [precision = 0, method = 'common']) =>
      roundBy(value, integerOf(precision, 'precision'), method),
  },
  safe: asText,
  string: asText,
  striptags: change(withoutTags),
  title: change(text =>
    text
      .split(/([-\s({[<]+)/)
      .map(word => capitalized(word))
      .join(''),
  ),
  tojson: { params: ['indent'], run: (value, [indent = null], run) => toJson(value, indent, run) },
  trim: {
    params: ['chars'],
    run: (value, [set = null], run) => stripText(str(value, run.budget), set, 'both', run),
  },
  truncate: {
    params: ['length', 'killwords', 'end', 'leeway'],
    run: (value, [length = 255, whole = false, end = '...', leeway = 5], run) =>
      truncated(
        str(value, run.budget),
        integerOf(length, 'length'),
        isTrue(whole),
        str(end, run.budget),
        integerOf(leeway ?? 5, 'leeway'),
      ),
  },
  upper: change(text => text.toUpperCase()),
  urlencode: { params: [], run: (value, _, run) => urlEncoded(value, run) },
  wordcount: {
    params: [],
    run: (value, _, run) => str(value, run.budget).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0,
  },
  wordwrap: {
    params: ['width', 'break_long_words', 'wrapstring', 'break_on_hyphens'],
    run(value, [width = 79, breakWords = true, newline = null, hyphens = true], run) {
      const style = {
        width: integerOf(width, 'width'),
        breakWords: isTrue(breakWords),
        hyphens: isTrue(hyphens),
      }
      const lines = str(value, run.budget).split(/\r\n|\r|\n/)
      const wrapped = lines.flatMap(line => wrapLine(line, style))
      return joinStrings(newline === null ? '\n' : str(newline, run.budget), wrapped, run)
    },
  },
  xmlattr: {
    params: ['autospace'],
    run: (value, [space = true], run) => xmlAttributes(value, isTrue(space), run),
  },
}
