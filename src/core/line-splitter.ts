// Splits the output of a program into lines, in bounded memory.
import { StringDecoder } from 'node:string_decoder'

/** Characters of a line; a longer one arrives in parts. */
const MAX_LINE = 16 * 1024

/** Splits bytes at line feeds and carriage returns; lines that are empty are skipped. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  /** Adds bytes; a character may be divided between two calls. */
  push(bytes: Buffer): void {
    this.#take(this.#decoder.write(bytes))
  }

  /** The output has ended: the rest is the last line. */
  end(): void {
    this.#take(this.#decoder.end())
    this.#emit(this.#rest)
    this.#rest = ''
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]/)
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#emit(line)
    while (this.#rest.length > MAX_LINE) {
      this.#emit(this.#rest.slice(0, MAX_LINE))
      this.#rest = this.#rest.slice(MAX_LINE)
    }
  }

  #emit(line: string): void {
    for (let at = 0; at < line.length; at += MAX_LINE) this.#onLine(line.slice(at, at + MAX_LINE))
  }
}
