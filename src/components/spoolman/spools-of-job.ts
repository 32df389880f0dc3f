// The field `spool_ids` of each job in the history: the spools that were active or used during the job.
import type { AuxiliarySource } from '../history/service.ts'
import type { ActiveSpools, SpoolId } from './active-spools.ts'

/** The newest spools that a job records. */
const MAX_SPOOLS = 100

export class SpoolsOfJob implements AuxiliarySource {
  readonly provider = 'spoolman'
  readonly name = 'spool_ids'
  readonly description = 'Spool IDs used'
  readonly units = null
  readonly #spools: ActiveSpools
  #ids: SpoolId[] = []

  constructor(spools: ActiveSpools) {
    this.#spools = spools
  }

  /** A job starts, with the spool that is active. */
  reset(): void {
    const { active } = this.#spools
    this.#ids = active === null ? [] : [active]
  }

  /** The spools; null among them if there was none for a time. */
  value(): readonly SpoolId[] {
    return [...this.#ids]
  }

  /** A spool became active or was used. */
  add(spoolId: SpoolId): void {
    if (!this.#ids.includes(spoolId)) this.#ids = [...this.#ids, spoolId].slice(-MAX_SPOOLS)
  }
}
