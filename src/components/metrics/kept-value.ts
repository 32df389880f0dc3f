// A value that needs another machine or a disk: read at most once in a while, and kept meanwhile.
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'

/** How a value is read. */
export interface KeptValueParts<T> {
  /** For the log. */
  readonly what: string
  readonly read: () => Promise<T>
  /** Seconds until it is read again, and until then after a failure. */
  readonly period: number
  readonly retry: number
  readonly clock: Clock
  readonly log: Log
}

export class KeptValue<T> {
  readonly #parts: KeptValueParts<T>
  #value: T | null = null
  #next = Number.NEGATIVE_INFINITY
  #first: Promise<void> | null = null
  #isReading = false

  constructor(parts: KeptValueParts<T>) {
    this.#parts = parts
  }

  /** The value as last read; null if that has failed. Only the first call waits for it. */
  async get(): Promise<T | null> {
    if (!this.#isReading && this.#parts.clock.monotonic() >= this.#next) {
      const read = this.#read()
      this.#first ??= read
    }
    await this.#first
    return this.#value
  }

  async #read(): Promise<void> {
    const { what, read, period, retry, clock, log } = this.#parts
    this.#isReading = true
    try {
      this.#value = await read()
      this.#next = clock.monotonic() + period
    } catch (error) {
      this.#value = null
      this.#next = clock.monotonic() + retry
      log.debug(`no metrics of ${what}: ${messageOf(error)}`)
    } finally {
      this.#isReading = false
    }
  }
}
