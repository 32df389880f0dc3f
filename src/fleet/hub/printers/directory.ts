// All printers of the fleet in memory: who joined, the newest state and slot of each, and whether it is there.
import type { Clock } from '../../../core/clock.ts'
import {
  isNewer,
  PRINTER_ID,
  type Presence,
  type PrinterRecord,
  type PrinterState,
  presenceOf,
  type Reading,
  type Slot,
  type Stored,
} from '../../contract/index.ts'
import type { Change } from '../store/feed.ts'

/** What the hub knows of one printer. */
export interface Printer {
  readonly id: string
  /** Null for one that has not joined, or was removed. */
  record: Stored<PrinterRecord> | null
  state: PrinterState | null
  /** When the state was stored: seconds on the hub's monotonic clock. */
  receivedAt: number
  slot: Stored<Slot> | null
  /** It wrote something of a newer major version: nothing is offered to it. */
  needsNewerHub: boolean
}

/** A printer that has joined. */
export type Member = Printer & { record: Stored<PrinterRecord> }

/** What changed of a printer. */
export type Aspect = 'record' | 'state' | 'slot'

type Listener = (printer: Printer, aspect: Aspect) => void

export class Directory {
  readonly #clock: Clock
  readonly #printers = new Map<string, Printer>()
  readonly #listeners = new Set<Listener>()
  /** Of each aspect, the printers that have not come again since its feed started again. */
  readonly #unseen = new Map<Aspect, Set<string>>()
  /** The members by name; null after a change. */
  #sorted: readonly Member[] | null = null
  /** States that were received, for the metrics. */
  stateMessages = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `listener` after each change. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** A printer that has joined. */
  get(id: string): Member | undefined {
    const printer = this.#printers.get(id)
    return printer !== undefined && isMember(printer) ? printer : undefined
  }

  /** All printers that have joined, by name. */
  members(): readonly Member[] {
    this.#sorted ??= [...this.#printers.values()]
      .filter(isMember)
      .sort((a, b) => compare(a.record.value.name, b.record.value.name) || compare(a.id, b.id))
    return this.#sorted
  }

  /** Whether the printer is there, by the age of its newest state. */
  presence({ state, receivedAt }: Printer): Presence {
    return state === null ? 'offline' : presenceOf(state, this.#clock.monotonic() - receivedAt)
  }

  /** A write of this hub, before its feed reports it. */
  noteRecord(id: string, record: Stored<PrinterRecord>): void {
    this.#setRecord(this.#printer(id), record)
  }

  /** The feed of an aspect starts again. */
  started(aspect: Aspect): void {
    this.#unseen.set(aspect, new Set(this.#printers.keys()))
  }

  /** The feed of an aspect has reported all present values. States in memory are gone when the engine starts again. */
  loaded(aspect: Aspect): void {
    if (aspect !== 'state') {
      for (const id of this.#unseen.get(aspect) ?? []) this.#remove(this.#printer(id), aspect)
    }
    this.#unseen.delete(aspect)
  }

  recordChanged({ key, revision, reading }: Change<PrinterRecord>): void {
    const printer = this.#touch(key, 'record')
    if (printer === null || (printer.record !== null && revision < printer.record.revision)) return
    if (reading === null) this.#remove(printer, 'record')
    else if (reading.kind === 'message') this.#setRecord(printer, { value: reading.value, revision })
  }

  slotChanged({ key, revision, reading }: Change<Slot>): void {
    const printer = this.#touch(key, 'slot')
    if (printer === null || (printer.slot !== null && revision < printer.slot.revision)) return
    if (reading === null) this.#remove(printer, 'slot')
    else {
      this.#noteVersion(printer, reading)
      printer.slot = reading.kind === 'message' ? { value: reading.value, revision } : null
      this.#emit(printer, 'slot')
    }
  }

  stateChanged({ key, at, reading }: Change<PrinterState>): void {
    const printer = this.#touch(key, 'state')
    if (printer === null || reading === null) return
    this.stateMessages += 1
    this.#noteVersion(printer, reading)
    if (reading.kind === 'message') {
      if (!isNewer(printer.state, reading.value)) return
      printer.state = reading.value
      // Of a state that was stored before the hub started, its age counts.
      printer.receivedAt = this.#clock.monotonic() - Math.max(0, this.#clock.now() - at / 1000)
    } else if (reading.kind === 'newer') printer.state = null
    this.#emit(printer, 'state')
  }

  #noteVersion(printer: Printer, reading: Reading<unknown>): void {
    if (reading.kind === 'newer') printer.needsNewerHub = true
    else if (reading.kind === 'message') printer.needsNewerHub = false
  }

  #setRecord(printer: Printer, record: Stored<PrinterRecord>): void {
    printer.record = record
    this.#sorted = null
    this.#emit(printer, 'record')
  }

  #remove(printer: Printer, aspect: Aspect): void {
    if (aspect === 'record') {
      printer.record = null
      this.#sorted = null
    }
    if (aspect === 'slot') printer.slot = null
    this.#emit(printer, aspect)
    if (printer.record === null && printer.slot === null && printer.state === null)
      this.#printers.delete(printer.id)
  }

  #touch(id: string, aspect: Aspect): Printer | null {
    if (!PRINTER_ID.test(id)) return null
    this.#unseen.get(aspect)?.delete(id)
    return this.#printer(id)
  }

  #printer(id: string): Printer {
    const known = this.#printers.get(id)
    if (known !== undefined) return known
    const printer: Printer = {
      id,
      record: null,
      state: null,
      receivedAt: 0,
      slot: null,
      needsNewerHub: false,
    }
    this.#printers.set(id, printer)
    return printer
  }

  #emit(printer: Printer, aspect: Aspect): void {
    for (const listener of this.#listeners) listener(printer, aspect)
  }
}

function isMember(printer: Printer): printer is Member {
  return printer.record !== null
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
