// The status of Klipper's objects while a person looks at the printer.
import type { StatusChange } from '../../../api/printer.ts'
import type { Core } from '../../../component/component.ts'
import type { Timer } from '../../../core/clock.ts'
import {
  LIVE_SECONDS,
  type Live,
  MAX_WATCH_SECONDS,
  messageOf,
  subjects,
} from '../../../fleet/contract/index.ts'
import type { Session } from '../engine/session.ts'

/** Objects that people look at; those that Klipper does not have are left out. */
const OBJECTS =
  /^(print_stats|virtual_sdcard|display_status|toolhead|gcode_move|extruder\d*|heater_|temperature_|fan|webhooks|pause_resume|idle_timeout)/

type Changes = Record<string, Record<string, unknown>>

export class LiveStatus {
  readonly #core: Core
  readonly #subject: string
  readonly #boot: string
  #session: Session | null = null
  #end: Timer | null = null
  #timer: Timer | null = null
  #seq = 0
  /** What has changed since the last message. */
  #changed: Changes = {}

  constructor(core: Core, id: string, boot: string) {
    this.#core = core
    this.#subject = subjects.live(id)
    this.#boot = boot
  }

  use(session: Session | null): void {
    this.#session = session
    if (session === null) this.#stop()
  }

  /** Sends status for `seconds` from now on. Rejects with ApiError while Klippy is not ready. */
  async watch(seconds: number): Promise<void> {
    const { printer, clock } = this.#core
    const wasOn = this.#end !== null
    this.#end?.stop()
    this.#end = clock.after(Math.min(MAX_WATCH_SECONDS, seconds), () => this.#stop())
    const names = printer.session.objects.filter(name => OBJECTS.test(name))
    const request = Object.fromEntries(names.map(name => [name, null]))
    // Everything at first, and again for each person who opens the printer.
    const { status } = await printer.subscribe(this, request)
    this.#changed = structuredClone(status) as Changes
    if (!wasOn) this.#timer = clock.every(LIVE_SECONDS, () => this.#send())
  }

  statusChanged(change: StatusChange): void {
    for (const [name, fields] of Object.entries(change)) {
      this.#changed[name] = { ...this.#changed[name], ...fields }
    }
  }

  /** A message that is not sent yet is merged with the next one. */
  #send(): void {
    const session = this.#session
    if (session === null || session.isSlow || Object.keys(this.#changed).length === 0) return
    this.#seq += 1
    const live: Live = {
      boot: this.#boot,
      seq: this.#seq,
      t: Math.round(this.#core.clock.now() * 1000),
      status: this.#changed,
    }
    this.#changed = {}
    session.publish(this.#subject, messageOf(live))
  }

  #stop(): void {
    this.#end?.stop()
    this.#end = null
    this.#timer?.stop()
    this.#timer = null
    this.#changed = {}
    this.#core.printer.unsubscribe(this)
  }
}
