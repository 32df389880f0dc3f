// The server's log: to the console and to a file that is renamed and begun anew when it grows or on request.
import { appendFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Clock } from './clock.ts'
import { messageOf } from './errors.ts'

const LEVELS = ['debug', 'info', 'warning', 'error'] as const

/** How grave an entry is. */
export type Level = (typeof LEVELS)[number]

/** Older log files that are kept beside the present one, as `.1` (newest) to `.N`. */
const KEPT_FILES = 5
/** A log file is rolled over when it has grown to this many bytes. */
const MAX_BYTES = 10 * 1024 * 1024

/** Where the log goes. */
export interface LogOptions {
  readonly clock: Clock
  /** Null for no file. */
  readonly file: string | null
  /** One JSON object per line instead of text. */
  readonly structured: boolean
  /** Entries below this level are left out. */
  readonly level: Level
  /** Writes to the console; null for none. */
  readonly console: ((line: string) => void) | null
}

/** Writes entries. One that cannot be written to the file is told on the console, once, and lost. */
export class Log {
  readonly file: string | null
  readonly #options: LogOptions
  #size = 0
  #broken = false

  constructor(options: LogOptions) {
    this.#options = options
    this.file = options.file
    if (options.file !== null && existsSync(options.file)) this.#size = statSync(options.file).size
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

  /** `cause` is what was thrown; an Error goes along with its stack. */
  error(text: string, cause?: unknown): void {
    const told = (cause instanceof Error && cause.stack) || messageOf(cause)
    this.#write('error', cause === undefined ? text : `${text}: ${told}`)
  }

  #write(level: Level, text: string): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.#options.level)) return
    const time = new Date(this.#options.clock.now() * 1000).toISOString()
    const line = this.#options.structured
      ? JSON.stringify({ time, level, message: text })
      : `${time} ${level.toUpperCase().padEnd(7)} ${oneEntry(text)}`
    this.#options.console?.(line)
    if (this.file !== null) this.#append(this.file, `${line}\n`)
  }

  #append(file: string, line: string): void {
    try {
      if (this.#size > MAX_BYTES) this.rollover()
      appendFileSync(file, line)
      this.#size += Buffer.byteLength(line)
      this.#broken = false
    } catch (error) {
      if (!this.#broken) this.#options.console?.(`cannot write the log file ${file}: ${messageOf(error)}`)
      this.#broken = true
    }
  }

  /** Sets the present log file aside and begins a new one. Throws where the files cannot be renamed. */
  rollover(): void {
    const { file } = this
    if (file === null) return
    rmSync(`${file}.${KEPT_FILES}`, { force: true })
    for (let age = KEPT_FILES - 1; age >= 1; age -= 1) {
      if (existsSync(`${file}.${age}`)) renameSync(`${file}.${age}`, `${file}.${age + 1}`)
    }
    if (existsSync(file)) renameSync(file, `${file}.1`)
    this.#size = 0
  }
}

/** Control characters could forge entries or move a terminal's cursor; further lines of an entry are indented. */
function oneEntry(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, '?').replaceAll('\n', '\n    ')
}
