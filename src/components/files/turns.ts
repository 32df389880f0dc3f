// Lets a few work at a time and the next ones wait in order, as each needs memory and the disk.
import { ApiError } from '../../core/errors.ts'

export class Turns {
  readonly #atOnce: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #working = 0

  constructor(atOnce: number, maxWaiting: number) {
    this.#atOnce = atOnce
    this.#maxWaiting = maxWaiting
  }

  /** Runs `work` when it is its turn. Throws ApiError 503 where too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#working < this.#atOnce) this.#working += 1
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
    if (this.#waiting.length >= this.#maxWaiting)
      throw new ApiError(503, 'Too many uploads at once, try again later')
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}
