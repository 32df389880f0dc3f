// The progress of the print by time, for other components.
import { service } from '../../component/service.ts'

/** The print that runs. */
export interface TimedProgress {
  /** The latest measurement; `source` is `analysis` where the planned times of the moves are known. */
  readonly latest: {
    readonly source: 'analysis' | 'slicer' | 'file' | null
    /** 0 to 1 */
    readonly progress: number | null
    /** Seconds */
    readonly time_left: number | null
  }
}

export const progressService = service<TimedProgress>('print_progress')
