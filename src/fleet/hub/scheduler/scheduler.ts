// The scheduler: offers queued jobs to free printers, books what printers report, and settles what was left open.
import type { Clock, Timer } from '../../../core/clock.ts'
import { forEachConcurrently } from '../../../core/concurrency-limit.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Slot } from '../../contract/index.ts'
import type { BoardJob, JobBoard } from '../jobs/job-board.ts'
import type { Directory } from '../printers/directory.ts'
import { type Bookings, knowsOf } from './bookings.ts'
import type { Leadership } from './lease.ts'
import type { Matching } from './matching.ts'
import type { Offers } from './offers.ts'

/** Seconds between passes in which nothing has changed: offers and silences end by time. */
const PASS_SECONDS = 1
/** Seconds after a change until the next pass, which then has all changes of that time. */
const SOON_SECONDS = 0.05
/** Steps that wait for the engine at the same time. */
const PARALLEL = 32
/** Milliseconds after which a job counts as left open by a hub that ended. */
const OPEN_MILLISECONDS = 10_000
/** Seconds between deletions of old jobs. */
const PURGE_SECONDS = 600
/** Offers after which a job that was never printed is held: no printer wants it. */
const MAX_ATTEMPTS = 50

/** What the scheduler needs. */
export interface SchedulerParts {
  readonly board: JobBoard
  readonly directory: Directory
  readonly offers: Offers
  readonly bookings: Bookings
  readonly matching: Matching
  readonly lease: Leadership
  /** Whether all buckets are read, so that nothing is decided on half of the facts. */
  readonly ready: () => boolean
  /** Seconds without a state of its printer, after which a job is held for a person to look at. */
  readonly lostAfter: number
  readonly clock: Clock
  readonly log: Log
}

export class Scheduler {
  readonly #parts: SchedulerParts
  readonly #timers: Timer[] = []
  /** Printers whose slots have changed since the last pass. */
  readonly #changed = new Set<string>()
  #soon: Timer | null = null
  #passing = false
  #again = false
  #stopped = false
  #wasLeading = false

  constructor(parts: SchedulerParts) {
    this.#parts = parts
  }

  /** Starts to schedule whenever this hub has the lease. */
  start(): void {
    const { board, directory, matching, clock } = this.#parts
    board.onChange(({ value }) => {
      if (value.state === 'queued') this.#passSoon()
    })
    directory.onChange((printer, aspect) => {
      if (aspect === 'record' && printer.record === null) matching.forget(printer.id)
      if (aspect !== 'slot') return
      this.#changed.add(printer.id)
      this.#passSoon()
    })
    this.#timers.push(
      clock.every(PASS_SECONDS, () => void this.#pass()),
      clock.every(PURGE_SECONDS, () => void this.#purge()),
    )
  }

  #passSoon(): void {
    this.#soon ??= this.#parts.clock.after(SOON_SECONDS, () => {
      this.#soon = null
      void this.#pass()
    })
  }

  /** One pass; a second one that is due meanwhile comes after it. */
  async #pass(): Promise<void> {
    const { lease, ready, log } = this.#parts
    if (this.#stopped) return
    if (!lease.held || !ready()) {
      this.#wasLeading = false
      this.#changed.clear()
      return
    }
    if (this.#passing) {
      this.#again = true
      return
    }
    this.#passing = true
    try {
      if (!this.#wasLeading) this.#changeAll()
      this.#wasLeading = true
      await this.#bookChanges()
      await this.#tend()
      await this.#offer()
    } catch (error) {
      log.warning(`the scheduler tries again: ${messageOf(error)}`)
    } finally {
      this.#passing = false
      if (this.#again) this.#passSoon()
      this.#again = false
    }
  }

  /** The hub has got the lease: what happened before is booked too. */
  #changeAll(): void {
    for (const { id } of this.#parts.directory.members()) this.#changed.add(id)
  }

  async #bookChanges(): Promise<void> {
    const { directory, bookings, matching } = this.#parts
    const changed = [...this.#changed]
    this.#changed.clear()
    await forEachConcurrently(changed, PARALLEL, async id => {
      const slot = directory.get(id)?.slot?.value
      if (slot == null) return
      try {
        await bookings.book(id, slot)
        const fence = refusedFence(slot)
        if (fence !== null) matching.refused(id, fence)
      } catch (error) {
        this.#changed.add(id)
        throw error
      }
    })
  }

  /** Jobs whose offer has run out, whose printer is gone, or that a hub left open when it ended. */
  async #tend(): Promise<void> {
    const { board, offers, bookings } = this.#parts
    const open = (['offered', 'accepted', 'printing'] as const).flatMap(state => board.in(state))
    await forEachConcurrently(open, PARALLEL, async job => {
      const { printer, state, attempt, changed, cancelling } = job.value
      const known = printer === null ? undefined : this.#parts.directory.get(printer)
      if (known === undefined) return this.#holdLeft(job)
      const slot = known.slot?.value
      if (slot !== undefined && slot.job === job.id && slot.attempt === attempt) {
        const hasEnded = slot.state === 'offered' && (cancelling || (slot.until ?? 0) <= Date.now())
        if (hasEnded) await this.#withdraw(job, slot.until ?? 0)
        else if (state !== 'offered') await this.#holdLost(job)
      } else if (Date.now() - changed > OPEN_MILLISECONDS) {
        const isKnown = slot !== undefined && knowsOf(slot, job.id, attempt)
        if (!isKnown) await offers.settle(job, known.state?.job?.id === job.id)
        else if (printer !== null) await bookings.book(printer, slot)
      }
    })
  }

  /** A printer that has not answered in time gets no other offer for a while. */
  async #withdraw(job: BoardJob, until: number): Promise<void> {
    const { offers, matching } = this.#parts
    const { printer, cancelling } = job.value
    if (!cancelling && printer !== null) matching.refused(printer, until)
    await offers.withdraw(job)
  }

  /** The printer of the job has left the fleet. */
  async #holdLeft(job: BoardJob): Promise<void> {
    const { offers, board } = this.#parts
    if (job.value.state === 'offered' && (await offers.withdraw(job))) return
    await board.step(job, { do: 'hold', why: 'its printer has left the fleet' })
  }

  async #holdLost(job: BoardJob): Promise<void> {
    const { directory, board, clock, lostAfter } = this.#parts
    const printer = directory.get(job.value.printer ?? '')
    if (printer === undefined || printer.state === null) return
    if (clock.monotonic() - printer.receivedAt < lostAfter) return
    await board.step(job, { do: 'hold', why: 'its printer has not been there for a long time' })
  }

  async #offer(): Promise<void> {
    const { matching, offers, board } = this.#parts
    const queued = board.in('queued').filter(({ value }) => value.attempt >= MAX_ATTEMPTS)
    for (const job of queued) {
      await board.step(job, { do: 'hold', why: `it was offered ${MAX_ATTEMPTS} times and never printed` })
    }
    await forEachConcurrently(matching.matches(), PARALLEL, async ({ job, printer }) => {
      if (this.#stopped) return
      matching.used(printer.id)
      await offers.offer(job, printer.id)
    })
  }

  async #purge(): Promise<void> {
    const { lease, board, log } = this.#parts
    if (!lease.held) return
    await board.purge().catch(error => log.debug(`old jobs remain: ${messageOf(error)}`))
  }

  stop(): void {
    this.#stopped = true
    this.#soon?.stop()
    for (const timer of this.#timers) timer.stop()
  }
}

/** The fence of the last offer, if nothing was printed for it. */
function refusedFence({ job, last }: Slot): number | null {
  if (job !== null || last === null) return null
  return ['refused', 'not_started'].includes(last.outcome) ? last.fence : null
}
