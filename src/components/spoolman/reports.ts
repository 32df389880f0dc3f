// Reports the use of spools to Spoolman. Its API adds what it receives, so a report must neither be lost nor repeated:
// each one is stored before it is sent, with the use that the spool had before. If no reply arrives, or the server is
// killed, the use of the spool shows later whether Spoolman received the report.
import type { Clock, Timer } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { singleFlight } from '../../core/single-flight.ts'
import type { MeterReading } from './filament-meter.ts'
import type { SpoolReply, SpoolServer } from './spool-server.ts'
import type { SentReport, UnreportedUse } from './unreported-use.ts'

/** What reports work with. */
export interface ReportParts {
  readonly use: UnreportedUse
  readonly server: SpoolServer
  readonly clock: Clock
  readonly log: Log
  /** Seconds from the first use to its report. */
  readonly period: number
  readonly isConnected: () => boolean
  readonly reading: () => MeterReading
  /** Spoolman does not have this spool. */
  readonly onUnknownSpool: (spoolId: number) => Promise<void>
}

export class Reports {
  readonly #parts: ReportParts
  /** The use of spools as Spoolman last returned it, mm. */
  readonly #usedLengths = new Map<number, number | null>()
  #timer: Timer | null = null
  #lastProblem = ''
  #isStopped = false

  /** Reports everything that Spoolman lacks, as far as it replies. Concurrent calls share one run. */
  readonly run = singleFlight(async () => {
    this.#timer?.stop()
    this.#timer = null
    await this.save()
    if (this.#parts.isConnected()) await this.#reportAll()
    if (!this.#parts.use.isEmpty) this.#schedule()
  })

  constructor(parts: ReportParts) {
    this.#parts = parts
  }

  /** Spoolman is connected: finds the spools that were deleted while it was not, then reports. */
  async connected(spoolIds: Iterable<number>): Promise<void> {
    for (const spoolId of spoolIds) {
      if (!(await this.#read(spoolId))) break
    }
    await this.run()
  }

  /** An extruder used filament of a spool. */
  used(spoolId: number, length: number): void {
    this.#parts.use.add(spoolId, length)
    this.#schedule()
  }

  /** The use of a spool, as Spoolman announces it. */
  announced(spoolId: number, usedLength: number | null): void {
    if (this.#usedLengths.has(spoolId)) this.#usedLengths.set(spoolId, usedLength)
  }

  /** The connection to Spoolman was lost: it announces no changes of spools. */
  forget(): void {
    this.#usedLengths.clear()
  }

  /** Stores what is not reported, and the reading of the meter. A full disk does not stop the reports. */
  async save(): Promise<void> {
    const { use, log, reading } = this.#parts
    try {
      await use.save(reading())
    } catch (error) {
      log.warning(`the filament use cannot be stored: ${messageOf(error)}`)
    }
  }

  /** Ends after the current request. What is not reported is stored. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.stop()
    await this.run()
    await this.save()
  }

  #schedule(): void {
    if (this.#isStopped || this.#timer !== null) return
    const { clock, period, log } = this.#parts
    this.#timer = clock.after(period, () => {
      // A run in progress shares this call, and plans the next one at its end.
      this.#timer = null
      this.run().catch((error: unknown) => log.error(`cannot report filament use: ${messageOf(error)}`))
    })
  }

  /** Without a reply the rest waits; a refusal concerns only its own spool. */
  async #reportAll(): Promise<void> {
    const { use } = this.#parts
    for (const sent of use.sent) if (!(await this.#settle(sent))) return
    for (const spoolId of use.spools) if (this.#isStopped || !(await this.#report(spoolId))) return
  }

  /** Finds out whether Spoolman received `sent`. Resolves with false without a reply. */
  async #settle({ spoolId, length, usedBefore }: SentReport): Promise<boolean> {
    const { use, server } = this.#parts
    const reply = await server.read(spoolId)
    if (reply.kind !== 'ok') return this.#failed(spoolId, reply)
    const { usedLength } = reply
    this.#usedLengths.set(spoolId, usedLength)
    // Without figures to compare, the amount is reported again: it must not be lost.
    if (usedBefore !== null && usedLength !== null && usedLength - usedBefore >= length / 2) {
      use.arrived(spoolId)
    } else use.failed(spoolId)
    await this.save()
    return true
  }

  /** Notes the present use of a spool. Resolves with false without a reply. */
  async #read(spoolId: number): Promise<boolean> {
    const reply = await this.#parts.server.read(spoolId)
    if (reply.kind !== 'ok') return this.#failed(spoolId, reply)
    this.#usedLengths.set(spoolId, reply.usedLength)
    return true
  }

  /** Reports the amount of a spool. Resolves with false without a reply. */
  async #report(spoolId: number): Promise<boolean> {
    const { use, server } = this.#parts
    if (!this.#usedLengths.has(spoolId)) {
      const hasReply = await this.#read(spoolId)
      if (!this.#usedLengths.has(spoolId)) return hasReply
    }
    const { length } = use.send(spoolId, this.#usedLengths.get(spoolId) ?? null)
    await this.save()
    const reply = await server.use(spoolId, length)
    if (reply.kind !== 'ok') {
      if (reply.kind === 'refused') use.failed(spoolId)
      return this.#failed(spoolId, reply)
    }
    this.#lastProblem = ''
    this.#usedLengths.set(spoolId, reply.usedLength)
    use.arrived(spoolId)
    await this.save()
    return true
  }

  /** Resolves with false without a reply. Only an unknown spool loses its amount; others are reported later. */
  async #failed(spoolId: number, reply: Exclude<SpoolReply, { kind: 'ok' }>): Promise<boolean> {
    const { log, use, onUnknownSpool } = this.#parts
    if (reply.kind === 'unknown spool') {
      log.warning(`Spoolman has no spool ${spoolId}: its use is not reported`)
      use.drop(spoolId)
      this.#usedLengths.delete(spoolId)
      await this.save()
      await onUnknownSpool(spoolId)
      return true
    }
    if (reply.reason !== this.#lastProblem && !this.#isStopped) {
      log.warning(`Spoolman does not answer for spool ${spoolId}, its use is reported later: ${reply.reason}`)
    }
    this.#lastProblem = reply.reason
    await this.save()
    return reply.kind === 'refused'
  }
}
