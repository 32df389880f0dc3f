// One G-code command for its handler: name, parameters of either style, and Klipper's errors about them.

import { type Bounds, boundsError } from '../bounds.ts'
import { GcodeError, UnsupportedError } from '../errors.ts'

/** A line of G-code; its parameters are parsed when the handler reads them. */
export class GcodeCommand {
  /** In capitals, e.g. `G1` or `SET_PIN`. */
  readonly name: string
  /** The line without white space around it. */
  readonly line: string
  #params: Map<string, string> | undefined

  constructor(name: string, line: string, params?: Map<string, string>) {
    this.name = name
    this.line = line
    this.#params = params
  }

  /** Parameters by their name in capitals: letters of a traditional command, `KEY=VALUE` of an extended one. */
  get params(): ReadonlyMap<string, string> {
    this.#params ??= isTraditional(this.name) ? letterParams(this.line) : keyParams(this.line)
    return this.#params
  }

  /** The text after the name, as written, without the checksum of a numbered line. */
  get rawParams(): string {
    const numbered = /^\s*N\d+\s*/i.exec(this.line)
    const start = (numbered?.[0].length ?? 0) + this.name.length
    const rest = this.line.slice(start)
    const checksum = numbered === null ? -1 : rest.lastIndexOf('*')
    const params = checksum === -1 ? rest : rest.slice(0, checksum)
    return params.startsWith(' ') ? params.slice(1) : params
  }

  has(key: string): boolean {
    return this.params.has(key)
  }

  text(key: string, fallback?: string): string {
    const value = this.params.get(key) ?? fallback
    if (value === undefined) throw new GcodeError(`Error on '${this.line}': missing ${key}`)
    return value
  }

  number(key: string, fallback?: number, bounds: Bounds = {}): number {
    const text = this.params.get(key)
    if (text === undefined && fallback !== undefined) return fallback
    const value = parseNumber(this.text(key))
    if (Number.isNaN(value)) throw this.#unparsable(text ?? '')
    this.#check(key, value, bounds)
    return value
  }

  integer(key: string, fallback?: number, bounds: Bounds = {}): number {
    const value = this.number(key, fallback, bounds)
    if (!Number.isInteger(value)) throw this.#unparsable(this.params.get(key) ?? '')
    return value
  }

  /** A number; undefined for a missing parameter. */
  optionalNumber(key: string, bounds: Bounds = {}): number | undefined {
    return this.has(key) ? this.number(key, undefined, bounds) : undefined
  }

  #unparsable(text: string): GcodeError {
    const message = `Error on '${this.line}': unable to parse ${text}`
    return text === '' ? new UnsupportedError(message) : new GcodeError(message)
  }

  #check(key: string, value: number, bounds: Bounds): void {
    const problem = boundsError(value, bounds)
    if (problem !== undefined) throw new GcodeError(`Error on '${this.line}': ${key} ${problem}`)
  }
}

/** Whether a name is a letter and a number, as `G28` or `T0`. */
function isTraditional(name: string): boolean {
  return /^[A-Z][-+]?[0-9.]+$/.test(name)
}

/**
 * The command of a line in capitals; '' for an empty or comment line.
 * It is a run of letters and underscores with everything up to the next letter: `G1 X5` is `G1`, `SET_PIN PIN=a` is
 * `SET_PIN`.
 */
export function commandName(line: string): string {
  let start = 0
  let end = nameEnd(line, start)
  const first = line.charCodeAt(0) | 32
  if (first === 0x6e && end > 1 && isDigit(line.charCodeAt(1))) {
    // The command follows the line number.
    start = end
    end = nameEnd(line, start)
  }
  return line.slice(start, end).trim().toUpperCase()
}

function nameEnd(line: string, start: number): number {
  let at = start
  while (at < line.length && !isWord(line.charCodeAt(at))) {
    if (line.charCodeAt(at) === 0x3b) return at
    at++
  }
  while (at < line.length && isWord(line.charCodeAt(at))) at++
  while (at < line.length) {
    const char = line.charCodeAt(at)
    if (isWord(char) || char === 0x2a || char === 0x3b) break
    at++
  }
  return at
}

function isWord(char: number): boolean {
  return (char >= 65 && char <= 90) || (char >= 97 && char <= 122) || char === 95
}

function isDigit(char: number): boolean {
  return char >= 48 && char <= 57
}

/** A number as Python's float() reads it; NaN for anything else. */
function parseNumber(text: string): number {
  const trimmed = text.trim()
  return /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i.test(trimmed) ? Number(trimmed) : Number.NaN
}

function letterParams(line: string): Map<string, string> {
  const params = new Map<string, string>()
  const code = line.split(';', 1)[0]!.toUpperCase()
  for (const [, key, value] of code.matchAll(/([A-Z_]+|\*)([^A-Z_*]*)/g)) params.set(key!, value!.trim())
  return params
}

function keyParams(line: string): Map<string, string> {
  const rest = line.replace(/^\s*(N\d+\s*)?[A-Za-z_][A-Za-z0-9_]*\s*/, '')
  const params = new Map<string, string>()
  for (const word of shellWords(rest, line)) {
    const equals = word.indexOf('=')
    if (equals === -1) throw new GcodeError(`Malformed command '${line}'`)
    params.set(word.slice(0, equals).toUpperCase(), word.slice(equals + 1))
  }
  return params
}

/** Words split as in a shell: with quotes, backslashes, and comments from `#` or `;` on. */
function shellWords(text: string, line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (quote !== '') {
      if (char === quote) quote = ''
      else if (char === '\\' && quote === '"' && '"\\'.includes(text[at + 1] ?? ' ')) word += text[++at]!
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === '\\') word = (word ?? '') + (text[++at] ?? '')
    else if (char === '#' || char === ';') break
    else if (!/\s/.test(char)) word = (word ?? '') + char
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  if (quote !== '') throw new GcodeError(`Malformed command '${line}'`)
  if (word !== undefined) words.push(word)
  return words
}
