// Which printer gets which job: the oldest of the highest priority first, to the printer that has waited longest.
import type { Clock } from '../../../core/clock.ts'
import type { Need } from '../../contract/index.ts'
import type { BoardJob, JobBoard } from '../jobs/job-board.ts'
import type { Directory, Member } from '../printers/directory.ts'
import { labelsOf, rowState } from '../printers/rows.ts'

/** Seconds for which a printer that refused an offer gets no other. */
const REFUSAL_SECONDS = 15
/** Different needs that one pass compares with the printers; the jobs of others wait for the next pass. */
const MAX_NEEDS = 200

/** A job, and the printer that it is offered to. */
export interface Match {
  readonly job: BoardJob
  readonly printer: Member
}

/** What the matching looks at. */
export interface MatchingParts {
  readonly board: JobBoard
  readonly directory: Directory
  readonly clock: Clock
  /** The id of the engine's data. */
  readonly epoch: () => string
}

export class Matching {
  readonly #parts: MatchingParts
  /** When each printer was last offered something, on the monotonic clock. */
  readonly #lastUsed = new Map<string, number>()
  /** The last refusal of each printer, and until when it gets no other offer. */
  readonly #refusals = new Map<string, { readonly mark: number; readonly until: number }>()
  /** The index of the need where the next pass starts. */
  #firstNeed = 0

  constructor(parts: MatchingParts) {
    this.#parts = parts
  }

  /** The printer was offered something. */
  used(id: string): void {
    this.#lastUsed.set(id, this.#parts.clock.monotonic())
  }

  /** The printer refused an offer, or did not answer it. `mark` is different for each refusal: one counts once. */
  refused(id: string, mark: number): void {
    if (this.#refusals.get(id)?.mark === mark) return
    this.#refusals.set(id, { mark, until: this.#parts.clock.monotonic() + REFUSAL_SECONDS })
  }

  /** The printer has left the fleet. */
  forget(id: string): void {
    this.#lastUsed.delete(id)
    this.#refusals.delete(id)
  }

  /** Pairs of queued jobs and printers that are free for them. */
  matches(): Match[] {
    const jobs = this.#queue()
    if (jobs.length === 0) return []
    const free = this.#freePrinters()
    const byNeed = new Map<string, Member[]>()
    const needs = [...new Set(jobs.map(({ value }) => JSON.stringify(value.need)))]
    this.#firstNeed = needs.length <= MAX_NEEDS ? 0 : (this.#firstNeed + MAX_NEEDS) % needs.length
    const considered = new Set([...needs, ...needs].slice(this.#firstNeed, this.#firstNeed + MAX_NEEDS))
    const taken = new Set<Member>()
    const matches: Match[] = []
    for (const job of jobs) {
      if (taken.size === free.length) break
      const need = JSON.stringify(job.value.need)
      if (!considered.has(need)) continue
      const fitting = byNeed.get(need) ?? free.filter(printer => fits(printer, job.value.need)).reverse()
      byNeed.set(need, fitting)
      let printer = fitting.pop()
      while (printer !== undefined && taken.has(printer)) printer = fitting.pop()
      if (printer === undefined) continue
      taken.add(printer)
      matches.push({ job, printer })
    }
    return matches
  }

  /** The jobs that may be offered now, in their order. */
  #queue(): BoardJob[] {
    const now = Date.now()
    return this.#parts.board
      .in('queued')
      .filter(({ value }) => value.not_before === null || value.not_before <= now)
      .sort((a, b) => b.value.priority - a.value.priority || (a.id < b.id ? -1 : 1))
  }

  /** The printers that take offers, the least recently used first. */
  #freePrinters(): Member[] {
    const { directory, clock } = this.#parts
    const now = clock.monotonic()
    const lastUsed = (id: string) => this.#lastUsed.get(id) ?? 0
    return directory
      .members()
      .filter(printer => this.#isFree(printer) && (this.#refusals.get(printer.id)?.until ?? 0) <= now)
      .sort((a, b) => lastUsed(a.id) - lastUsed(b.id))
  }

  #isFree(printer: Member): boolean {
    const { directory, epoch } = this.#parts
    const { record, state, slot } = printer
    return (
      slot !== null &&
      state !== null &&
      slot.value.state === 'free' &&
      slot.value.plate === 'clear' &&
      slot.value.epoch === epoch() &&
      !record.value.maintenance &&
      state.caps.includes('dispatch') &&
      rowState(directory, printer) === 'ready' &&
      state.job === null
    )
  }
}

/** Nozzles are equal when they differ by less than so many millimetres. */
const NOZZLE_STEP = 0.005

function fits(printer: Member, { labels, nozzle, min, printer: only }: Need): boolean {
  const { id, state } = printer
  if (only !== null && only !== id) return false
  if (nozzle !== null && !(Math.abs((state?.nozzle ?? Number.NaN) - nozzle) < NOZZLE_STEP)) return false
  if (min !== null && !min.every((size, axis) => (state?.size?.[axis] ?? 0) >= size)) return false
  const wanted = Object.entries(labels)
  if (wanted.length === 0) return true
  const own = labelsOf(printer)
  return wanted.every(([name, value]) => Object.hasOwn(own, name) && own[name] === value)
}
