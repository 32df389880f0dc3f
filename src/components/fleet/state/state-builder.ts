// Builds the state of the printer from what Klippy last reported.

import type { StatusChange } from '../../../api/printer.ts'
import type { Core } from '../../../component/component.ts'
import { withTimeout } from '../../../core/clock.ts'
import { API_VERSION } from '../../../core/version.ts'
import type { PrinterState } from '../../../fleet/contract/index.ts'
import { isPrintActive } from '../../../klippy/printer.ts'
import type { Follower } from '../../../klippy/subscriptions.ts'
import type { TimedProgress } from '../../analysis/service.ts'
import type { PowerDevices } from '../../power/service.ts'
import type { HeldJob } from '../facts.ts'
import { type Machine, NO_MACHINE, readMachine } from './printer-facts.ts'

/** Seconds that Klippy has to answer; the last known values serve otherwise. */
const QUERY_SECONDS = 2
/** Characters of a text in the state. */
const MAX_TEXT = 200
/** The power device that is the printer's own. */
const PRINTER_DEVICE = 'printer'

/** What a state contains beyond Klippy's status. */
export interface OwnFacts {
  readonly boot: string
  readonly heartbeat: number
  readonly caps: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly epoch: () => string
  readonly plate: () => string
  readonly slotRevision: () => number
  readonly held: () => HeldJob | null
  readonly power: () => PowerDevices | null
  readonly progress: () => TimedProgress | null
}

export class StateBuilder {
  readonly #core: Core
  readonly #own: OwnFacts
  readonly #follower: Follower = {}
  #machine: Machine = NO_MACHINE
  #status: StatusChange = {}
  #eventtime: number | null = null
  #isFollowing = false
  #seq = 0

  constructor(core: Core, own: OwnFacts) {
    this.#core = core
    this.#own = own
  }

  /** Klippy is ready: reads what it is. Rejects with ApiError. */
  async ready(): Promise<void> {
    this.#isFollowing = false
    this.#machine = await readMachine(this.#core)
  }

  /** Klippy has disconnected. */
  gone(): void {
    this.#isFollowing = false
    this.#status = {}
    this.#eventtime = null
  }

  stop(): void {
    this.#core.printer.unsubscribe(this.#follower)
  }

  get isPrinting(): boolean {
    return isPrintActive(this.#status.print_stats?.state)
  }

  /** The state now, with the next sequence number. Never rejects. */
  async build(link: 'open' | 'closed' = 'open'): Promise<PrinterState> {
    await this.#refresh()
    const { printer, clock, host } = this.#core
    const { boot, heartbeat, caps, labels, ...own } = this.#own
    const { state, info } = printer.session
    this.#seq += 1
    return {
      boot,
      seq: this.#seq,
      t: Math.round(clock.now() * 1000),
      et: this.#eventtime,
      next_s: heartbeat,
      link,
      klippy: state,
      sw: host.version,
      api: API_VERSION.join('.'),
      caps: [...caps],
      epoch: own.epoch(),
      plate: own.plate(),
      slot_rev: own.slotRevision(),
      job: this.#job(),
      temp: this.#temperatures(),
      err: state === 'error' || state === 'shutdown' ? firstLine(info?.state_message) : null,
      off: state !== 'ready' && this.#isOff(),
      labels: { ...labels },
      nozzle: this.#machine.nozzle,
      size: this.#machine.size,
    }
  }

  /** While it prints, Klippy reports the fields to the mirror; otherwise they are queried when a state is due. */
  async #refresh(): Promise<void> {
    const { printer, clock } = this.#core
    if (printer.session.state !== 'ready') return
    const request = {
      print_stats: ['filename', 'state', 'print_duration', 'info'],
      virtual_sdcard: ['progress'],
      ...Object.fromEntries(this.#machine.heaters.map(name => [name, ['temperature', 'target']])),
    }
    try {
      const reply = await withTimeout(clock, QUERY_SECONDS, Promise.resolve(printer.query(request)), late)
      this.#status = reply.status
      this.#eventtime = reply.eventtime
    } catch {
      return
    }
    if (this.isPrinting === this.#isFollowing) return
    this.#isFollowing = this.isPrinting
    if (this.#isFollowing) await printer.subscribe(this.#follower, request).catch(() => {})
    else printer.unsubscribe(this.#follower)
  }

  #job(): PrinterState['job'] {
    const { print_stats: print, virtual_sdcard: card } = this.#status
    if (print === undefined || !isPrintActive(print.state)) return null
    const held = this.#own.held()
    const latest = this.#own.progress()?.latest
    const { current_layer, total_layer } = (print.info ?? {}) as Readonly<Record<string, unknown>>
    return {
      id: held?.phase === 'printing' || held?.phase === 'starting' ? held.job : null,
      file: (typeof print.filename === 'string' ? print.filename : '').slice(0, MAX_TEXT),
      state: String(print.state),
      progress: rounded(numberOf(latest?.progress) ?? numberOf(card?.progress) ?? 0, 3),
      print_s: whole(print.print_duration),
      left_s: whole(latest?.time_left),
      layer: whole(current_layer),
      layers: whole(total_layer),
    }
  }

  #temperatures(): PrinterState['temp'] {
    const known = this.#machine.heaters.flatMap(name => {
      const { temperature, target } = this.#status[name] ?? {}
      const values = [rounded(numberOf(temperature) ?? 0, 1), rounded(numberOf(target) ?? 0, 1)]
      return numberOf(temperature) === null ? [] : [[name, values] as const]
    })
    return Object.fromEntries(known) as PrinterState['temp']
  }

  #isOff(): boolean {
    const devices = this.#own.power()?.list() ?? []
    return devices.some(({ device, status }) => device.toLowerCase() === PRINTER_DEVICE && status === 'off')
  }
}

function late(): Error {
  return new Error('Klippy does not answer')
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function whole(value: unknown): number | null {
  const number = numberOf(value)
  return number === null ? null : Math.round(number)
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function firstLine(text = ''): string {
  return text.trim().split('\n', 1)[0]?.slice(0, MAX_TEXT) ?? ''
}
