// A rate limit (token bucket): a steady rate, and a store for bursts that refills.
import type { Clock } from './clock.ts'

export class Allowance {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #most: number
  #left: number
  #countedAt: number

  /** `most` may be taken at once; what was taken comes back with `perSecond`. */
  constructor(clock: Clock, { perSecond, most }: { readonly perSecond: number; readonly most: number }) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#most = most
    this.#left = most
    this.#countedAt = clock.monotonic()
  }

  /** Takes `amount`; false, with nothing taken, where there is not so much. */
  take(amount: number): boolean {
    const now = this.#clock.monotonic()
    this.#left = Math.min(this.#most, this.#left + (now - this.#countedAt) * this.#perSecond)
    this.#countedAt = now
    if (amount > this.#left) return false
    this.#left -= amount
    return true
  }
}
