// The server's log: to the console and to a file, which is rotated when it grows too large or on request.
import { appendFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Clock } from './clock.ts'
import { messageOf } from './errors.ts'

const LEVELS = ['debug', 'info', 'warning', 'error'] as const

/** The severity of an entry. */
export type Level = (typeof LEVELS)[number]

/** Older log files that are kept next to the current one, as `.1` (newest) to `.N`. */
const KEPT_FILES = 5
/** The log file is rotated when it has more bytes than this. */
const MAX_BYTES = 10 * 1024 * 1024

/** The outputs of the log. */
export interface LogOptions {
  readonly clock: Clock
  /** Null for no file. */
  readonly file: string | null
  /** One JSON object per line instead of text. */
  readonly structured: boolean
  /** Entries below this level are dropped. */
  readonly level: Level
  /** Writes to the console; null for none. */
  readonly console: ((line: string) => void) | null
}

/** Writes entries. An entry that cannot be written to the file is lost there; the console reports the first one. */
export class Log {
  readonly #options: LogOptions
  readonly #file: LogFile | null
  readonly #name: string | null

  /** A log of its own; `child` makes one that shares the outputs of another. */
  constructor(options: LogOptions, file = openFile(options), name: string | null = null) {
    this.#options = options
    this.#file = file
    this.#name = name
  }

  /** The path of the log file; null without a file. */
  get file(): string | null {
    return this.#options.file
  }

  /** A log with the same outputs, whose entries carry the name of a component, or of a part of one: `zeroconf.ssdp`. */
  child(name: string): Log {
    return new Log(this.#options, this.#file, this.#name === null ? name : `${this.#name}.${name}`)
  }

  debug(text: string): void {
    this.#write('debug', text)
  }

  info(text: string): void {
    this.#write('info', text)
  }

  warning(text: string): void {
    this.#write('warning', text)
  }

  /** `cause` is the thrown value; the entry of an Error contains its stack. */
  error(text: string, cause?: unknown): void {
    const details = (cause instanceof Error && cause.stack) || messageOf(cause)
    this.#write('error', cause === undefined ? text : `${text}: ${details}`)
  }

  /** Renames the current log file and starts a new one. Throws if the files cannot be renamed. */
  rollover(): void {
    this.#file?.rollover()
  }

  #write(level: Level, text: string): void {
    const { clock, structured, level: lowest, console } = this.#options
    if (LEVELS.indexOf(level) < LEVELS.indexOf(lowest)) return
    const time = new Date(clock.now() * 1000).toISOString()
    const name = this.#name
    const line = structured
      ? JSON.stringify({ time, level, ...(name !== null && { name }), message: text })
      : `${time} ${level.toUpperCase().padEnd(7)} ${oneEntry(name === null ? text : `${name}: ${text}`)}`
    console?.(line)
    this.#file?.append(`${line}\n`)
  }
}

function openFile({ file, console }: LogOptions): LogFile | null {
  return file === null ? null : new LogFile(file, console)
}

/** The log file with its older generations. */
class LogFile {
  readonly #path: string
  readonly #console: LogOptions['console']
  #size: number
  #hasFailed = false

  constructor(path: string, console: LogOptions['console']) {
    this.#path = path
    this.#console = console
    this.#size = existsSync(path) ? statSync(path).size : 0
  }

  /** Never throws: a full disk must not stop what the entry is about. */
  append(line: string): void {
    try {
      if (this.#size > MAX_BYTES) this.rollover()
      appendFileSync(this.#path, line)
      this.#size += Buffer.byteLength(line)
      this.#hasFailed = false
    } catch (error) {
      if (!this.#hasFailed) this.#console?.(`cannot write the log file ${this.#path}: ${messageOf(error)}`)
      this.#hasFailed = true
    }
  }

  rollover(): void {
    const path = this.#path
    rmSync(`${path}.${KEPT_FILES}`, { force: true })
    for (let age = KEPT_FILES - 1; age >= 1; age -= 1) {
      if (existsSync(`${path}.${age}`)) renameSync(`${path}.${age}`, `${path}.${age + 1}`)
    }
    if (existsSync(path)) renameSync(path, `${path}.1`)
    this.#size = 0
  }
}

/** Control characters could forge entries or move a terminal's cursor; further lines of an entry are indented. */
function oneEntry(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, '?').replaceAll('\n', '\n    ')
}
