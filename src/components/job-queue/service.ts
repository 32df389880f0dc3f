// The job queue, for other components.
import { service } from '../../component/service.ts'
import type { Registration } from '../../core/scope.ts'

/** The queue of files to print. */
export interface PrintQueue {
  /** Adds files of the gcodes root at the end. Rejects with ApiError 400 if one does not exist. */
  enqueue(filenames: readonly string[], user?: string | null): Promise<void>
  /** Whether there is a job in it, also one that is being started. */
  readonly hasJobs: boolean
  /** Whether a user confirmed that the plate is clear, and no print has started since. Survives a restart. */
  readonly plateClear: boolean
  /** Confirms that the plate is clear. Rejects with ApiError 400 while a job is in progress. */
  confirmPlate(): Promise<void>
  /** A print starts that is not of the queue: the plate counts as occupied from now on. Resolves when that is durable. */
  occupyPlate(): Promise<void>
  /** Calls `listener` after each change of the jobs, the state or the plate. */
  onChange(listener: () => void): Registration
}

/** The job queue. */
export const jobQueueService = service<PrintQueue>('job_queue')
