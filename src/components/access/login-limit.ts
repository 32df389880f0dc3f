// The limit on failed logins: by the address that they come from and by the name that they are for.
import type { Clock } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import { networkOf } from '../../core/network-of.ts'

/** Seconds after the last counted failure until all of them are forgotten. */
const MEMORY = 900
/** As many addresses and names are remembered; past that the oldest are forgotten. */
const MAX_KNOWN = 10_000

interface Failures {
  count: number
  /** On the monotonic clock. */
  until: number
}

export class LoginLimit {
  readonly #clock: Clock
  readonly #max: number
  readonly #failures = new Map<string, Failures>()

  constructor(clock: Clock, max: number) {
    this.#clock = clock
    this.#max = max
  }

  /**
   * Begins an attempt, which counts as failed until it is known to have succeeded: many at once gain nothing.
   * `address` is null where there is none (unix socket). Throws ApiError 401 past the limit.
   */
  begin(address: string | null, username: string): Attempt {
    const keys = [...(address === null ? [] : [`address ${networkOf(address)}`]), `name ${username}`]
    const wait = Math.max(...keys.map(key => this.#waitOf(key)))
    if (wait > 0) {
      const minutes = Math.ceil(wait / 60)
      throw new ApiError(401, `Unauthorized: too many failed logins, try again in ${minutes} minutes`)
    }
    for (const key of keys) this.#count(key)
    return {
      succeeded: () => {
        for (const key of keys) this.#failures.delete(key)
      },
      forget: () => {
        for (const key of keys) {
          const failures = this.#failures.get(key)
          if (failures !== undefined) failures.count -= 1
        }
      },
    }
  }

  #waitOf(key: string): number {
    const failures = this.#failures.get(key)
    if (failures === undefined) return 0
    const rest = failures.until - this.#clock.monotonic()
    if (rest <= 0) this.#failures.delete(key)
    return failures.count >= this.#max ? rest : 0
  }

  #count(key: string): void {
    const { count } = this.#failures.get(key) ?? { count: 0 }
    this.#failures.delete(key)
    if (this.#failures.size >= MAX_KNOWN) {
      const [oldest] = this.#failures.keys()
      if (oldest !== undefined) this.#failures.delete(oldest)
    }
    this.#failures.set(key, { count: count + 1, until: this.#clock.monotonic() + MEMORY })
  }
}

/** One attempt to log in, until its end is known. */
export interface Attempt {
  /** It was right: what failed before no longer counts. */
  succeeded(): void
  /** It was neither right nor wrong, for a reason of ours. */
  forget(): void
}
