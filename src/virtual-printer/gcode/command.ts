// One G-code command for its handler: name, parameters of either style, and Klipper's errors about them.

import { isTraditional, keyParams, letterParams, parseNumber } from '../../motion/command-text.ts'
import { type Bounds, boundsError, floatText } from '../bounds.ts'
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
    this.#params ??= isTraditional(this.name) ? letterParams(this.line) : this.#keyParams()
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

  /** Throws for an extended command that is malformed: Klipper rejects it before its handler. */
  check(): void {
    if (!isTraditional(this.name)) this.#params ??= this.#keyParams()
  }

  has(key: string): boolean {
    return this.params.has(key)
  }

  text(key: string, fallback?: string): string {
    const value = this.params.get(key) ?? fallback
    if (value === undefined) throw new GcodeError(`Error on '${this.line}': missing ${key}`)
    return value
  }

  /** One of `options`. */
  option(key: string, options: Iterable<string>): string {
    const value = this.text(key)
    const all = [...options]
    if (!all.includes(value)) throw noSuchOption(key, value, all)
    return value
  }

  number(key: string, fallback?: number, bounds: Bounds = {}): number {
    return this.#read(key, fallback, bounds, floatText)
  }

  integer(key: string, fallback?: number, bounds: Bounds = {}): number {
    const value = this.#read(key, fallback, bounds, String)
    if (!Number.isInteger(value)) throw this.#unparsable(this.params.get(key) ?? '')
    return value
  }

  #read(key: string, fallback: number | undefined, bounds: Bounds, write: (bound: number) => string): number {
    const text = this.params.get(key)
    if (text === undefined && fallback !== undefined) return fallback
    const value = parseNumber(this.text(key))
    if (Number.isNaN(value)) throw this.#unparsable(text ?? '')
    const problem = boundsError(value, bounds, write)
    if (problem !== undefined) throw new GcodeError(`Error on '${this.line}': ${key} ${problem}`)
    return value
  }

  /** A number; undefined for a missing parameter. */
  optionalNumber(key: string, bounds: Bounds = {}): number | undefined {
    return this.has(key) ? this.number(key, undefined, bounds) : undefined
  }

  #keyParams(): Map<string, string> {
    const params = keyParams(this.line)
    if (params === undefined) throw new GcodeError(`Malformed command '${this.line}'`)
    return params
  }

  #unparsable(text: string): GcodeError {
    const message = `Error on '${this.line}': unable to parse ${text}`
    return text === '' ? new UnsupportedError(message) : new GcodeError(message)
  }
}

/** The error for a value that is none of `options`. */
export function noSuchOption(
  key: string,
  value: string | undefined,
  options: readonly string[],
): UnsupportedError {
  const alike = options.findLast(option => value !== '' && option.includes(value!))
  const hint =
    alike === undefined
      ? `Options: ${options.map(option => `'${option}'`).join(', ')}`
      : `Did you mean '${alike}'?`
  return new UnsupportedError(`The value '${value}' is not valid for ${key}. ${hint}`)
}
