// [job_state]: follows the print and emits events about jobs.

import type { StatusChange } from '../../api/printer.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { JobState } from './job-state.ts'

/** The macro that pauses a print for a frame of a time-lapse. */
const FRAME_MACRO = 'gcode_macro TIMELAPSE_TAKE_FRAME'

/** With Klippy's state, so that a shutdown is known before its effect on the print. */
const REQUEST = { print_stats: null, webhooks: ['state'], [FRAME_MACRO]: ['is_paused'] }

class PrintFollower {
  readonly #core: Core
  readonly #state: JobState
  /** False until the reply to the subscription: earlier changes belong to other subscriptions. */
  #isKnown = false

  constructor(core: Core, state: JobState) {
    this.#core = core
    this.#state = state
  }

  async follow(): Promise<void> {
    this.#isKnown = false
    const { status } = await this.#core.printer.subscribe(this, REQUEST)
    this.#isKnown = true
    this.#state.isFramePause = status[FRAME_MACRO]?.is_paused === true
    this.#state.start(status.print_stats ?? {})
    if (status.webhooks?.state === 'shutdown') this.#state.lost('klippy_shutdown')
  }

  statusChanged({ print_stats, webhooks, [FRAME_MACRO]: macro }: StatusChange): void {
    if (!this.#isKnown) return
    // Set before the pause, and reset after it: in one update with a change of the print, or in an update of its own.
    if (macro?.is_paused === true) this.#state.isFramePause = true
    if (webhooks?.state === 'shutdown') this.#state.lost('klippy_shutdown', print_stats)
    if (print_stats !== undefined) this.#state.change(print_stats)
    if (macro?.is_paused === false) this.#state.isFramePause = false
  }

  gone(): void {
    this.#isKnown = false
    this.#state.lost('klippy_disconnect')
  }
}

export default component({
  section: 'job_state',
  presence: 'always',
  options: {},
  create({ core, scope }): Component {
    const { events, printer, log } = core
    const follower = new PrintFollower(core, new JobState(events))
    const failed = (error: unknown) => {
      if (printer.link.connected) log.warning(`cannot follow prints: ${messageOf(error)}`)
    }
    scope.use(events.on('klippy:ready', () => follower.follow().catch(failed)))
    scope.use(events.on('klippy:disconnected', () => follower.gone()))
    scope.defer(() => printer.unsubscribe(follower))
    return {}
  },
})
