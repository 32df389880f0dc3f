// Publishes the state of the printer: when something changed by its step, at most once in an interval, and as a heartbeat.
import type { Clock, Timer } from '../../../core/clock.ts'
import { hasChanged, messageOf, type PrinterState, subjects } from '../../../fleet/contract/index.ts'
import type { Session } from '../engine/session.ts'
import type { StateBuilder } from './state-builder.ts'

/** Seconds in which several changes become one state. */
const DEBOUNCE = 0.05
/** Seconds after each connection at which the state is written again: an engine that was restarted makes its bucket first. */
const AGAIN = 15

/** The options, in seconds. */
export interface Pace {
  readonly interval: number
  readonly heartbeat: number
}

export class StatePublisher {
  readonly #builder: StateBuilder
  readonly #clock: Clock
  readonly #subject: string
  readonly #pace: Pace
  #session: Session | null = null
  #last: PrinterState | null = null
  #sentAt = Number.NEGATIVE_INFINITY
  /** Sends also what has not changed. */
  #isForced = false
  #timer: Timer | null = null
  #again: Timer | null = null
  #isBuilding = false
  /** A change during the build. */
  #isStale = false

  constructor(builder: StateBuilder, id: string, clock: Clock, pace: Pace) {
    this.#builder = builder
    this.#clock = clock
    this.#subject = subjects.key('fleet_state', id)
    this.#pace = pace
  }

  /** A connection is there, or has ended. */
  use(session: Session | null): void {
    this.#session = session
    this.#again?.stop()
    if (session === null) this.#timer?.stop()
    if (session === null) return
    this.announce()
    this.#again = this.#clock.after(AGAIN, () => this.announce())
  }

  /** Sends the state after `delay` seconds, whether it changed or not. */
  announce(delay = 0): void {
    this.#isForced = true
    this.#schedule(delay)
  }

  /** Something may have changed. */
  changed(): void {
    const since = this.#clock.monotonic() - this.#sentAt
    this.#schedule(Math.max(DEBOUNCE, this.#pace.interval - since))
  }

  /** Sends the last state: the server stops. */
  async close(): Promise<void> {
    const session = this.#session
    this.use(null)
    if (session !== null) session.publish(this.#subject, messageOf(await this.#builder.build('closed')))
  }

  #schedule(delay: number): void {
    if (this.#session === null) return
    this.#isStale = this.#isBuilding
    this.#timer?.stop()
    this.#timer = this.#clock.after(delay, () => void this.#tick())
  }

  async #tick(): Promise<void> {
    if (this.#isBuilding) return
    this.#isBuilding = true
    const state = await this.#builder.build().finally(() => {
      this.#isBuilding = false
    })
    const session = this.#session
    if (session === null) return
    if (this.#isStale) return this.#schedule(DEBOUNCE)
    // Only the newest state counts: while the engine does not keep up, it is built again later.
    if (!session.isSlow && this.#isDue(state)) this.#send(session, state)
    const { interval, heartbeat } = this.#pace
    const untilHeartbeat = this.#sentAt + heartbeat - this.#clock.monotonic()
    this.#schedule(this.#builder.isPrinting || session.isSlow ? interval : Math.max(interval, untilHeartbeat))
  }

  #isDue(state: PrinterState): boolean {
    const last = this.#last
    const isHeartbeat = this.#clock.monotonic() - this.#sentAt >= this.#pace.heartbeat - 1
    if (last === null || this.#isForced || isHeartbeat) return true
    // The temperatures of a printer that does nothing come with the heartbeat.
    return hasChanged(last, state.job === null ? { ...state, temp: last.temp } : state)
  }

  #send(session: Session, state: PrinterState): void {
    session.publish(this.#subject, messageOf(state))
    this.#last = state
    this.#sentAt = this.#clock.monotonic()
    this.#isForced = false
  }
}
