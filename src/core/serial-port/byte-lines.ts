// Splits the input of a serial port into lines, in bounded memory.

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Splits bytes at line feeds. Lines that are empty or too long are dropped. */
export class ByteLines {
  readonly #onLine: (line: Buffer) => void
  readonly #line: Buffer
  /** Bytes of the present line; more than fit mean that it is dropped. */
  #length = 0

  /** `onLine` receives each line of up to `maxBytes`, without its end; it is valid only during the call. */
  constructor(maxBytes: number, onLine: (line: Buffer) => void) {
    this.#onLine = onLine
    this.#line = Buffer.allocUnsafeSlow(maxBytes)
  }

  /** Adds bytes. They are not kept. */
  push(bytes: Buffer): void {
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      this.#add(bytes.subarray(start, end))
      this.#end()
      start = end + 1
    }
    this.#add(bytes.subarray(start))
  }

  /** Drops the line that has not ended: the device was opened again. */
  clear(): void {
    this.#length = 0
  }

  #add(part: Buffer): void {
    if (this.#length + part.length <= this.#line.length) part.copy(this.#line, this.#length)
    this.#length += part.length
  }

  #end(): void {
    const line = this.#line.subarray(0, this.#length > this.#line.length ? 0 : this.#length)
    this.#length = 0
    const text = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
    if (text.length > 0) this.#onLine(text)
  }
}
