// [job_state]: follows the print and emits events about jobs.

import type { StatusChange } from '../../api/printer.ts'
import { type Core, component } from '../../component/component.ts'
import { Allowance } from '../../core/allowance.ts'
import { type Timer, withTimeout } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { JobState, PRINTED } from './job-state.ts'
import { jobWatchService } from './service.ts'

/** The macro that pauses a print for a frame of a time-lapse. */
const FRAME_MACRO = 'gcode_macro TIMELAPSE_TAKE_FRAME'

/** With Klippy's state, so that a shutdown is known before its effect on the print. */
const REQUEST = { print_stats: null, webhooks: ['state'], [FRAME_MACRO]: ['is_paused'] }

/**
 * Changes of jobs that are reported. A printer makes few; each is written to the disk and sent to clients, so those of
 * a Klippy that makes thousands are merged.
 */
const CHANGES = { perSecond: 2, most: 100 }
/** Seconds between attempts to report merged changes. */
const MERGE = 0.25
/** The most seconds to wait for the current state. */
const TIMEOUT = 1

class PrintFollower {
  readonly #core: Core
  readonly #state: JobState
  readonly #allowance: Allowance
  /** False until the reply to the subscription: earlier changes belong to other subscriptions. */
  #isKnown = false
  /** Changes that are not reported yet, because there are too many. */
  #merged: Record<string, StatusChange[string]> | null = null
  #timer: Timer | null = null

  constructor(core: Core, state: JobState) {
    this.#core = core
    this.#state = state
    this.#allowance = new Allowance(core.clock, CHANGES)
  }

  async follow(): Promise<void> {
    this.#isKnown = false
    const { status } = await this.#core.printer.subscribe(this, REQUEST)
    this.#isKnown = true
    this.#state.isFramePause = status[FRAME_MACRO]?.is_paused === true
    this.#state.start(status.print_stats ?? {})
    if (status.webhooks?.state === 'shutdown') this.#state.lost('klippy_shutdown')
  }

  statusChanged(change: StatusChange): void {
    if (!this.#isKnown) return
    const { print_stats } = change
    if (this.#merged !== null) this.#merge(change)
    else if (print_stats === undefined || this.#state.progress(print_stats)) this.#reportWith(change)
    else if (this.#allowance.take(1)) this.#report(change)
    else this.#merge(change)
  }

  #merge(change: StatusChange): void {
    this.#merged ??= {}
    for (const name in change) this.#merged[name] = { ...this.#merged[name], ...change[name] }
    this.#timer ??= this.#core.clock.after(MERGE, () => this.#reportMerged())
  }

  #reportMerged(): void {
    this.#timer = null
    const change = this.#merged
    if (change === null) return
    this.#merged = null
    this.statusChanged(change)
  }

  #report(change: StatusChange): void {
    this.#reportWith(change, change.print_stats)
  }

  /** Reports a change with `stats`; undefined if those of the change have been taken. */
  #reportWith({ webhooks, [FRAME_MACRO]: macro }: StatusChange, stats?: StatusChange[string]): void {
    // Set before the pause, and reset after it: in one update with a change of the print, or in an update of its own.
    if (macro?.is_paused === true) this.#state.isFramePause = true
    if (webhooks?.state === 'shutdown') this.#state.lost('klippy_shutdown', stats)
    if (stats !== undefined) this.#state.change(stats)
    if (macro?.is_paused === false) this.#state.isFramePause = false
  }

  /** Klippy printed a line on its console. */
  responded(line: string): void {
    if (!this.#isKnown) return
    if (line === PRINTED) {
      if (!this.#allowance.take(1)) return
      // Earlier changes are not about what follows this print.
      if (this.#merged !== null) this.#report(this.#merged)
      this.#merged = null
    }
    if (this.#state.responded(line, this.#core.clock.monotonic())) void this.current()
  }

  async current(): Promise<void> {
    if (!this.#isKnown) return
    const { printer, clock, log } = this.#core
    try {
      const reply = Promise.resolve(printer.query(REQUEST))
      const { status } = await withTimeout(clock, TIMEOUT, reply, () => new Error('Klippy takes too long'))
      this.statusChanged(status)
    } catch (error) {
      log.debug(`the state of the print is not current: ${messageOf(error)}`)
    }
  }

  /** A short print that has ended must be seen before the next one replaces its figures. */
  async prepared(): Promise<void> {
    await this.current()
    this.#state.prepared()
  }

  /** Klippy has started to print a file. */
  requested(filename: string): void {
    this.#state.requested(filename)
    void this.current()
  }

  gone(): void {
    if (this.#merged !== null) this.#report(this.#merged)
    this.stop()
    this.#state.lost('klippy_disconnect')
  }

  stop(): void {
    this.#isKnown = false
    this.#merged = null
    this.#timer?.stop()
    this.#timer = null
  }
}

export default component({
  section: 'job_state',
  presence: 'always',
  options: {},
  provides: { watch: jobWatchService },
  create({ core, scope }) {
    const { events, printer, log } = core
    const follower = new PrintFollower(core, new JobState(events))
    const failed = (error: unknown) => {
      if (printer.link.connected) log.warning(`cannot follow prints: ${messageOf(error)}`)
    }
    scope.use(events.on('klippy:ready', () => follower.follow().catch(failed)))
    scope.use(events.on('klippy:disconnected', () => follower.gone()))
    scope.use(events.on('printer:print_requested', filename => follower.requested(filename)))
    scope.use(events.on('klippy:gcode_response', line => follower.responded(line)))
    const prepare = async (path: string) => {
      await follower.prepared()
      return path
    }
    scope.use(printer.preparePrints(prepare))
    scope.defer(() => {
      printer.unsubscribe(follower)
      follower.stop()
    })
    return { watch: { current: () => follower.current() } }
  },
})
