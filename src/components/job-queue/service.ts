// The job queue, for other components.
import { service } from '../../component/service.ts'

/** The queue of files to print. */
export interface PrintQueue {
  /** Adds files of the gcodes root at the end. Rejects with ApiError 400 if one does not exist. */
  enqueue(filenames: readonly string[], user?: string | null): Promise<void>
}

/** The job queue. */
export const jobQueueService = service<PrintQueue>('job_queue')
