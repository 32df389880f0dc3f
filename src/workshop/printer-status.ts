// The state of one printer of this process, as the list of the workshop shows it: of Klippy and of the print.

import type { WorkshopPrinter } from '../api/workshop.ts'
import type { Core } from '../component/component.ts'
import type { Scope } from '../core/scope.ts'
import type { Follower } from '../klippy/subscriptions.ts'
import type { Infer } from '../schema/index.ts'

/** What the list shows of Klippy. */
export type Status = Pick<Infer<typeof WorkshopPrinter>, 'klippy_state' | 'print'>

/** What the list needs beyond the state of the print, which the server follows at all times. */
const REQUEST = { print_stats: ['state', 'filename'], virtual_sdcard: ['progress'] }

const STATE_EVENTS = ['klippy:ready', 'klippy:error', 'klippy:shutdown', 'klippy:disconnected'] as const

export class PrinterStatus {
  readonly #core: Core
  readonly #follower: Follower
  #isWatched = false

  /** `onChange` is called after changes while the status is watched. */
  constructor(core: Core, scope: Scope, onChange: () => void) {
    this.#core = core
    this.#follower = { statusChanged: onChange }
    for (const event of STATE_EVENTS) scope.use(core.events.on(event, onChange))
    scope.use(core.events.on('klippy:ready', () => this.#follow()))
    scope.defer(() => core.printer.unsubscribe(this.#follower))
  }

  /** Follows the progress of prints while clients follow the list. */
  watch(isWatched: boolean): void {
    if (isWatched === this.#isWatched) return
    this.#isWatched = isWatched
    if (isWatched) this.#follow()
    else this.#core.printer.unsubscribe(this.#follower)
  }

  #follow(): void {
    const { printer } = this.#core
    if (!this.#isWatched || printer.session.state !== 'ready') return
    // Klippy may have disconnected: it is followed again when it is ready.
    printer.subscribe(this.#follower, REQUEST).catch(() => undefined)
  }

  get now(): Status {
    const { session, lastStatus } = this.#core.printer
    const { state: klippy_state } = session
    const { print_stats: { state, filename } = {}, virtual_sdcard: { progress } = {} } = lastStatus
    const isKnown = klippy_state === 'ready' && typeof state === 'string' && state !== 'standby'
    if (!isKnown) return { klippy_state, print: null }
    return {
      klippy_state,
      print: {
        state,
        filename: typeof filename === 'string' ? filename : '',
        progress: typeof progress === 'number' ? Math.round(progress * 1000) / 1000 : 0,
      },
    }
  }
}
