// The lease of the scheduler: of several hubs, one schedules. It saves tries; that no job prints twice never depends on it.
import type { Clock, Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { BUCKETS, LEASE_KEY } from '../../contract/index.ts'
import type { Bucket } from '../store/bucket.ts'

/** Seconds between renewals, and between tries to take a lease that has run out. */
const RENEW_SECONDS = 3

/** Whether this hub schedules. */
export interface Leadership {
  readonly held: boolean
  start(): void
  stop(): Promise<void>
}

interface LeaseValue {
  readonly hub: string
  readonly since: number
}

/** What a lease needs. */
export interface LeaseParts {
  readonly bucket: Bucket<LeaseValue>
  /** Identifies this hub. */
  readonly hub: string
  readonly clock: Clock
  readonly log: Log
}

export class Lease implements Leadership {
  readonly #parts: LeaseParts
  #revision = 0
  /** On the monotonic clock: until then the engine keeps the value. */
  #until = 0
  #since = 0
  #timer: Timer | null = null

  constructor(parts: LeaseParts) {
    this.#parts = parts
  }

  get held(): boolean {
    return this.#parts.clock.monotonic() < this.#until
  }

  start(): void {
    void this.#renew()
    this.#timer = this.#parts.clock.every(RENEW_SECONDS, () => void this.#renew())
  }

  async #renew(): Promise<void> {
    const { bucket, hub, clock, log } = this.#parts
    const wasHeld = this.held
    const started = clock.monotonic()
    if (!wasHeld) this.#since = Date.now()
    try {
      const value = { hub, since: this.#since }
      const revision = await bucket.write(LEASE_KEY, { value, expected: wasHeld ? this.#revision : 0 })
      if (revision === null) this.#until = 0
      else {
        this.#revision = revision
        this.#until = started + BUCKETS.fleet_lease.ttl
        if (!wasHeld) log.info('this hub schedules now')
      }
    } catch (error) {
      log.debug(`the lease could not be renewed: ${messageOf(error)}`)
    }
  }

  /** Gives the lease back, so that another hub can take it at once. */
  async stop(): Promise<void> {
    this.#timer?.stop()
    if (!this.held) return
    this.#until = 0
    await this.#parts.bucket.take(LEASE_KEY, this.#revision).catch(() => false)
  }
}
