// Reads typed options of sections, and records what was read, for the reply of `server.config` and for warnings about
// options that no component reads.
import { expandPath } from '../core/paths.ts'
import { type InferShape, Invalid } from '../schema/index.ts'
import { ConfigError, type ConfigPlace } from './config-error.ts'
import { PATH_FORMAT, type SectionOption, type SectionOptions, TEMPLATE_FORMAT } from './options.ts'
import { shownValue, valueForClients } from './secret-names.ts'
import { type ConfigSources, originalView, type SourceOption, type SourceSection } from './sources.ts'
import { type SectionRecord, unreadWarnings } from './unread.ts'

/** One section as read. */
export interface ReadSection<O extends SectionOptions> {
  /** The whole name, such as `power relay`. */
  readonly section: string
  /** The part after the first word, such as `relay`; empty if there is one word. */
  readonly name: string
  readonly options: InferShape<O>
  /** Reads further options of the same section, which depend on others such as `type`. Throws ConfigError. */
  read<P extends SectionOptions>(options: P): InferShape<P>
  /** Makes an error about one of the options, or about the section, for the component to throw. */
  error(problem: string, option?: string): ConfigError
}

/** Reply of `server.config` (API document: "Get Server Configuration"). */
export interface ServerConfig {
  /** Values as read, defaults included; without secrets. */
  readonly config: Record<string, Record<string, unknown>>
  /** Texts as written; without secrets. */
  readonly orig: Record<string, Record<string, string>>
  readonly files: { readonly filename: string; readonly sections: readonly string[] }[]
}

/** What happens if an option has an invalid value: the section is not read, or the option gets its default. */
export type OnInvalid = 'throw' | 'use default'

/** The configuration of one server. Each section may be read once or in several steps. */
export class Configuration {
  readonly sources: ConfigSources
  readonly #dataPath: string
  readonly #records = new Map<string, SectionRecord>()
  /** Warnings about options that are read nevertheless. */
  readonly #warnings = new Set<string>()

  /** `dataPath` replaces `{data_path}` in paths. */
  constructor(sources: ConfigSources, dataPath: string) {
    this.sources = sources
    this.#dataPath = dataPath
  }

  /** Whether the configuration has a section `[kind]` or `[kind NAME]`. */
  has(kind: string): boolean {
    return this.sources.sections.has(kind) || this.named(kind).length > 0
  }

  /** The whole names of the sections `[kind NAME]`, in their order in the file. */
  named(kind: string): string[] {
    return [...this.sources.sections.keys()].filter(section => {
      const [first, rest] = splitName(section)
      return first === kind && rest !== ''
    })
  }

  /**
   * Reads the options of a section; a missing option or section gets defaults. Throws ConfigError with file, line,
   * section, option and value; with `use default`, an option that has a default gets it, with a warning.
   */
  read<O extends SectionOptions>(
    section: string,
    options: O,
    onInvalid: OnInvalid = 'throw',
  ): ReadSection<O> {
    return {
      section,
      name: splitName(section)[1],
      options: this.#readOptions(section, options, onInvalid),
      read: more => this.#readOptions(section, more, onInvalid),
      error: (problem, option) => this.#failed(section, this.#error(section, problem, option)),
    }
  }

  /** Ignores `[kind]` and the sections `[kind NAME]` on purpose: there are no warnings about them. */
  ignore(kind: string): void {
    for (const section of [kind, ...this.named(kind)]) {
      if (this.sources.sections.has(section)) this.#record(section).failed = true
    }
  }

  /** What the user should correct in moonraker.conf; complete when every section has been read. */
  warnings(): string[] {
    return [...this.sources.warnings, ...this.#warnings, ...unreadWarnings(this.sources, this.#records)]
  }

  /** The reply of `server.config`; sections in the order in which they were read. */
  reply(): ServerConfig {
    const config = [...this.#records].map(
      ([name, { view }]) =>
        [
          name,
          Object.fromEntries([...view].map(([option, value]) => [option, valueForClients(option, value)])),
        ] as const,
    )
    return {
      config: Object.fromEntries(config),
      orig: originalView(this.sources),
      files: this.sources.files.map(({ name, sections }) => ({ filename: name, sections })),
    }
  }

  #readOptions<O extends SectionOptions>(section: string, options: O, onInvalid: OnInvalid): InferShape<O> {
    const values: Record<string, unknown> = {}
    for (const [name, option] of Object.entries(options)) {
      const value = this.#readOrWarn(section, name, option, onInvalid)
      if (value !== undefined) values[name] = value
    }
    this.#record(section)
    return values as InferShape<O>
  }

  #readOrWarn(section: string, name: string, option: SectionOption, onInvalid: OnInvalid): unknown {
    try {
      return option.prefix === true
        ? this.#readPrefixed(section, name, option)
        : this.#readOption(section, name, option)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      if (onInvalid === 'throw' || option.fallback === undefined) throw this.#failed(section, error)
      this.#warnings.add(`${error.message}; the default is used instead`)
      return this.#default(section, name, option.fallback.value, option)
    }
  }

  #readOption(section: string, name: string, option: SectionOption): unknown {
    const record = this.#record(section)
    const source = this.#find(section, name, option)
    if (source !== undefined) {
      const value = this.#readText(section, source, option, source.value)
      record.view.set(name, viewOf(option, value, source.value.trim()))
      return value
    }
    record.known.add(name)
    if (option.fallback === undefined) {
      throw this.#error(section, `section [${section}] needs the option "${name}"; add "${name}: …" to it`)
    }
    return this.#default(section, name, option.fallback.value, option)
  }

  #default(section: string, name: string, value: unknown, option: SectionOption): unknown {
    this.#record(section).view.set(name, viewOf(option, value, value))
    return isPath(option) && typeof value === 'string' ? this.#expandPath(value) : value
  }

  #readPrefixed(section: string, prefix: string, option: SectionOption): unknown {
    const record = this.#record(section)
    const written = [...(this.sources.sections.get(section)?.options.values() ?? [])]
    const values: [string, unknown][] = []
    for (const source of written) {
      if (!source.name.startsWith(prefix) || source.name === prefix) continue
      const rest = source.name.slice(prefix.length)
      record.known.add(source.name)
      // The declared option is a record; reading each entry alone allows the error to name its line.
      const input = Object.fromEntries([[rest, source.value]])
      const read = this.#readText(section, source, option, input, rest) as Record<string, unknown>
      record.view.set(source.name, read[rest])
      values.push([rest, read[rest]])
    }
    return Object.fromEntries(values)
  }

  /** The option as written: under its name or a previous one, or in [DEFAULT]. */
  #find(section: string, name: string, option: SectionOption): SourceOption | undefined {
    const record = this.#record(section)
    const written = this.sources.sections.get(section)?.options
    const previous = (option.previousNames ?? []).filter(old => written?.has(old))
    for (const known of [name, ...previous]) record.known.add(known)
    for (const old of previous) this.#warnDeprecated(section, written!.get(old)!, `use "${name}" instead`)
    const found = written?.get(name) ?? (previous[0] === undefined ? undefined : written?.get(previous[0]))
    if (found !== undefined && option.deprecated !== undefined) {
      this.#warnDeprecated(section, found, option.deprecated)
    }
    return found ?? this.sources.defaults.get(name)
  }

  #warnDeprecated(section: string, { name, file, line }: SourceOption, advice: string): void {
    this.#warnings.add(
      `${file}, line ${line}: the option "${name}" of section [${section}] is deprecated; ${advice}`,
    )
  }

  /** Reads the text of an option. If `input` is an object with one field, `field` is its name. */
  #readText(section: string, source: SourceOption, option: SectionOption, input: unknown, field?: string) {
    const { name } = source
    try {
      const value = option.read(input, name)
      return isPath(option) && typeof value === 'string' ? this.#expandPath(value, name) : value
    } catch (error) {
      if (!(error instanceof Invalid)) throw error
      const shown = shownValue(name, source.value, option.secret)
      const should = expected(error, field === undefined ? name : `${name}.${field}`)
      throw this.#error(
        section,
        `the option "${name}: ${shown}" of section [${section}] must be ${should}`,
        name,
      )
    }
  }

  #expandPath(text: string, name = ''): string {
    const path = text.replaceAll(/\{\s*data_path\s*\}/g, () => this.#dataPath)
    if (/[{}]/.test(path)) throw new Invalid(name, 'a path without braces other than {data_path}', text)
    return expandPath(path)
  }

  #error(section: string, problem: string, option?: string): ConfigError {
    return new ConfigError(problem, this.#place(section, option))
  }

  #failed(section: string, error: ConfigError): ConfigError {
    this.#record(section).failed = true
    return error
  }

  #place(section: string, option?: string): ConfigPlace {
    const written: SourceSection | undefined = this.sources.sections.get(section)
    const source =
      option === undefined ? undefined : (written?.options.get(option) ?? this.sources.defaults.get(option))
    const { file, line } = source ?? written ?? {}
    return { section, option, file, line }
  }

  #record(section: string): SectionRecord {
    let record = this.#records.get(section)
    if (record === undefined) {
      record = { view: new Map(), known: new Set(), failed: false }
      this.#records.set(section, record)
    }
    return record
  }
}

function splitName(section: string): [kind: string, name: string] {
  const words = section.trim()
  const end = words.search(/\s/)
  return end === -1 ? [words, ''] : [words.slice(0, end), words.slice(end).trimStart()]
}

function isPath(option: SectionOption): boolean {
  return option.json.format === PATH_FORMAT
}

/** Paths and templates as written, other values as read. */
function viewOf(option: SectionOption, value: unknown, written: unknown): unknown {
  const asWritten = isPath(option) || option.json.format === TEMPLATE_FORMAT
  return (asWritten ? written : value) ?? null
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  float: 'a number',
  bool: 'True or False',
  list: 'a list',
  path: 'a path',
  object: 'lines of name=value',
}

/** What was expected, as the end of a sentence, with the item of a list or the field that is invalid. */
function expected({ problem, path }: Invalid, root: string): string {
  const part = path.slice(root.length)
  const item = /^\[(\d+)\]/.exec(part)?.[1]
  const where = item === undefined ? part.replace(/^\./, '') : `item ${Number(item) + 1}`
  if (problem === 'is required') return `complete, but "${where}" is missing`
  const phrase = EXPECTED[problem] ?? (/^(number|list|value) /.test(problem) ? `a ${problem}` : problem)
  return where === '' ? phrase : `${phrase} in ${where}`
}
