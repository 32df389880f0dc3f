// Polls the states of services of a manager that does not report changes.
import type { Clock, Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { ServiceStates } from './provider.ts'

/** What is polled, and who receives the states. */
export interface PollOptions {
  readonly clock: Clock
  readonly log: Log
  /** Seconds from the end of a query to the next one. */
  readonly period: number
  readonly query: () => Promise<ServiceStates>
  readonly report: (states: ServiceStates) => void
}

export class PolledStates {
  readonly #options: PollOptions
  #timer: Timer | null = null
  #stopped = false
  #failing = false

  constructor(options: PollOptions) {
    this.#options = options
  }

  /** Starts to poll, unless it has started already. */
  start(): void {
    if (this.#stopped || this.#timer !== null) return
    this.#timer = this.#options.clock.after(this.#options.period, () => void this.refresh())
  }

  /** Queries now, and reports before it resolves. */
  async refresh(): Promise<void> {
    this.#timer?.stop()
    const { query, report, log } = this.#options
    try {
      const states = await query()
      if (!this.#stopped) report(states)
      this.#failing = false
    } catch (error) {
      if (!this.#failing && !this.#stopped)
        log.warning(`the states of services cannot be read: ${messageOf(error)}`)
      this.#failing = true
    }
    // Another query may have started and ended in the meantime.
    this.#timer?.stop()
    this.#timer = null
    this.start()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.stop()
  }
}
