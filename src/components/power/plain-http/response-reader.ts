// Reads one HTTP/1.1 response as its bytes arrive, in bounded memory.
import { type ResponseHead, readHead } from './response-head.ts'

/** Bytes of the status line and the headers. */
const MAX_HEAD = 16 * 1024
const END_OF_HEAD = '\r\n\r\n'
const END_OF_LINE = '\r\n'
/** The size of a chunk; extensions after it are ignored. */
const CHUNK_LINE = /^([\da-f]{1,8})[ \t]*(?:;.*)?$/i

export class ResponseReader {
  readonly #maxBytes: number
  /** What has arrived. */
  #bytes = Buffer.alloc(0)
  #length = 0
  /** The bytes before this one are read. */
  #next = 0
  /** Where the search for the next end of a line or head continues: the bytes before were searched. */
  #searched = 0
  #head: ResponseHead | null = null
  /** Where the body is: its chunks are moved together, over their sizes. */
  #start = 0
  #end = 0
  /** Whether the last chunk was read. */
  #isLast = false
  #isComplete = false

  /** A head of more than 16 KiB and a body of more than `maxBytes` are errors. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Whether nothing has arrived. */
  get isEmpty(): boolean {
    return this.#length === 0
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  /** The response, once it is complete. Throws Error before. */
  get response(): { readonly head: ResponseHead; readonly body: Buffer } {
    if (this.#head === null || !this.#isComplete) throw new Error('the answer is not complete')
    return { head: this.#head, body: this.#bytes.subarray(this.#start, this.#end) }
  }

  /** Whether the server accepts another request on the same connection. */
  get mayContinue(): boolean {
    return this.#isComplete && this.#head?.isKept === true && this.#next === this.#length
  }

  /** Adds a copy of bytes that arrived. Throws Error for what is no response, or too long. */
  push(part: Buffer): void {
    this.#append(part)
    // Interim responses may come before the response.
    while (this.#head === null) if (!this.#readHead()) return
    const { framing } = this.#head
    if (framing === 'close') this.#take(this.#length - this.#next)
    else if (framing === 'chunks') while (!this.#isComplete && this.#readChunk());
    else if (this.#length - this.#next >= framing.length) {
      this.#take(framing.length)
      this.#isComplete = true
    }
  }

  /** The connection has ended. Throws Error if that is not the end of the response. */
  finish(): void {
    if (this.isEmpty) throw new Error('closes the connection without an answer')
    if (this.#head?.framing !== 'close') throw new Error('closes the connection before the end of the answer')
    this.#isComplete = true
  }

  /** The memory doubles when it is full, so that short parts are copied only a few times. */
  #append(part: Buffer): void {
    const length = this.#length + part.length
    const limit = MAX_HEAD + this.#maxBytes
    if (length > limit) throw this.#tooLong()
    if (length > this.#bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.min(limit, Math.max(length, 2 * this.#bytes.length)))
      this.#bytes.copy(bytes, 0, 0, this.#length)
      this.#bytes = bytes
    }
    part.copy(this.#bytes, this.#length)
    this.#length = length
  }

  /** False if the head has not arrived. */
  #readHead(): boolean {
    const text = this.#textUntil(END_OF_HEAD)
    if (text === null) return false
    // Some servers send an empty line first.
    const head = readHead(text.startsWith(END_OF_LINE) ? text.slice(END_OF_LINE.length) : text)
    if (head.status === 101) throw new Error('the answer changes the protocol')
    if (head.status < 200) return true
    if (typeof head.framing === 'object' && head.framing.length > this.#maxBytes) throw this.#tooLong()
    this.#head = head
    this.#start = this.#end = this.#next
    return true
  }

  /** False if the chunk has not arrived. */
  #readChunk(): boolean {
    const before = this.#next
    const line = this.#textUntil(END_OF_LINE)
    if (line === null) return false
    if (this.#isLast) {
      // Trailers end with an empty line.
      this.#isComplete = line === ''
      return true
    }
    const [, digits] = CHUNK_LINE.exec(line) ?? []
    if (digits === undefined) throw new Error('the answer contains an invalid chunk')
    const size = Number.parseInt(digits, 16)
    if (size === 0) {
      this.#isLast = true
      return true
    }
    const end = this.#next + size
    if (end + END_OF_LINE.length > this.#length) {
      if (size > this.#maxBytes) throw this.#tooLong()
      this.#next = this.#searched = before
      return false
    }
    this.#take(size)
    if (this.#textUntil(END_OF_LINE) !== '') throw new Error('the answer contains an invalid chunk')
    return true
  }

  /** The next bytes belong to the body. */
  #take(count: number): void {
    if (this.#end !== this.#next) this.#bytes.copyWithin(this.#end, this.#next, this.#next + count)
    this.#end += count
    this.#next = this.#searched = this.#next + count
  }

  /** The text before `end`; both count as read. Null if the end has not arrived. */
  #textUntil(end: string): string | null {
    const at = this.#bytes.subarray(0, this.#length).indexOf(end, this.#searched, 'latin1')
    if (at === -1) {
      if (this.#length - this.#next > MAX_HEAD) throw new Error('the head of the answer is too long')
      this.#searched = Math.max(this.#next, this.#length - end.length + 1)
      return null
    }
    const text = this.#bytes.toString('latin1', this.#next, at)
    this.#next = this.#searched = at + end.length
    return text
  }

  #tooLong(): Error {
    return new Error(`the answer is longer than ${this.#maxBytes} bytes`)
  }
}
