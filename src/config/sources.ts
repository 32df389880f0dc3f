// Reads moonraker.conf with everything it includes, and records the file and line of each option.
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { IniError, type IniSection, MAX_INI_LENGTH, parseIni } from '../core/ini.ts'
import { ConfigError } from './config-error.ts'
import { expandGlob, isGlob } from './include-glob.ts'
import { valueForClients } from './secret-names.ts'

const MAX_FILES = 500
const MAX_TOTAL_BYTES = 4 * MAX_INI_LENGTH
const INCLUDE = 'include '
const DEFAULT = 'DEFAULT'

/** An option as written in its file. `file` is relative to moonraker.conf's folder if it is inside of it. */
export interface SourceOption {
  readonly name: string
  readonly value: string
  readonly file: string
  readonly line: number
}

/** A section as merged from all files; `file` and `line` are those of its last header. */
export interface SourceSection {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly options: ReadonlyMap<string, SourceOption>
}

/** One file that was read. */
export interface SourceFile {
  /** Absolute. */
  readonly path: string
  /** Relative to moonraker.conf's folder if it is inside of it, else absolute. */
  readonly name: string
  readonly sections: readonly string[]
}

/** A configuration as written, before components read their options. */
export interface ConfigSources {
  /** The absolute path of the first file. */
  readonly path: string
  readonly files: readonly SourceFile[]
  /** In order of first appearance, without `[DEFAULT]`. */
  readonly sections: ReadonlyMap<string, SourceSection>
  /** The options of `[DEFAULT]`, which apply to every section that lacks them. */
  readonly defaults: ReadonlyMap<string, SourceOption>
  /** Problems that do not stop the server. */
  readonly warnings: readonly string[]
}

/** Limits for reading sources. */
export interface SourceLimits {
  /** Absolute paths of files and folders that no include may read, such as the secrets. */
  readonly reserved?: readonly string[]
}

/**
 * Reads the configuration at `file` and its includes. If two files have the same option, the later one wins, in the
 * order of the includes. Throws ConfigError.
 */
export function readSources(file: string, limits: SourceLimits = {}): ConfigSources {
  const reader = new SourceReader(resolve(file), limits.reserved ?? [])
  return reader.read()
}

/** Every section as written, `[DEFAULT]` first and its options in all others, without secrets: `orig` of `server.config`. */
export function originalView(sources: ConfigSources): Record<string, Record<string, string>> {
  const defaults = [...sources.defaults]
  const sections = [...sources.sections].map(([name, { options }]) => {
    const missing = defaults.filter(([option]) => !options.has(option))
    return [name, plainOptions([...options, ...missing])] as const
  })
  return Object.fromEntries([[DEFAULT, plainOptions(defaults)], ...sections])
}

function plainOptions(options: readonly (readonly [string, SourceOption])[]): Record<string, string> {
  return Object.fromEntries(options.map(([name, { value }]) => [name, valueForClients(name, value)]))
}

interface OpenSection {
  name: string
  file: string
  line: number
  readonly options: Map<string, SourceOption>
}

/** The place of an include; absent for moonraker.conf itself. */
interface Includer {
  readonly file: string
  readonly line: number
  readonly section: string
}

class SourceReader {
  readonly #main: string
  readonly #reserved: readonly string[]
  readonly #files: { path: string; name: string; sections: string[] }[] = []
  readonly #sections = new Map<string, OpenSection>()
  readonly #defaults: OpenSection
  readonly #warnings: string[] = []
  /** The files that were read, by device and inode, so that a link counts as its target. */
  readonly #seen = new Map<string, string>()
  #bytes = 0

  constructor(main: string, reserved: readonly string[]) {
    this.#main = main
    this.#reserved = reserved.map(item => realPath(resolve(item)))
    this.#defaults = { name: DEFAULT, file: basename(main), line: 0, options: new Map() }
  }

  read(): ConfigSources {
    this.#readFile(this.#main)
    return {
      path: this.#main,
      files: this.#files,
      sections: this.#sections,
      defaults: this.#defaults.options,
      warnings: this.#warnings,
    }
  }

  #readFile(file: string, includer?: Includer): void {
    const name = this.#nameOf(file)
    const text = this.#load(file, name, includer)
    const sections: string[] = []
    this.#files.push({ path: file, name, sections })
    for (const section of parse(text, name)) {
      if (section.name.startsWith(INCLUDE)) this.#include(section, file, name)
      else {
        sections.push(section.name)
        this.#merge(section, name)
      }
    }
  }

  #merge({ name, line, options }: IniSection, file: string): void {
    const section = this.#openSection(name)
    section.file = file
    section.line = line
    for (const option of options) section.options.set(option.name, { ...option, file })
  }

  #openSection(name: string): OpenSection {
    if (name === DEFAULT) return this.#defaults
    let section = this.#sections.get(name)
    if (section === undefined) {
      section = { name, file: '', line: 0, options: new Map() }
      this.#sections.set(name, section)
    }
    return section
  }

  #include({ name: section, line, options }: IniSection, file: string, name: string): void {
    const place = { file: name, line, section }
    const pattern = section.slice(INCLUDE.length).trim()
    const [option] = options
    if (option !== undefined) {
      throw new ConfigError(
        `the option "${option.name}" is below [${section}], which has no options; move it to its section`,
        { file: name, line: option.line, section, option: option.name },
      )
    }
    if (pattern === '') throw new ConfigError('[include] has no file name; write [include name.conf]', place)
    for (const included of this.#matches(pattern, dirname(file), place)) this.#readFile(included, place)
  }

  #matches(pattern: string, folder: string, place: Includer): string[] {
    if (!isGlob(pattern)) return [resolve(folder, pattern)]
    try {
      const files = expandGlob(pattern, folder)
      if (files.length === 0) {
        this.#warnings.push(
          `${place.file}, line ${place.line}: [include ${pattern}] matches no file; correct the pattern or remove it`,
        )
      }
      return files
    } catch (error) {
      if (error instanceof ConfigError) throw new ConfigError(`[include ${pattern}]: ${error.message}`, place)
      throw error
    }
  }

  /** The text of a file. Fails for a reserved file, and for one that was already read. */
  #load(file: string, name: string, includer?: Includer): string {
    const fail = (problem: string): never => {
      if (includer === undefined) throw new ConfigError(`${file}: ${problem}`)
      throw new ConfigError(`[${includer.section}]: ${name} ${problem}`, includer)
    }
    try {
      const stat = statSync(file)
      if (this.#isReserved(file)) fail('belongs to the server and cannot be configuration')
      this.#checkFirstTime(`${stat.dev}:${stat.ino}`, name, includer, fail)
      if (!stat.isFile()) fail('is not a file; name a configuration file')
      this.#bytes += stat.size
      if (stat.size > MAX_INI_LENGTH)
        fail(`is larger than ${MAX_INI_LENGTH} bytes; this cannot be a configuration`)
      if (this.#bytes > MAX_TOTAL_BYTES)
        fail(`and the files before it are larger than ${MAX_TOTAL_BYTES} bytes`)
      return decode(readFileSync(file), name)
    } catch (error) {
      if (error instanceof ConfigError) throw error
      return fail(reasonOf(error))
    }
  }

  #checkFirstTime(
    identity: string,
    name: string,
    includer: Includer | undefined,
    fail: (problem: string) => never,
  ): void {
    const before = this.#seen.get(identity)
    if (before !== undefined) {
      fail(`was already read (${before}); a file can be included only once, and not by itself`)
    }
    if (this.#seen.size >= MAX_FILES) fail(`is one file too many; the limit is ${MAX_FILES}`)
    const how = includer === undefined ? '' : `, included in ${includer.file}, line ${includer.line}`
    this.#seen.set(identity, `as ${name}${how}`)
  }

  #isReserved(file: string): boolean {
    const real = realPath(file)
    return this.#reserved.some(item => real === item || real.startsWith(item + sep))
  }

  #nameOf(file: string): string {
    const inFolder = relative(dirname(this.#main), file)
    return inFolder.startsWith(`..${sep}`) || isAbsolute(inFolder) ? file : inFolder
  }
}

function parse(text: string, name: string): IniSection[] {
  try {
    return parseIni(text, name)
  } catch (error) {
    if (!(error instanceof IniError)) throw error
    const { file, line, section, option } = error
    throw new ConfigError(error.message.slice(`${file}, line ${line}: `.length), {
      file,
      line,
      section,
      option,
    })
  }
}

function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const before = bytes.toString('utf8').split('\uFFFD', 1)[0]!
    throw new ConfigError('this is not UTF-8 text; save the file as UTF-8, or replace it by the right file', {
      file: name,
      line: before.split('\n').length,
    })
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist; create it, or correct its name'
  if (code === 'EACCES' || code === 'EPERM')
    return 'cannot be read; give the user of this server permission to read it'
  if (code === 'ELOOP') return 'is a link that refers to itself; remove it'
  return `cannot be read (${code ?? String(error)})`
}
