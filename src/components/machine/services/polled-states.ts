// States of services where nobody tells of changes: they are asked for again and again.
import type { Clock, Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { ServiceStates } from './provider.ts'

/** What is polled, and who hears of it. */
export interface PollOptions {
  readonly clock: Clock
  readonly log: Log
  /** Seconds from the end of a question to the next one. */
  readonly period: number
  readonly ask: () => Promise<ServiceStates>
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

  /** Begins to poll, unless it has begun already. */
  start(): void {
    if (this.#stopped || this.#timer !== null) return
    this.#timer = this.#options.clock.after(this.#options.period, () => void this.refresh())
  }

  /** Asks now, and reports before it resolves. */
  async refresh(): Promise<void> {
    this.#timer?.stop()
    const { ask, report, log } = this.#options
    try {
      const states = await ask()
      if (!this.#stopped) report(states)
      this.#failing = false
    } catch (error) {
      if (!this.#failing && !this.#stopped)
        log.warning(`the states of services cannot be asked for: ${messageOf(error)}`)
      this.#failing = true
    }
    // Another question may have been asked, and answered, meanwhile.
    this.#timer?.stop()
    this.#timer = null
    this.start()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.stop()
  }
}
