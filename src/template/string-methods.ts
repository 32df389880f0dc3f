// The methods of texts that templates may call, as Python's str has them.

import { trimEndOf } from '../core/trim-characters.ts'
import { formatBraces } from './brace-format.ts'
import { type Builtin, type Builtins, type Run, textArgument } from './builtin.ts'
import { characters, contains, isTrue, iterate, lengthOf } from './operators.ts'
import { TemplateError } from './template-error.ts'
import { codePoints } from './text.ts'
import { integerOf, Sequence, tuple, typeName } from './values.ts'

const WHITE_SPACE = /\s/

/** Puts each word's first letter in upper case and the rest in lower case, words being runs of letters. */
function titleCase(text: string): string {
  return text.replace(/\p{L}+/gu, word => capitalized(word))
}

/** The first character in upper case, the others in lower case. */
export function capitalized(text: string): string {
  const [first = ''] = text
  return first.toUpperCase() + text.slice(first.length).toLowerCase()
}

/** Replaces `from` by `to`, at most `limit` times (a negative limit means every time). */
export function replaceText(text: string, from: string, to: string, limit: number, run: Run): string {
  run.budget.weighSearch(text, from)
  const places = from === '' ? text.length + 1 : text.split(from, limit < 0 ? undefined : limit + 1).length
  run.budget.checkLength(text.length + places * to.length)
  if (limit < 0) return text.replaceAll(from, () => to)
  let left = limit
  return text.replaceAll(from, match => {
    left -= 1
    return left >= 0 ? to : match
  })
}

/** Removes the characters of `set` (white space if null) from the chosen ends. */
export function stripText(text: string, set: unknown, ends: 'both' | 'left' | 'right', run: Run): string {
  const inSet = (character: string) =>
    typeof set === 'string' ? set.includes(character) : WHITE_SPACE.test(character)
  if (set !== null && set !== undefined && typeof set !== 'string') {
    throw new TemplateError('TypeError', `strip arg must be None or str, not ${typeName(set)}`)
  }
  if (typeof set === 'string') run.budget.weighSearch(text, set)
  let start = 0
  let end = text.length
  while (ends !== 'right' && start < end && inSet(text.charAt(start))) start += 1
  while (ends !== 'left' && end > start && inSet(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/** Centers the text in `width` characters; Python's own rule selects the side of an odd one. */
export function centerText(text: string, width: number, fill: string, run: Run): string {
  run.budget.checkLength(width)
  const length = lengthOf(text) ?? 0
  const space = Math.max(0, width - length)
  const left = Math.floor(space / 2) + (space & width & 1)
  return fill.repeat(left) + text + fill.repeat(space - left)
}

function splitWhiteSpace(text: string, limit: number): string[] {
  const parts: string[] = []
  let rest = text.trimStart()
  while (rest !== '' && (limit < 0 || parts.length < limit)) {
    const end = rest.search(WHITE_SPACE)
    if (end < 0) break
    parts.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  if (rest !== '') parts.push(rest)
  return parts
}

function splitText(text: string, separator: string, limit: number, run: Run): string[] {
  if (separator === '') throw new TemplateError('ValueError', 'empty separator')
  run.budget.weighSearch(text, separator)
  const parts = text.split(separator)
  if (limit < 0 || parts.length <= limit + 1) return parts
  return [...parts.slice(0, limit), parts.slice(limit).join(separator)]
}

function reversed(text: string): string {
  return codePoints(text).reverse().join('')
}

const split: Builtin<string> = {
  params: ['sep', 'maxsplit'],
  run(text, [separator = null, limit = -1], run) {
    const most = integerOf(limit, 'maxsplit')
    if (separator === null) return splitWhiteSpace(text, most)
    return splitText(text, textArgument(separator, 'split', 'sep'), most, run)
  },
}

const rsplit: Builtin<string> = {
  params: ['sep', 'maxsplit'],
  run(text, [separator = null, limit = -1], run) {
    const most = integerOf(limit, 'maxsplit')
    const mirrored = reversed(text)
    const parts =
      separator === null
        ? splitWhiteSpace(mirrored, most)
        : splitText(mirrored, reversed(textArgument(separator, 'rsplit', 'sep')), most, run)
    return parts.reverse().map(reversed)
  },
}

function strip(ends: 'both' | 'left' | 'right'): Builtin<string> {
  return { params: ['chars'], run: (text, [set = null], run) => stripText(text, set, ends, run) }
}

function affix(name: string, has: (text: string, part: string) => boolean): Builtin<string> {
  return {
    params: ['affix', 'start', 'end'],
    run(text, [part, start = null, end = null]) {
      const inside = section(text, start, end)
      const parts = part instanceof Sequence ? part.items : [part]
      return parts.some(each => has(inside, textArgument(each, name, 'affix')))
    },
  }
}

function section(text: string, start: unknown, end: unknown): string {
  if (start === null && end === null) return text
  const from = start === null ? 0 : integerOf(start, 'start')
  return end === null ? text.slice(from) : text.slice(from, integerOf(end, 'end'))
}

function find(name: string, last: boolean, strict: boolean): Builtin<string> {
  return {
    params: ['sub', 'start', 'end'],
    run(text, [sub, start = null, end = null], run) {
      const part = textArgument(sub, name, 'sub')
      run.budget.weighSearch(text, part)
      const from = start === null ? 0 : integerOf(start, 'start')
      const skipped = from < 0 ? Math.max(0, text.length + from) : from
      const inside = section(text, start, end)
      const found = last ? inside.lastIndexOf(part) : inside.indexOf(part)
      if (found < 0 && strict) throw new TemplateError('ValueError', 'substring not found')
      return found < 0 ? -1 : found + skipped
    },
  }
}

function every(pattern: RegExp): Builtin<string> {
  return { params: [], run: text => pattern.test(text) }
}

function pad(name: string, add: (text: string, missing: string) => string): Builtin<string> {
  return {
    params: ['width', 'fillchar'],
    run(text, [width, fill = ' '], run) {
      const total = integerOf(width, 'width')
      run.budget.checkLength(total)
      return add(text, fillCharacter(fill, name).repeat(Math.max(0, total - (lengthOf(text) ?? 0))))
    },
  }
}

function fillCharacter(fill: unknown, name: string): string {
  const character = textArgument(fill, name, 'fillchar')
  if (lengthOf(character) === 1) return character
  throw new TemplateError('TypeError', `${name}(): the fill character must be exactly one character long`)
}

function partition(name: string, last: boolean): Builtin<string> {
  return {
    params: ['sep'],
    run(text, [separator], run) {
      const part = textArgument(separator, name, 'sep')
      run.budget.weighSearch(text, part)
      const at = last ? text.lastIndexOf(part) : text.indexOf(part)
      if (at < 0) return last ? tuple('', '', text) : tuple(text, '', '')
      return tuple(text.slice(0, at), part, text.slice(at + part.length))
    },
  }
}

function change(transform: (text: string) => string): Builtin<string> {
  return { params: [], run: text => transform(text) }
}

function swapCase(text: string): string {
  return text.replace(/\p{L}/gu, letter =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  )
}

function zeroFilled(text: string, width: number, run: Run): string {
  run.budget.checkLength(width)
  const sign = text.startsWith('-') || text.startsWith('+') ? text.charAt(0) : ''
  return sign + text.slice(sign.length).padStart(width - sign.length, '0')
}

/** Python's `separator.join(values)`. */
export function joinStrings(separator: string, values: unknown, run: Run): string {
  const parts = iterate(values, run.budget)
  let length = 0
  for (const [index, part] of parts.entries()) {
    if (typeof part !== 'string') {
      throw new TemplateError(
        'TypeError',
        `sequence item ${index}: expected str instance, ${typeName(part)} found`,
      )
    }
    length += part.length + separator.length
    run.budget.checkLength(length)
  }
  return parts.join(separator)
}

/** Methods of a text. */
export const stringMethods: Builtins<string> = {
  split,
  rsplit,
  splitlines: {
    params: ['keepends'],
    run(text, [keep = false]) {
      const lines = text.split(/(?<=\n)|(?<=\r)(?!\n)/).filter(line => line !== '')
      return isTrue(keep) ? lines : lines.map(line => trimEndOf(line, '\r\n'))
    },
  },
  join: { params: ['iterable'], run: (text, [values = null], run) => joinStrings(text, values, run) },
  strip: strip('both'),
  lstrip: strip('left'),
  rstrip: strip('right'),
  lower: change(text => text.toLowerCase()),
  casefold: change(text => text.toLowerCase()),
  upper: change(text => text.toUpperCase()),
  title: change(titleCase),
  capitalize: change(capitalized),
  swapcase: change(swapCase),
  startswith: affix('startswith', (text, part) => text.startsWith(part)),
  endswith: affix('endswith', (text, part) => text.endsWith(part)),
  replace: {
    params: ['old', 'new', 'count'],
    run: (text, [from, to, limit = -1], run) =>
      replaceText(
        text,
        textArgument(from, 'replace', 'old'),
        textArgument(to, 'replace', 'new'),
        integerOf(limit, 'count'),
        run,
      ),
  },
  format: { run: (text, args, run, named) => formatBraces(text, args, named, run) },
  find: find('find', false, false),
  rfind: find('rfind', true, false),
  index: find('index', false, true),
  rindex: find('rindex', true, true),
  count: {
    params: ['sub'],
    run(text, [sub], run) {
      const part = textArgument(sub, 'count', 'sub')
      run.budget.weighSearch(text, part)
      return text.split(part).length - (part === '' ? -1 : 1)
    },
  },
  isdigit: every(/^\p{Nd}+$/u),
  isdecimal: every(/^\p{Nd}+$/u),
  isnumeric: every(/^\p{N}+$/u),
  isalpha: every(/^\p{L}+$/u),
  isalnum: every(/^[\p{L}\p{N}]+$/u),
  isspace: every(/^\s+$/),
  isidentifier: every(/^[\p{L}_][\p{L}\p{N}_]*$/u),
  islower: { params: [], run: text => /\p{Ll}/u.test(text) && text === text.toLowerCase() },
  isupper: { params: [], run: text => /\p{Lu}/u.test(text) && text === text.toUpperCase() },
  istitle: { params: [], run: text => /\p{L}/u.test(text) && text === titleCase(text) },
  zfill: { params: ['width'], run: (text, [width], run) => zeroFilled(text, integerOf(width, 'width'), run) },
  ljust: pad('ljust', (text, missing) => text + missing),
  rjust: pad('rjust', (text, missing) => missing + text),
  center: {
    params: ['width', 'fillchar'],
    run: (text, [width, fill = ' '], run) =>
      centerText(text, integerOf(width, 'width'), fillCharacter(fill, 'center'), run),
  },
  partition: partition('partition', false),
  rpartition: partition('rpartition', true),
  removeprefix: {
    params: ['prefix'],
    run(text, [part]) {
      const prefix = textArgument(part, 'removeprefix', 'prefix')
      return text.startsWith(prefix) ? text.slice(prefix.length) : text
    },
  },
  removesuffix: {
    params: ['suffix'],
    run(text, [part]) {
      const suffix = textArgument(part, 'removesuffix', 'suffix')
      return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text
    },
  },
  __len__: { params: [], run: text => characters(text).length },
  __contains__: {
    params: ['sub'],
    run: (text, [sub], run) => contains(text, textArgument(sub, '__contains__', 'sub'), run.budget),
  },
}
