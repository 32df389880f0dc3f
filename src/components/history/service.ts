// Auxiliary fields of jobs, for other components: energy used, spools, …
import { service } from '../../component/service.ts'
import type { Registration } from '../../core/scope.ts'
import type { AuxiliaryField, NewJob } from '../../storage/index.ts'

/** A value that a component measures while a job runs, and the history records. */
export interface AuxiliarySource {
  /** The component and its part, as `sensor energy`; not `history`, which is the history's own. */
  readonly provider: string
  readonly name: string
  readonly description: string
  readonly units: string | null
  /** Whether the totals include the sum of the numbers of all jobs, and their maximum. */
  readonly total?: boolean
  readonly maximum?: boolean
  /** Decimals that a number is rounded to. */
  readonly precision?: number
  /** A job starts: the value of the last job is no longer needed. */
  reset(): void
  /** The value of the present job. */
  value(): unknown
}

/** The auxiliary fields that the history records with each job. */
export interface JobFields {
  /** Adds a source. Throws Error if its provider has a field of that name. */
  add(source: AuxiliarySource): Registration
  /**
   * Adds a field to a job of the history, or replaces it, for a value that is known only after the job. `jobId` is the
   * id in the API; an unknown id is ignored.
   */
  record(jobId: string, field: AuxiliaryField): Promise<void>
}

/** The auxiliary fields of jobs. */
export const jobFieldsService = service<JobFields>('job_fields')

/** A job whose record is being written. `id` is null for a new one, which has no number yet. */
export interface JobWrite {
  readonly id: number | null
  readonly job: NewJob
}

/** The writes of job records. */
export interface JobRecords {
  /**
   * Calls `listener` in the tick in which the start or the end of a job is written: what it writes itself then is in the
   * same transaction.
   */
  onWrite(listener: (write: JobWrite) => void): Registration
}

/** The writes of job records, for what must be stored together with them. */
export const jobRecordsService = service<JobRecords>('job_records')
