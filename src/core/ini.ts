// Reads the INI dialects of 3D printers: moonraker.conf, Klipper's printer.cfg, and plain ini files such as secrets. All
// three are Python's configparser with different rules for comments, blank lines and duplicates.

/** One `key: value` of a section. `value` keeps its line breaks: a value on the lines below the name starts with "\n". */
export interface IniOption {
  readonly name: string
  readonly value: string
  /** Line of the option's name, counted from 1. */
  readonly line: number
}

/** One `[name]` with its options in the order of the file. */
export interface IniSection {
  readonly name: string
  /** Line of the section's header, counted from 1. */
  readonly line: number
  readonly options: IniOption[]
}

/** What differs between the dialects. */
export interface IniRules {
  /**
   * Where a comment may start on a line with other text: nowhere, at a `#` or `;` after white space, or there and at
   * every `#`. Lines that start with `#` or `;` are comments in every dialect.
   */
  readonly inlineComments: 'none' | 'after-space' | 'any-hash'
  /** ` \#` and ` \;` are read as ` #` and ` ;`. */
  readonly escapedComments: boolean
  /** Empty lines inside a multi-line value belong to it. */
  readonly blankLinesInValues: boolean
  /** A tab indents to the next multiple of four columns; otherwise it counts as one column. */
  readonly expandTabs: boolean
  /** A section or option that is there twice is an error, or the later value wins. */
  readonly duplicates: 'error' | 'merge'
  /** Option names are made lower case, as configparser does. */
  readonly lowerCaseOptions: boolean
  /** Longest text in UTF-16 units. */
  readonly maxLength: number
}

/** The default for `maxLength`: 1 Mi characters, about a hundred times a large configuration. */
export const MAX_INI_LENGTH = 1024 * 1024

/** moonraker.conf. */
export const MOONRAKER_INI: IniRules = {
  inlineComments: 'after-space',
  escapedComments: true,
  blankLinesInValues: false,
  expandTabs: true,
  duplicates: 'error',
  lowerCaseOptions: true,
  maxLength: MAX_INI_LENGTH,
}

/** Klipper's printer.cfg: a `#` ends the line everywhere, and a section may be there several times. */
export const KLIPPER_INI: IniRules = {
  ...MOONRAKER_INI,
  inlineComments: 'any-hash',
  escapedComments: false,
  blankLinesInValues: true,
  expandTabs: false,
  duplicates: 'merge',
}

/** configparser without settings: no inline comments, so that a password may contain ` #`. */
export const PLAIN_INI: IniRules = {
  ...MOONRAKER_INI,
  inlineComments: 'none',
  escapedComments: false,
  blankLinesInValues: true,
  expandTabs: false,
}

/** A text that is not valid INI; the message names file and line, and what to do. */
export class IniError extends Error {
  readonly file: string
  readonly line: number
  readonly section: string | undefined
  readonly option: string | undefined

  constructor(problem: string, place: { file: string; line: number; section?: string; option?: string }) {
    super(`${place.file}, line ${place.line}: ${problem}`)
    this.name = 'IniError'
    this.file = place.file
    this.line = place.line
    this.section = place.section
    this.option = place.option
  }
}

/**
 * The sections of an INI text; `[DEFAULT]` and `[include …]` are sections like any other. `file` is the name for errors.
 * Rules that are not given are those of moonraker.conf. Throws IniError.
 */
export function parseIni(text: string, file: string, rules: Partial<IniRules> = {}): IniSection[] {
  const reader = new IniReader(file, { ...MOONRAKER_INI, ...rules })
  return reader.read(text)
}

interface OpenOption {
  readonly name: string
  readonly line: number
  readonly lines: string[]
}

/** Reads one text: the current section and option, and how far the option is indented. */
class IniReader {
  readonly #file: string
  readonly #rules: IniRules
  readonly #sections = new Map<string, { line: number; options: Map<string, OpenOption> }>()
  #line = 0
  #section: string | undefined
  #option: OpenOption | undefined
  #indent = 0

  constructor(file: string, rules: IniRules) {
    this.#file = file
    this.#rules = rules
  }

  read(text: string): IniSection[] {
    this.#line = 1
    if (text.length > this.#rules.maxLength) {
      throw this.#error(
        `the file is longer than ${this.#rules.maxLength} characters; this cannot be a configuration, put the right file in its place`,
      )
    }
    for (const line of splitLines(text)) {
      this.#readLine(line)
      this.#line++
    }
    return [...this.#sections].map(([name, { line, options }]) => ({
      name,
      line,
      options: [...options.values()].map(closeOption),
    }))
  }

  #readLine(raw: string): void {
    if (raw.includes('\0')) {
      throw this.#error('there is a zero byte, so this is not a text file; put the right file in its place')
    }
    const line = this.#rules.expandTabs ? expandTabs(raw) : raw
    if (/^\s*[#;]/.test(line)) {
      // Klipper cuts at the hash before configparser sees the line, which then counts as an empty one.
      if (this.#rules.inlineComments === 'any-hash' && line.trimStart().startsWith('#')) this.#blankLine()
      return
    }
    const content = withoutComment(line, this.#rules)
    const indent = content.length - content.trimStart().length
    const value = content.trim()
    if (value === '') this.#blankLine()
    else if (this.#option !== undefined && indent > this.#indent) this.#option.lines.push(value)
    else {
      this.#indent = indent
      this.#openSectionOrOption(value)
    }
  }

  #blankLine(): void {
    if (this.#rules.blankLinesInValues) this.#option?.lines.push('')
  }

  #openSectionOrOption(content: string): void {
    const header = content.startsWith('[')
    const end = header ? content.lastIndexOf(']') : -1
    if (end === 1) throw this.#error('the section header [] has no name; write [name]')
    if (end !== -1) this.#openSection(content.slice(1, end))
    // As in configparser, an option may start with a bracket if it has a delimiter.
    else if (!header || delimiterOf(content) > 0) this.#openOption(content)
    else throw this.#error(`the section header "${shorten(content)}" has no closing bracket; write [name]`)
  }

  #openSection(name: string): void {
    const known = this.#sections.get(name)
    if (known !== undefined && this.#rules.duplicates === 'error') {
      throw this.#error(
        `the section [${name}] is already in line ${known.line} of this file; move its options there`,
        name,
      )
    }
    if (known === undefined) this.#sections.set(name, { line: this.#line, options: new Map() })
    this.#section = name
    this.#option = undefined
  }

  #openOption(content: string): void {
    const end = delimiterOf(content)
    const written = (end === -1 ? content : content.slice(0, end)).trimEnd()
    const section = this.#section
    if (section === undefined) {
      throw this.#error(
        `"${shorten(content)}" is before the first section; put a [section] line above it`,
        undefined,
        written,
      )
    }
    if (end === -1) {
      throw this.#error(
        `"${shorten(content)}" in section [${section}] is neither a section nor an option; write "name: value", or indent it if it continues the value above`,
        section,
        written,
      )
    }
    if (written === '') {
      throw this.#error(
        `"${shorten(content)}" in section [${section}] has no name before the "${content[end]}"; write "name: value"`,
        section,
      )
    }
    this.#addOption(section, written, content.slice(end + 1).trim())
  }

  #addOption(section: string, written: string, value: string): void {
    const name = this.#rules.lowerCaseOptions ? written.toLowerCase() : written
    const options = this.#sections.get(section)!.options
    const known = options.get(name)
    if (known !== undefined && this.#rules.duplicates === 'error') {
      throw this.#error(
        `the option "${name}" of section [${section}] is already in line ${known.line}; remove one of the two`,
        section,
        name,
      )
    }
    this.#option = { name, line: this.#line, lines: [value] }
    options.set(name, this.#option)
  }

  #error(problem: string, section?: string, option?: string): IniError {
    return new IniError(problem, {
      file: this.#file,
      line: this.#line,
      ...(section === undefined ? {} : { section }),
      ...(option === undefined ? {} : { option }),
    })
  }
}

function closeOption({ name, line, lines }: OpenOption): IniOption {
  return { name, line, value: lines.join('\n').trimEnd() }
}

/** The lines, which end in LF, CRLF or CR; a byte order mark at the start is dropped. */
function splitLines(text: string): string[] {
  return (text.startsWith('\uFEFF') ? text.slice(1) : text).split(/\r\n|\n|\r/)
}

/** Index of the first `:` or `=`, or -1. */
function delimiterOf(content: string): number {
  return content.search(/[:=]/)
}

function withoutComment(line: string, rules: IniRules): string {
  if (rules.inlineComments === 'none') return line
  const end = commentStart(line, rules.inlineComments === 'any-hash')
  const content = end === -1 ? line : line.slice(0, end)
  return rules.escapedComments ? content.replaceAll(/ \\([#;])/g, ' $1') : content
}

function commentStart(line: string, anyHash: boolean): number {
  for (let at = 0; at < line.length; at++) {
    const char = line[at]
    if (char === '#' && anyHash) return at
    if ((char === '#' || char === ';') && at > 0 && /\s/.test(line[at - 1]!)) return at
  }
  return -1
}

function expandTabs(line: string): string {
  if (!line.includes('\t')) return line
  let expanded = ''
  for (const char of line) expanded += char === '\t' ? ' '.repeat(4 - (expanded.length % 4)) : char
  return expanded
}

/** The start of a line for an error message, so that a minified file does not fill the log. */
function shorten(content: string): string {
  return content.length > 60 ? `${content.slice(0, 60)}…` : content
}
