// The limit on failed logins, by address and by user name.
import { createHash } from 'node:crypto'
import type { Clock, Timer } from '../../core/clock.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { networkOf } from '../../core/network-of.ts'
import type { LoginFailures, StoredFailures } from './login-failures.ts'

/** Seconds after the last counted failure until all of them are forgotten. */
const MEMORY = 900
/** Addresses and names to remember; the oldest are forgotten first. */
const MAX_KNOWN = 10_000
/** Seconds in which changes are collected before they are stored. */
const SAVE_DELAY = 2

interface Failures {
  readonly count: number
  /** On the monotonic clock. */
  readonly until: number
}

/** What the limit needs. */
export interface LoginLimitParts {
  readonly clock: Clock
  readonly log: Log
  /** Where failures are stored; null keeps them in memory only. */
  readonly failures: LoginFailures | null
  /** Failures after which further logins are refused. */
  readonly max: number
}

export class LoginLimit {
  readonly #parts: LoginLimitParts
  /** By the hash of an address or a name: people type passwords in the place of names. Oldest first. */
  readonly #failures = new Map<string, Failures>()
  readonly #changed = new Set<string>()
  #timer: Timer | null = null

  constructor(parts: LoginLimitParts) {
    this.#parts = parts
    const { clock, failures } = parts
    for (const [key, { count, until }] of failures?.load() ?? []) {
      const rest = Math.min(until - clock.now(), MEMORY)
      if (rest > 0) this.#failures.set(key, { count, until: clock.monotonic() + rest })
      else this.#note(key)
    }
  }

  /**
   * Starts an attempt, which counts as failed until it has succeeded: parallel attempts gain nothing. `address` is null
   * on the unix socket. Throws ApiError 401 past the limit.
   */
  start(address: string | null, username: string): Attempt {
    const keys = [...(address === null ? [] : [`address ${networkOf(address)}`]), `name ${username}`].map(
      hashOf,
    )
    const wait = Math.max(...keys.map(key => this.#waitOf(key)))
    if (wait > 0) {
      const minutes = Math.ceil(wait / 60)
      throw new ApiError(401, `Unauthorized: too many failed logins, try again in ${minutes} minutes`)
    }
    for (const key of keys) this.#count(key)
    return {
      succeed: () => {
        for (const key of keys) this.#set(key, undefined)
      },
      cancel: () => {
        for (const key of keys) {
          const failures = this.#failures.get(key)
          if (failures !== undefined) this.#set(key, { ...failures, count: failures.count - 1 })
        }
      },
    }
  }

  /** Resolves when all changes are stored. */
  async stop(): Promise<void> {
    this.#timer?.stop()
    await this.#save()
  }

  #waitOf(key: string): number {
    const failures = this.#failures.get(key)
    if (failures === undefined) return 0
    const rest = failures.until - this.#parts.clock.monotonic()
    if (rest <= 0) this.#set(key, undefined)
    return failures.count >= this.#parts.max ? rest : 0
  }

  #count(key: string): void {
    const { count } = this.#failures.get(key) ?? { count: 0 }
    this.#failures.delete(key)
    if (this.#failures.size >= MAX_KNOWN) {
      const [oldest] = this.#failures.keys()
      if (oldest !== undefined) this.#set(oldest, undefined)
    }
    this.#set(key, { count: count + 1, until: this.#parts.clock.monotonic() + MEMORY })
  }

  #set(key: string, failures: Failures | undefined): void {
    if (failures === undefined) this.#failures.delete(key)
    else this.#failures.set(key, failures)
    this.#note(key)
  }

  #note(key: string): void {
    const { clock, failures } = this.#parts
    if (failures === null) return
    this.#changed.add(key)
    this.#timer ??= clock.after(SAVE_DELAY, () => void this.#save())
  }

  async #save(): Promise<void> {
    this.#timer = null
    const { clock, failures, log } = this.#parts
    const offset = clock.now() - clock.monotonic()
    const changes = new Map<string, StoredFailures | undefined>()
    for (const key of this.#changed) {
      const known = this.#failures.get(key)
      changes.set(key, known && { count: known.count, until: known.until + offset })
    }
    this.#changed.clear()
    try {
      await failures?.save(changes)
    } catch (error) {
      log.warning(`failed logins are not stored, a restart will forget them: ${messageOf(error)}`)
    }
  }
}

/** One attempt to log in, while its result is open. */
export interface Attempt {
  /** The password was right: earlier failures no longer count. */
  succeed(): void
  /** The server could not check the password: the attempt does not count. */
  cancel(): void
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
