// Reads from a serial port line by line or in blocks, for protocols where each side waits for the other.
import { type Clock, withTimeout } from '../clock.ts'

const LINE_FEED = 0x0a

/** What a reader waits for: how many bytes of the input complete it, and how they are given. */
interface Wanted {
  readonly length: (input: Buffer) => number
  readonly resolve: (bytes: Buffer) => void
  readonly reject: (error: Error) => void
}

export class SerialReader {
  readonly #clock: Clock
  readonly #maxBytes: number
  #input = Buffer.alloc(0)
  #wanted: Wanted | null = null

  /** Input of more than `maxBytes` that was not read is dropped. */
  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock
    this.#maxBytes = maxBytes
  }

  /** Adds input. */
  push(bytes: Buffer): void {
    const input = Buffer.concat([this.#input, bytes])
    this.#input = input.length > this.#maxBytes ? Buffer.alloc(0) : input
    this.#serve()
  }

  /** The device is gone: drops the input, and rejects the read that waits. */
  fail(error: Error): void {
    this.#input = Buffer.alloc(0)
    this.#wanted?.reject(error)
    this.#wanted = null
  }

  /** Resolves with the next line, without the white space around it. Rejects with Error after `seconds`. */
  async line(seconds = Number.POSITIVE_INFINITY): Promise<string> {
    return (await this.#read(input => input.indexOf(LINE_FEED) + 1, seconds)).toString().trim()
  }

  /** Resolves with the next `count` bytes. Rejects with Error after `seconds`. */
  bytes(count: number, seconds: number): Promise<Buffer> {
    return this.#read(input => (input.length >= count ? count : 0), seconds)
  }

  async #read(length: Wanted['length'], seconds: number): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    this.#wanted = { length, resolve, reject }
    this.#serve()
    if (seconds === Number.POSITIVE_INFINITY) return promise
    try {
      return await withTimeout(this.#clock, seconds, promise, () => new Error('does not reply'))
    } finally {
      this.#wanted = null
    }
  }

  #serve(): void {
    const length = this.#wanted?.length(this.#input) ?? 0
    if (length === 0) return
    const bytes = this.#input.subarray(0, length)
    this.#input = this.#input.subarray(length)
    this.#wanted?.resolve(bytes)
    this.#wanted = null
  }
}
