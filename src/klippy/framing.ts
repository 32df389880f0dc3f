// Klipper's API server ends each JSON text with ETX; our own unix socket does the same.

/** Ends every message on a Klippy or Moonraker unix socket. */
export const ETX = 0x03
const ETX_TEXT = String.fromCharCode(ETX)

/** A peer sent more than the allowed bytes without ending its message. */
export class FrameTooLarge extends Error {
  override readonly name: string = 'FrameTooLarge'

  constructor(limit: number) {
    super(`a message of more than ${limit} bytes without an end`)
  }
}

/**
 * Cuts a byte stream into the messages between ETX bytes.
 * Holds at most `limit` bytes of an unfinished message; past that `push` throws FrameTooLarge.
 */
export class FrameSplitter {
  readonly #limit: number
  #parts: Buffer[] = []
  #held = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Adds bytes as they arrived and returns each message that they complete, without its ETX. */
  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = []
    let start = 0
    let end = chunk.indexOf(ETX)
    while (end !== -1) {
      messages.push(this.#complete(chunk.subarray(start, end)))
      start = end + 1
      end = start < chunk.length ? chunk.indexOf(ETX, start) : -1
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start))
    return messages
  }

  /**
   * Adds the first `length` bytes of `bytes` and returns the text of each message that they complete. Whole messages, as
   * most bytes are, are decoded together: ETX is no part of any other character in UTF-8.
   */
  pushTexts(bytes: Buffer, length: number): string[] {
    if (this.#held > 0 || bytes[length - 1] !== ETX) {
      return this.push(bytes.subarray(0, length)).map(message => message.toString())
    }
    const text = bytes.toString('utf8', 0, length - 1)
    return text.includes(ETX_TEXT) ? text.split(ETX_TEXT) : [text]
  }

  #complete(tail: Buffer): Buffer {
    if (this.#held === 0) return tail
    const message = Buffer.concat([...this.#parts, tail])
    this.#parts = []
    this.#held = 0
    return message
  }

  #hold(rest: Buffer): void {
    this.#held += rest.length
    if (this.#held > this.#limit) throw new FrameTooLarge(this.#limit)
    // A copy: the caller may reuse its buffer, and a small rest must not keep a large chunk in memory.
    this.#parts.push(Buffer.from(rest))
  }
}

/** The bytes of one JSON value as a message. */
export function frame(message: unknown): string {
  return `${JSON.stringify(message)}\x03`
}
