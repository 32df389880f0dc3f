// Reads a G-code file line by line in pieces of bounded size, with the byte position of each line.

import { closeSync, openSync, readSync } from 'node:fs'

const PIECE = 64 * 1024
/** A longer line is split: no G-code line is that long, but a file of another kind may have no line breaks. */
const LONGEST_LINE = 1024 * 1024

/** A file opened for reading lines from any byte position on. */
export class LineReader {
  readonly #fd: number
  #buffer = Buffer.alloc(0)
  #offset = 0
  #filePosition: number
  #ended = false

  constructor(path: string, position = 0) {
    this.#fd = openSync(path, 'r')
    this.#filePosition = position
  }

  /** Byte position in the file behind the last line that was returned. */
  get position(): number {
    return this.#filePosition - (this.#buffer.length - this.#offset)
  }

  /** Moves to a byte position. */
  seek(position: number): void {
    this.#buffer = Buffer.alloc(0)
    this.#offset = 0
    this.#filePosition = position
    this.#ended = false
  }

  /** The next line without its line break, or undefined at the end of the file. */
  next(): string | undefined {
    for (;;) {
      const end = this.#buffer.indexOf(10, this.#offset)
      if (end !== -1) {
        const line = this.#text(end)
        this.#offset = end + 1
        return line
      }
      if (this.#ended || this.#buffer.length - this.#offset > LONGEST_LINE) return this.#rest()
      this.#fill()
    }
  }

  close(): void {
    closeSync(this.#fd)
  }

  // Short synchronous reads of a local file: they take no simulated time.
  #fill(): void {
    const piece = Buffer.allocUnsafe(PIECE)
    const length = readSync(this.#fd, piece, 0, PIECE, this.#filePosition)
    this.#filePosition += length
    this.#ended = length === 0
    const kept = this.#buffer.subarray(this.#offset)
    this.#buffer =
      kept.length === 0 ? piece.subarray(0, length) : Buffer.concat([kept, piece.subarray(0, length)])
    this.#offset = 0
  }

  #rest(): string | undefined {
    if (this.#offset === this.#buffer.length) return undefined
    const line = this.#text(this.#buffer.length)
    this.#offset = this.#buffer.length
    return line
  }

  #text(end: number): string {
    const last = end > this.#offset && this.#buffer[end - 1] === 13 ? end - 1 : end
    return this.#buffer.toString('utf8', this.#offset, last)
  }
}
