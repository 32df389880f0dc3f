// The events of a print that notifiers can send, each with the print's state before and after it.
import type { PrintStats, StatusChange } from '../../api/printer.ts'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'

/** The fields of print_stats, as templates use them. */
export type Stats = Readonly<Record<string, unknown>>

/** Receives the name of an event, and the stats before and after it. */
export type OnPrintEvent = (name: string, args: readonly [previous: Stats, now: Stats]) => void

/** Events of jobs by the names that notifiers have for them. */
const EVENTS = {
  'job:started': 'started',
  'job:paused': 'paused',
  'job:resumed': 'resumed',
  'job:completed': 'complete',
  'job:error': 'error',
  'job:cancelled': 'cancelled',
} as const

export class PrintEvents {
  readonly #core: Core
  readonly #onEvent: OnPrintEvent
  /** All fields of print_stats, those that job events do not carry among them. */
  #fields: Stats = {}
  #last: Stats = {}

  constructor(core: Core, scope: Scope, onEvent: OnPrintEvent) {
    this.#core = core
    this.#onEvent = onEvent
    const { events, printer, log } = core
    scope.use(
      events.on('klippy:ready', () =>
        this.#follow().catch(error => {
          if (printer.link.connected) log.warning(`cannot follow the print: ${messageOf(error)}`)
        }),
      ),
    )
    scope.defer(() => printer.unsubscribe(this))
    for (const [event, name] of Object.entries(EVENTS)) {
      scope.use(
        events.on(event as keyof typeof EVENTS, (stats: PrintStats, ..._rest) => this.#emit(name, stats)),
      )
    }
  }

  /** The fields of print_stats now. Rejects with ApiError without Klippy. */
  async now(): Promise<Stats> {
    const { status } = await this.#core.printer.query({ print_stats: null })
    return status.print_stats ?? {}
  }

  statusChanged({ print_stats }: StatusChange): void {
    this.#fields = { ...this.#fields, ...print_stats }
  }

  async #follow(): Promise<void> {
    const { status } = await this.#core.printer.subscribe(this, { print_stats: null })
    this.#fields = status.print_stats ?? {}
    this.#last = this.#fields
  }

  #emit(name: string, stats: PrintStats): void {
    const now = { ...this.#fields, ...stats }
    this.#onEvent(name, [this.#last, now])
    this.#last = now
  }
}
