// The configuration of a running machine: its sections, the `configfile` object, and what SAVE_CONFIG will write.

import { type RawConfig, readConfig } from './read-config.ts'
import { saveConfig } from './save-config.ts'
import { Section } from './section.ts'

/** Changes for SAVE_CONFIG: a record of options per section, or null for a section to remove. */
export type PendingItems = Record<string, Record<string, string> | null>

/** The content of printer.cfg, and the `configfile` object about it. */
export class Config {
  readonly file: string
  readonly #raw: RawConfig
  readonly #sections = new Map<string, Section>()
  readonly #written: Record<string, Record<string, string>> = {}
  readonly #settings: Record<string, Record<string, unknown>> = {}
  readonly #warnings: unknown[] = []
  #pending: PendingItems = {}

  /** Reads the files. Throws ConfigError. */
  static read(file: string): Config {
    return new Config(file, readConfig(file))
  }

  /** The configuration of a file that cannot be read: no sections. */
  static unreadable(file: string): Config {
    return new Config(file, new Map())
  }

  private constructor(file: string, raw: RawConfig) {
    this.file = file
    this.#raw = raw
    for (const [name, options] of this.#raw) this.#written[name] = Object.fromEntries(options)
  }

  /** Names of all sections, in their order. */
  get names(): string[] {
    return [...this.#raw.keys()]
  }

  has(name: string): boolean {
    return this.#raw.has(name)
  }

  /** A section; one that the file does not contain is empty, so that its defaults apply. */
  section(name: string): Section {
    const known = this.#sections.get(name)
    if (known !== undefined) return known
    const settings: Record<string, unknown> = {}
    this.#settings[name.toLowerCase()] = settings
    const section = new Section(name, this.#raw.get(name) ?? new Map(), settings)
    this.#sections.set(name, section)
    return section
  }

  /** Adds the options that no module read, so that `settings` is complete for clients. */
  noteUnread(): void {
    for (const [name, options] of this.#raw) {
      this.section(name)
      const settings = this.#settings[name.toLowerCase()]!
      for (const [option, value] of options) settings[option] ??= guess(value)
    }
  }

  /** Keeps a value for SAVE_CONFIG. */
  set(section: string, option: string, value: string): void {
    const options = this.#pending[section] ?? {}
    this.#pending = { ...this.#pending, [section]: { ...options, [option]: value } }
  }

  /** Marks a section for removal by SAVE_CONFIG. */
  remove(section: string): void {
    this.#pending = { ...this.#pending, [section]: null }
  }

  /** Writes the pending values into printer.cfg's SAVE_CONFIG block. Throws GcodeError. */
  save(): void {
    saveConfig(this.file, this.#pending, this.#written)
  }

  /** The `configfile` object. */
  status(): Record<string, unknown> {
    return {
      config: this.#written,
      warnings: this.#warnings,
      save_config_pending: Object.keys(this.#pending).length > 0,
      save_config_pending_items: this.#pending,
      settings: this.#settings,
    }
  }
}

// An option that no module reads has no declared type: its text decides.
function guess(text: string): string | number | boolean {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  return text
}
