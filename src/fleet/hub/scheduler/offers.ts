// Offers of jobs to printers, and their withdrawal: each step is a compare-and-set, so that of two hubs one succeeds.
import { isAttemptOf, type JobFile, nextSlot, type Slot, type Stored } from '../../contract/index.ts'
import type { BoardJob, JobBoard } from '../jobs/job-board.ts'
import type { Bucket } from '../store/bucket.ts'
import { type Bookings, knowsOf } from './bookings.ts'

/** Milliseconds that a printer has to accept an offer. */
const OFFER_MILLISECONDS = 60_000

/** What offers need. */
export interface OfferParts {
  readonly board: JobBoard
  readonly slots: Bucket<Slot>
  readonly bookings: Bookings
  /** The id of the engine's data. */
  readonly epoch: () => string
  /** The address of a file, with a signature. */
  readonly fileUrl: (file: JobFile) => string
}

export class Offers {
  readonly #parts: OfferParts

  constructor(parts: OfferParts) {
    this.#parts = parts
  }

  /**
   * Offers a job to a printer; resolves with whether the printer has the offer. Rejects with ApiError 503: then `settle`
   * finds out later what has happened.
   */
  async offer(job: BoardJob, printer: string): Promise<boolean> {
    const { board, slots, epoch, fileUrl } = this.#parts
    // Read before the job is written, and not again: `settle` relies on it.
    const slot = await slots.read(printer)
    if (slot === null || slot.value.state !== 'free' || slot.value.epoch !== epoch()) return false
    if (!(await this.#isLastBooked(printer, slot))) return false
    const offered = await board.step(job, { do: 'offer', printer })
    if (offered === null) return false
    const { file, attempt } = offered.value
    const write = nextSlot(slot, {
      do: 'offer',
      offer: {
        job: job.id,
        attempt,
        file,
        url: fileUrl(file),
        until: Date.now() + OFFER_MILLISECONDS,
        epoch: epoch(),
      },
    })
    if (write !== null && (await slots.write(printer, write)) !== null) return true
    // Only this hub may offer this attempt, and it did not.
    await board.step(offered, { do: 'requeue' })
    return false
  }

  /** Whether the job that the slot held before is booked: the next offer removes what the slot knows of it. */
  async #isLastBooked(printer: string, { value: slot }: Stored<Slot>): Promise<boolean> {
    const { board, bookings } = this.#parts
    if (slot.last === null) return true
    const isOpen = (job: BoardJob | null) =>
      job !== null &&
      isAttemptOf(job.value, printer, slot.last?.attempt ?? 0) &&
      ['offered', 'accepted', 'printing'].includes(job.value.state)
    if (!isOpen(await board.read(slot.last.job))) return true
    await bookings.book(printer, slot)
    return false
  }

  /** Withdraws an offer that no printer has accepted, and queues the job again. Rejects with ApiError 503. */
  async withdraw(job: BoardJob): Promise<boolean> {
    const { board, slots } = this.#parts
    const { printer, attempt } = job.value
    const slot = printer === null ? null : await slots.read(printer)
    if (printer === null || slot === null || slot.value.job !== job.id || slot.value.attempt !== attempt)
      return false
    const write = nextSlot(slot, { do: 'withdraw' })
    if (write === null || (await slots.write(printer, write)) === null) return false
    return (await board.step(job, { do: 'requeue' })) !== null
  }

  /**
   * Settles a job that was offered, and that the slot of its printer does not know of. Writing the slot again makes each
   * offer fail that a hub may still be about to write: after that the job has no offer. Rejects with ApiError 503.
   */
  async settle(job: BoardJob, isReported: boolean): Promise<void> {
    const { board, slots, bookings } = this.#parts
    const { printer, attempt, state } = job.value
    if (printer === null) return
    const slot = await slots.read(printer)
    if (slot !== null) {
      if (knowsOf(slot.value, job.id, attempt)) return bookings.book(printer, slot.value)
      if ((await slots.write(printer, { value: slot.value, expected: slot.revision })) === null) return
    }
    const why = isReported
      ? 'its printer prints it, but the engine does not know'
      : 'its printer does not know of it'
    const isOpen = state === 'offered' && !isReported
    await board.step(job, isOpen ? { do: 'requeue' } : { do: 'hold', why })
  }

  /**
   * Moves the slot of an absent printer on, so that the printer can report the job only as an extra copy. Resolves with
   * false if the slot does not hold the job. Rejects with ApiError 503.
   */
  async abandon(job: BoardJob, why: string): Promise<boolean> {
    const { slots } = this.#parts
    const { printer, attempt } = job.value
    const slot = printer === null ? null : await slots.read(printer)
    if (printer === null || slot === null || slot.value.job !== job.id || slot.value.attempt !== attempt)
      return false
    const write = nextSlot(slot, { do: 'abandon', why })
    return write !== null && (await slots.write(printer, write)) !== null
  }
}
