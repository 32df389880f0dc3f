// Typed access to one section of printer.cfg: defaults, ranges and Klipper's error texts.

import { type Bounds, boundsError } from '../bounds.ts'
import { ConfigError } from '../errors.ts'

/** A section. It records what modules read, typed and with defaults, as `configfile.settings` shows it. */
export class Section {
  /** The name as written, e.g. `heater_fan Hotend`. */
  readonly name: string
  readonly #raw: ReadonlyMap<string, string>
  readonly #settings: Record<string, unknown>

  constructor(name: string, raw: ReadonlyMap<string, string>, settings: Record<string, unknown>) {
    this.name = name
    this.#raw = raw
    this.#settings = settings
  }

  /** The part of the name after the first blank; the whole name without a blank. */
  get title(): string {
    return this.name.slice(this.name.indexOf(' ') + 1).trim()
  }

  has(option: string): boolean {
    return this.#raw.has(option)
  }

  /** Names of the written options that start with `prefix`. */
  optionsWith(prefix: string): string[] {
    return [...this.#raw.keys()].filter(option => option.startsWith(prefix))
  }

  /** A text. Throws ConfigError for a missing option without a fallback. */
  text(option: string, fallback?: string): string {
    return this.#keep(option, this.#raw.get(option) ?? this.#fallback(option, fallback))
  }

  /** A text; undefined for a missing option. */
  optionalText(option: string): string | undefined {
    return this.has(option) ? this.text(option) : undefined
  }

  number(option: string, fallback?: number, range: Bounds = {}): number {
    const text = this.#raw.get(option)
    if (text === undefined) return this.#keep(option, this.#fallback(option, fallback))
    const value = this.#parse(option, text)
    this.#check(option, value, range)
    return this.#keep(option, value)
  }

  /** A number; undefined for a missing option. */
  optionalNumber(option: string, range: Bounds = {}): number | undefined {
    return this.has(option) ? this.number(option, undefined, range) : undefined
  }

  integer(option: string, fallback?: number, range: Bounds = {}): number {
    const value = this.number(option, fallback, range)
    if (!Number.isInteger(value)) throw this.#unparsable(option)
    return value
  }

  boolean(option: string, fallback?: boolean): boolean {
    const text = this.#raw.get(option)?.toLowerCase()
    if (text === undefined) return this.#keep<boolean>(option, this.#fallback(option, fallback))
    if (['1', 'true', 'yes', 'on'].includes(text)) return this.#keep(option, true)
    if (['0', 'false', 'no', 'off'].includes(text)) return this.#keep(option, false)
    throw this.#unparsable(option)
  }

  choice<T extends string>(option: string, choices: readonly T[], fallback?: T): T {
    const value = this.text(option, fallback)
    const found = choices.find(choice => choice === value)
    if (found !== undefined) return found
    throw new ConfigError(
      `Choice '${value}' for option '${option}' in section '${this.name}' is not a valid choice`,
    )
  }

  /** Numbers separated by commas. */
  numbers(option: string, fallback?: number[], count?: number): number[] {
    const text = this.#raw.get(option)
    if (text === undefined) return this.#keep(option, this.#fallback(option, fallback))
    const values = text.split(',').map(part => this.#parse(option, part))
    if (count !== undefined && values.length !== count) {
      throw new ConfigError(`Option '${option}' in section '${this.name}' must have ${count} elements`)
    }
    return this.#keep(option, values)
  }

  /** Names separated by commas. */
  names(option: string, fallback: string[]): string[] {
    const text = this.#raw.get(option)
    return this.#keep(option, text === undefined ? fallback : text.split(',').map(name => name.trim()))
  }

  /** One list of numbers per line, as in `points =` of a saved bed mesh. */
  table(option: string): number[][] {
    const rows = this.text(option)
      .split('\n')
      .filter(row => row.trim() !== '')
    return this.#keep(
      option,
      rows.map(row => row.split(',').map(cell => this.#parse(option, cell))),
    )
  }

  /** Records a value of `configfile.settings` that does not come from the option's text. */
  note(option: string, value: unknown): void {
    this.#settings[option] = value
  }

  #keep<T>(option: string, value: T): T {
    this.#settings[option] = value
    return value
  }

  #fallback<T>(option: string, fallback: T | undefined): T {
    if (fallback !== undefined) return fallback
    throw new ConfigError(`Option '${option}' in section '${this.name}' must be specified`)
  }

  #parse(option: string, text: string): number {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (!Number.isFinite(value)) throw this.#unparsable(option)
    return value
  }

  #unparsable(option: string): ConfigError {
    return new ConfigError(`Unable to parse option '${option}' in section '${this.name}'`)
  }

  #check(option: string, value: number, bounds: Bounds): void {
    const problem = boundsError(value, bounds)
    if (problem !== undefined)
      throw new ConfigError(`Option '${option}' in section '${this.name}' ${problem}`)
  }
}
