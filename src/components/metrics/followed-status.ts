// The printer's status for scrapes: followed from the first one until some time after the last, and only read by them.
import type { Clock, Timer } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Printer } from '../../klippy/printer.ts'
import type { Follower } from '../../klippy/subscriptions.ts'
import { type Exposition, type Family, labelText } from './exposition.ts'
import { PrinterFamilies } from './printer-families.ts'

/** Seconds that a scrape waits for the values of the subscription that it has started. */
const FIRST_VALUES = 1

const CONNECTED: Family = {
  name: 'klipper_klippy_connected',
  type: 'gauge',
  help: '1 while Klippy is connected',
}
const STATE: Family = { name: 'klipper_klippy_state_info', type: 'gauge', help: 'State of Klippy' }

/** What the status is followed with. */
interface Parts {
  readonly printer: Printer
  readonly clock: Clock
  readonly log: Log
  /** Seconds after the last scrape, until which the status is followed. */
  readonly hold: number
}

export class FollowedStatus {
  readonly #parts: Parts
  readonly #follower: Follower = {}
  #families: PrinterFamilies | null = null
  #subscribed: Promise<unknown> = Promise.resolve()
  #end: Timer | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Writes the state of Klippy and the metrics of the printer; none of these unless Klippy is connected and its objects are known. */
  async write(out: Exposition): Promise<void> {
    const { printer, clock, hold } = this.#parts
    this.#end?.stop()
    this.#end = clock.after(hold, () => this.stop())
    const { link, session } = printer
    out.add(CONNECTED, [{ value: Number(link.connected) }])
    out.add(STATE, [{ value: 1, labels: labelText({ state: session.state }) }])
    if (session.objects.length === 0) return
    if (this.#families === null) this.#follow()
    await this.#subscribed
    // Klippy may have disconnected meanwhile.
    const families = this.#families as PrinterFamilies | null
    families?.write(printer.lastStatus, out)
  }

  #follow(): void {
    const { printer, clock, log } = this.#parts
    const families = new PrinterFamilies(printer.session.objects)
    this.#families = families
    const replied = printer.subscribe(this.#follower, families.request).catch(error => {
      log.warning(`Klippy refuses the subscription for the metrics: ${messageOf(error)}`)
      if (this.#families === families) this.#families = null
    })
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = clock.after(FIRST_VALUES, resolve)
    this.#subscribed = Promise.race([replied, late]).finally(() => timer.stop())
  }

  /** Klippy has disconnected: it has forgotten the subscription. */
  reset(): void {
    this.#families = null
  }

  /** Ends the subscription. */
  stop(): void {
    this.#end?.stop()
    this.#end = null
    this.reset()
    this.#parts.printer.unsubscribe(this.#follower)
  }
}
