// Lets a few work at a time and the next ones wait in order, as each needs memory and the disk.
import { ApiError } from './errors.ts'

/** How many work and wait, and what they are called where there are too many. */
export interface Limits {
  readonly what: string
  readonly atOnce: number
  readonly maxWaiting: number
}

export class ConcurrencyLimit {
  readonly #limits: Limits
  readonly #waiting: (() => void)[] = []
  #working = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Runs `work` when it is its turn. Rejects with ApiError 503 where too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#working < this.#limits.atOnce) this.#working += 1
    else await this.#turn()
    try {
      return await work()
    } finally {
      // A waiting one takes the place over, so that nobody comes in between.
      const next = this.#waiting.shift()
      if (next === undefined) this.#working -= 1
      else next()
    }
  }

  #turn(): Promise<void> {
    const { what, maxWaiting } = this.#limits
    if (this.#waiting.length >= maxWaiting)
      throw new ApiError(503, `Too many ${what} at once, try again later`)
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}
