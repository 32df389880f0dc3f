// Splits a template's source into tokens: plain text, the delimiters of tags, and the content of the tags.

import { type Place, TemplateError } from './template-error.ts'
import { type Float, float } from './values.ts'

/** The marks at the start and the end of a template's tags. */
export interface Delimiters {
  readonly statementStart: string
  readonly statementEnd: string
  readonly expressionStart: string
  readonly expressionEnd: string
  readonly commentStart: string
  readonly commentEnd: string
}

export type Token =
  | { readonly type: 'text' | 'name' | 'string' | 'operator'; readonly value: string; readonly place: Place }
  | { readonly type: 'number'; readonly value: number | Float; readonly place: Place }
  | { readonly type: 'statement' | 'expression' | 'end' | 'eof'; readonly place: Place }

const WHITE_SPACE = /\s+/y
const NAME = /[\p{L}_\p{Nl}][\p{L}\p{N}\p{Mn}\p{Mc}\p{Pc}]*/uy
const FLOAT = /(?<!\.)(?:\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?[eE][+-]?\d+(?:_\d+)*|\d+(?:_\d+)*\.\d+(?:_\d+)*)/y
const INTEGER = /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y
const STRING = /'([^'\\]*(?:\\.[^'\\]*)*)'|"([^"\\]*(?:\\.[^"\\]*)*)"/sy
const OPERATOR = /\/\/|\*\*|==|!=|<=|>=|[-+/*%~[\](){}<>=.:|,;]/y
const CLOSERS: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
])

/** Splits `source` into tokens, the last one being `eof`. Throws TemplateError (TemplateSyntaxError). */
export function tokenize(source: string, delimiters: Delimiters): Token[] {
  return new Lexer(source, delimiters).run()
}

interface TagPatterns {
  readonly start: RegExp
  readonly raw: RegExp
  readonly rawEnd: RegExp
  readonly commentEnd: RegExp
  readonly statementEnd: RegExp
  readonly expressionEnd: RegExp
}

function tagPatterns(marks: Delimiters): TagPatterns {
  const [statement, statementEnd] = [escapedPattern(marks.statementStart), escapedPattern(marks.statementEnd)]
  const starts = [marks.statementStart, marks.expressionStart, marks.commentStart]
  // `{%` must match before `{`.
  const longestFirst = starts.sort((a, b) => b.length - a.length).map(escapedPattern)
  return {
    start: new RegExp(`(${longestFirst.join('|')})([-+]?)`, 'g'),
    raw: new RegExp(`${statement}[-+]?\\s*raw\\s*(-?)${statementEnd}`, 'y'),
    rawEnd: new RegExp(`${statement}([-+]?)\\s*endraw\\s*([-+]?)${statementEnd}`, 'g'),
    commentEnd: new RegExp(`([-+]?)${escapedPattern(marks.commentEnd)}`, 'g'),
    statementEnd: new RegExp(`([-+]?)${statementEnd}`, 'y'),
    expressionEnd: new RegExp(`(-?)${escapedPattern(marks.expressionEnd)}`, 'y'),
  }
}

function escapedPattern(text: string): string {
  return text.replace(/[^\w\s]/g, '\\$&')
}

class Lexer {
  readonly #source: string
  readonly #marks: Delimiters
  readonly #patterns: TagPatterns
  readonly #tokens: Token[] = []
  #at = 0
  #line = 1
  #lineStart = 0
  /** Up to where the lines are counted. */
  #counted = 0

  constructor(source: string, marks: Delimiters) {
    const lines = source.replace(/\r\n?/g, '\n')
    this.#source = lines.endsWith('\n') ? lines.slice(0, -1) : lines
    this.#marks = marks
    this.#patterns = tagPatterns(marks)
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#text()
    this.#tokens.push({ type: 'eof', place: this.#place() })
    return this.#tokens
  }

  /** Reads plain text up to the next tag, and that tag. */
  #text(): void {
    const start = this.#search(this.#patterns.start)
    this.#pushText(this.#cut(start?.index ?? this.#source.length, start?.[2] === '-'))
    if (!start) {
      this.#at = this.#source.length
      return
    }
    this.#at = start.index
    if (start[1] === this.#marks.commentStart) this.#comment(start[0].length)
    else if (start[1] === this.#marks.statementStart) this.#statement(start[0].length)
    else this.#tag('expression', start[0].length, this.#patterns.expressionEnd)
  }

  #statement(startLength: number): void {
    const raw = this.#match(this.#patterns.raw)
    if (raw) this.#raw(raw)
    else this.#tag('statement', startLength, this.#patterns.statementEnd)
  }

  #tag(type: 'statement' | 'expression', startLength: number, end: RegExp): void {
    this.#tokens.push({ type, place: this.#place() })
    this.#at += startLength
    this.#inside(end)
  }

  #cut(end: number, strip: boolean): string {
    const text = this.#source.slice(this.#at, end)
    return strip ? text.trimEnd() : text
  }

  #comment(startLength: number): void {
    const place = this.#place()
    this.#at += startLength
    const end = this.#search(this.#patterns.commentEnd)
    if (!end) throw syntaxError('Missing end of comment tag', place)
    this.#finishTag(end, end[1])
  }

  #raw(raw: RegExpExecArray): void {
    const place = this.#place()
    this.#finishTag(raw, raw[1])
    const end = this.#search(this.#patterns.rawEnd)
    if (!end) throw syntaxError('Missing end of raw directive', place)
    this.#pushText(this.#cut(end.index, end[1] === '-'))
    this.#finishTag(end, end[2])
  }

  #finishTag(end: RegExpExecArray, mark: string | undefined): void {
    this.#at = end.index + end[0].length
    if (mark === '-') this.#match(WHITE_SPACE, true)
  }

  /** Reads the tokens of a tag up to its end; inside brackets the end mark is an ordinary bracket. */
  #inside(endPattern: RegExp): void {
    const open: string[] = []
    for (;;) {
      const end = open.length === 0 ? this.#match(endPattern) : null
      if (end) {
        this.#tokens.push({ type: 'end', place: this.#place() })
        this.#finishTag(end, end[1])
        return
      }
      if (this.#at >= this.#source.length) return
      this.#token(open)
    }
  }

  #token(open: string[]): void {
    if (this.#match(WHITE_SPACE, true)) return
    const place = this.#place()
    const name = this.#match(NAME, true)
    const number = name ? undefined : this.#number()
    const string = name || number !== undefined ? null : this.#match(STRING, true)
    if (name) this.#tokens.push({ type: 'name', value: name[0], place })
    else if (number !== undefined) this.#tokens.push({ type: 'number', value: number, place })
    else if (string) {
      this.#tokens.push({ type: 'string', value: unescaped(string[1] ?? string[2] ?? '', place), place })
    } else this.#operator(open, place)
  }

  #number(): number | Float | undefined {
    const real = this.#match(FLOAT, true)
    if (real) return float(Number(plain(real[0])))
    const whole = this.#match(INTEGER, true)
    return whole ? Number(plain(whole[0])) : undefined
  }

  #operator(open: string[], place: Place): void {
    const operator = this.#match(OPERATOR, true)
    if (!operator) throw syntaxError(`unexpected char ${JSON.stringify(this.#source[this.#at])}`, place)
    balance(open, operator[0], place)
    this.#tokens.push({ type: 'operator', value: operator[0], place })
  }

  #pushText(value: string): void {
    if (value !== '') this.#tokens.push({ type: 'text', value, place: this.#place() })
  }

  #search(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#source)
  }

  /** Matches a sticky pattern at the current place; `take` moves past it. */
  #match(pattern: RegExp, take = false): RegExpExecArray | null {
    const found = this.#search(pattern)
    if (found && take) this.#at += found[0].length
    return found
  }

  /** The current place in the source. */
  #place(): Place {
    for (; this.#counted < this.#at; this.#counted += 1) {
      if (this.#source[this.#counted] !== '\n') continue
      this.#line += 1
      this.#lineStart = this.#counted + 1
    }
    return { line: this.#line, column: this.#at - this.#lineStart + 1 }
  }
}

function plain(digits: string): string {
  return digits.replaceAll('_', '')
}

function balance(open: string[], operator: string, place: Place): void {
  const closer = CLOSERS.get(operator)
  if (closer !== undefined) open.push(closer)
  if (operator !== ')' && operator !== ']' && operator !== '}') return
  const expected = open.pop()
  if (expected === undefined) throw syntaxError(`unexpected '${operator}'`, place)
  if (expected !== operator) throw syntaxError(`unexpected '${operator}', expected '${expected}'`, place)
}

const ESCAPE = /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gs
const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    n: '\n',
    r: '\r',
    t: '\t',
    a: '\x07',
    b: '\b',
    f: '\f',
    v: '\v',
    '\\': '\\',
    "'": "'",
    '"': '"',
    '\n': '',
  }),
)

function unescaped(body: string, place: Place): string {
  if (!body.includes('\\')) return body
  return body.replace(
    ESCAPE,
    (whole: string, octal?: string, x?: string, u?: string, wide?: string, other = '') => {
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8))
      const hex = x ?? u ?? wide
      if (hex === undefined && !'xuUN'.includes(other)) return SIMPLE_ESCAPES.get(other) ?? whole
      const code = Number.parseInt(hex ?? '', 16)
      if (Number.isNaN(code) || code > 0x10ffff)
        throw syntaxError(`the text has an invalid escape '${whole}'`, place)
      return String.fromCodePoint(code)
    },
  )
}

/** An error in the source. */
export function syntaxError(detail: string, place: Place): TemplateError {
  return new TemplateError('TemplateSyntaxError', detail, place)
}
