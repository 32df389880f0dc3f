// What the slots of printers mean for jobs. Only what concerns the very attempt that a printer was offered is booked.
import { isAttemptOf, type JobStep, type Slot, type SlotEnd } from '../../contract/index.ts'
import type { JobBoard } from '../jobs/job-board.ts'

/** Tries of a step where others change the job at the same time; the next change or pass books what is left. */
const TRIES = 5

/** Whether a slot knows of this attempt of the job: as what it holds, or as what it last held. */
export function knowsOf(slot: Slot, job: string, attempt: number): boolean {
  return (
    (slot.job === job && slot.attempt === attempt) ||
    (slot.last?.job === job && slot.last.attempt === attempt)
  )
}

export class Bookings {
  readonly #board: JobBoard

  constructor(board: JobBoard) {
    this.#board = board
  }

  /** Books the slot of `printer`. Rejects with ApiError 503. */
  async book(printer: string, slot: Slot): Promise<void> {
    if (slot.last !== null) await this.#step(printer, slot.last.job, slot.last.attempt, stepOfEnd(slot.last))
    const step = stepOfState(slot)
    if (slot.job !== null && step !== null) await this.#step(printer, slot.job, slot.attempt, step)
  }

  async #step(printer: string, id: string, attempt: number, step: JobStep): Promise<void> {
    let job = this.#board.get(id) ?? (await this.#board.read(id))
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (job === null || !isAttemptOf(job.value, printer, attempt)) return
      if (isBooked(job.value.state, step)) return
      if ((await this.#board.step(job, step)) !== null) return
      const before = job.revision
      job = await this.#board.read(id)
      // The same revision again: the job is in a state without this step.
      if (job?.revision === before) return
    }
  }
}

function stepOfState({ state }: Slot): JobStep | null {
  if (state === 'accepted') return { do: 'accept' }
  return state === 'printing' ? { do: 'print' } : null
}

function stepOfEnd({ outcome, why }: SlotEnd): JobStep {
  switch (outcome) {
    case 'done':
    case 'failed':
    case 'cancelled':
      return { do: 'end', state: outcome, why }
    case 'abandoned':
      return { do: 'hold', why: why ?? 'abandoned' }
    default:
      return { do: 'requeue' }
  }
}

/** Whether the job is where the step leads already. */
function isBooked(state: string, step: JobStep): boolean {
  if (step.do === 'end') return state === step.state
  return (
    (step.do === 'accept' && state === 'accepted') ||
    (step.do === 'print' && state === 'printing') ||
    (step.do === 'hold' && state === 'held')
  )
}
