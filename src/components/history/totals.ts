// The totals of all jobs, in memory and in the database.
import type { JobTotals, Total } from '../../storage/index.ts'
import { TOTAL_FIELDS } from '../../storage/index.ts'
import type { AuxiliaryFields } from './auxiliary-fields.ts'

/** The server's own totals, by their names in the API. */
export type OwnTotals = Record<(typeof TOTAL_FIELDS)[number], number>

/** What a job adds to the totals; a job that continues after it was counted adds the rest. Seconds and mm. */
export interface Contribution {
  readonly jobs: 0 | 1
  readonly time: number
  readonly printTime: number
  readonly filament: number
  /** Of the whole job. */
  readonly longestTime: number
  readonly longestPrint: number
}

/** The provider of the server's own totals. */
const OWN = 'history'

export class Totals {
  readonly #store: JobTotals
  readonly #fields: AuxiliaryFields
  #own: OwnTotals = zero()
  #auxiliary: Total[] = []

  constructor(store: JobTotals, fields: AuxiliaryFields) {
    this.#store = store
    this.#fields = fields
  }

  /** Reads the totals from the database. */
  load(): void {
    for (const { provider, field, maximum, total } of this.#store.list()) {
      if (provider !== OWN) this.#auxiliary.push({ provider, field, maximum, total })
      else if (isOwnField(field)) this.#own[field] = total ?? maximum ?? 0
    }
  }

  get own(): OwnTotals {
    return { ...this.#own }
  }

  /** The totals of the registered fields; totals of other fields stay in the database. */
  get auxiliary(): Total[] {
    const shown = this.#fields.zeroTotals()
    return shown.map(zeroTotal => this.#auxiliary.find(total => isSame(total, zeroTotal)) ?? zeroTotal)
  }

  /** Adds a job that has ended. Durable together with the other writes of the same tick. */
  add(job: Contribution): Promise<void> {
    const own = this.#own
    this.#own = {
      total_jobs: own.total_jobs + job.jobs,
      total_time: own.total_time + job.time,
      total_print_time: own.total_print_time + job.printTime,
      total_filament_used: own.total_filament_used + job.filament,
      longest_job: Math.max(own.longest_job, job.longestTime),
      longest_print: Math.max(own.longest_print, job.longestPrint),
    }
    const changed = this.#fields.addTo(this.#auxiliary)
    const others = this.#auxiliary.filter(total => !changed.some(each => isSame(each, total)))
    this.#auxiliary = [...others, ...changed]
    return this.#store.put([...ownRows(this.#own), ...changed])
  }

  /** Sets all totals to zero. */
  reset(): Promise<void> {
    this.#own = zero()
    this.#auxiliary = this.#fields.zeroTotals()
    return this.#store.reset([...ownRows(this.#own), ...this.#auxiliary])
  }
}

function zero(): OwnTotals {
  return Object.fromEntries(TOTAL_FIELDS.map(field => [field, 0])) as OwnTotals
}

function isOwnField(field: string): field is keyof OwnTotals {
  return (TOTAL_FIELDS as readonly string[]).includes(field)
}

function isSame(a: Total, b: Total): boolean {
  return a.provider === b.provider && a.field === b.field
}

function ownRows(totals: OwnTotals): Total[] {
  return TOTAL_FIELDS.map(field => {
    const isTotal = field.startsWith('total_')
    const value = totals[field]
    return { provider: OWN, field, maximum: isTotal ? null : value, total: isTotal ? value : null }
  })
}
