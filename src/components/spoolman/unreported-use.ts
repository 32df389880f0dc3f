// The use that Spoolman does not have yet, stored in the database: it survives a restart, a crash and a long outage.
import { isPlainObject } from '../../schema/index.ts'
import type { Storage } from '../../storage/index.ts'
import { type MeterReading, readingOf } from './filament-meter.ts'
import { NAMESPACE, RECORD } from './record.ts'

/** A report that was sent, and whose reply has not arrived. */
export interface SentReport {
  readonly spoolId: number
  /** Millimetres of filament. */
  readonly length: number
  /** The use of the spool before the report, mm; null if Spoolman does not return it. */
  readonly usedBefore: number | null
}

/** Amounts of filament in mm, by spool. They and the reading of the meter are stored in one step. */
export class UnreportedUse {
  readonly #namespaces: Storage['namespaces']
  readonly #amounts = new Map<number, number>()
  readonly #sent = new Map<number, SentReport>()

  constructor(namespaces: Storage['namespaces']) {
    this.#namespaces = namespaces
  }

  /** Reads what is stored; returns the reading of the meter that was stored with it. */
  load(): MeterReading | null {
    const stored = this.#namespaces.find(NAMESPACE, [RECORD, 'use'])
    if (!isPlainObject(stored)) return null
    if (isPlainObject(stored.amounts)) {
      for (const [spool, length] of Object.entries(stored.amounts)) {
        if (typeof length === 'number' && length > 0) this.#amounts.set(Number(spool), length)
      }
    }
    for (const sent of Array.isArray(stored.sent) ? stored.sent.map(sentOf) : []) {
      if (sent !== null) this.#sent.set(sent.spoolId, sent)
    }
    return readingOf(stored.reading)
  }

  /** Stores everything. Resolves once it is on the disk. */
  async save(reading: MeterReading): Promise<void> {
    const amounts = Object.fromEntries(this.#amounts)
    await this.#namespaces.post(NAMESPACE, [RECORD, 'use'], {
      amounts,
      sent: [...this.#sent.values()],
      reading,
    })
  }

  /** The reports without a reply, at most one for a spool. */
  get sent(): SentReport[] {
    return [...this.#sent.values()]
  }

  /** The spools with use to report; a spool whose last report has no reply is not among them. */
  get spools(): number[] {
    return [...this.#amounts.keys()].filter(spoolId => !this.#sent.has(spoolId))
  }

  /** Whether Spoolman lacks something. */
  get isEmpty(): boolean {
    return this.#amounts.size === 0 && this.#sent.size === 0
  }

  /** All of it, by spool. */
  list(): { readonly spool_id: number; readonly filament_used: number }[] {
    const all = new Map(this.#amounts)
    for (const { spoolId, length } of this.#sent.values()) {
      all.set(spoolId, length + (all.get(spoolId) ?? 0))
    }
    return [...all].map(([spool_id, filament_used]) => ({ spool_id, filament_used }))
  }

  add(spoolId: number, length: number): void {
    this.#amounts.set(spoolId, length + (this.#amounts.get(spoolId) ?? 0))
  }

  /** Moves the amount of a spool into a report. */
  send(spoolId: number, usedBefore: number | null): SentReport {
    const sent = { spoolId, length: this.#amounts.get(spoolId) ?? 0, usedBefore }
    this.#amounts.delete(spoolId)
    this.#sent.set(spoolId, sent)
    return sent
  }

  /** Spoolman has the report. */
  arrived(spoolId: number): void {
    this.#sent.delete(spoolId)
  }

  /** Spoolman does not have the report: its amount is reported again. */
  failed(spoolId: number): void {
    const sent = this.#sent.get(spoolId)
    this.#sent.delete(spoolId)
    if (sent !== undefined) this.add(spoolId, sent.length)
  }

  /** Spoolman does not have the spool. */
  drop(spoolId: number): void {
    this.#amounts.delete(spoolId)
    this.#sent.delete(spoolId)
  }
}

function sentOf(value: unknown): SentReport | null {
  if (!isPlainObject(value)) return null
  const { spoolId, length, usedBefore } = value
  if (typeof spoolId !== 'number' || typeof length !== 'number') return null
  return { spoolId, length, usedBefore: typeof usedBefore === 'number' ? usedBefore : null }
}
