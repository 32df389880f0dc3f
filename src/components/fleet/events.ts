// Makes the events of a printer, and reports what happens to it apart from the jobs of the fleet.
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { type EventType, type FleetEvent, ulid } from '../../fleet/contract/index.ts'
import type { HeldJob } from './facts.ts'
import type { Outbox } from './outbox/outbox.ts'

/** Characters of a text in an event. */
const MAX_TEXT = 500
/** Errors of Klipper's console that are reported in a minute. */
const ERRORS_PER_MINUTE = 10
/** The power device that is the printer's own. */
const PRINTER_DEVICE = 'printer'

/** What an event is about: a job of the fleet, or the printer. */
export type Subject = Pick<HeldJob, 'job' | 'attempt' | 'fence'> | null

export class FleetEvents {
  readonly #core: Core
  readonly #outbox: Outbox
  readonly #boot: string
  #errors = 0
  #minute = Number.NEGATIVE_INFINITY

  constructor(core: Core, outbox: Outbox, boot: string) {
    this.#core = core
    this.#outbox = outbox
    this.#boot = boot
  }

  /** An event, not stored yet. */
  make(type: EventType, about: Subject, data: Readonly<Record<string, unknown>> = {}): FleetEvent {
    const t = Math.round(this.#core.clock.now() * 1000)
    const { job = null, attempt = null, fence = null } = about ?? {}
    return { id: ulid(t), t, boot: this.#boot, type, job, attempt, fence, data: { ...data } }
  }

  /** Stores an event that belongs to no other write. */
  report(type: EventType, about: Subject, data: Readonly<Record<string, unknown>> = {}): void {
    this.#outbox
      .add(this.make(type, about, data))
      .catch(error => this.#core.log.warning(`an event of the fleet was not stored: ${messageOf(error)}`))
  }

  /** Reports Klipper's states, errors, and the printer's power until `scope` is closed. */
  follow(scope: Scope): void {
    const { events, printer, clock } = this.#core
    const klippy = (state: string) => () => {
      const message = printer.session.info?.state_message?.slice(0, MAX_TEXT)
      this.report('klippy.state', null, { state, ...(state !== 'ready' && { message }) })
    }
    scope.use(events.on('klippy:ready', klippy('ready')))
    scope.use(events.on('klippy:error', klippy('error')))
    scope.use(events.on('klippy:shutdown', klippy('shutdown')))
    scope.use(events.on('klippy:disconnected', klippy('disconnected')))
    scope.use(
      events.on('power:changed', (device, status) => {
        if (device.toLowerCase() === PRINTER_DEVICE) this.report('printer.power', null, { status })
      }),
    )
    scope.use(events.on('klippy:gcode_response', line => this.#responded(line, clock.monotonic())))
  }

  #responded(line: string, now: number): void {
    if (!line.startsWith('!! ')) return
    if (now - this.#minute >= 60) {
      this.#minute = now
      this.#errors = 0
    }
    this.#errors += 1
    if (this.#errors > ERRORS_PER_MINUTE) return
    this.report('error', null, { message: line.slice(3, 3 + MAX_TEXT) })
  }
}
