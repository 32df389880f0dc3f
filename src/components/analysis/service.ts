// The progress of the print by time, and what of a file does not fit the printer, for other components.
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

/** The checks of print files. */
export interface PrintWarnings {
  /**
   * What of a file of the gcodes root does not fit the printer. A file without an analysis is analysed first; null if that
   * takes more than 30 seconds, or fails. Never rejects.
   */
  warningsOf(path: string): Promise<readonly string[] | null>
}

export const printWarningsService = service<PrintWarnings>('print_warnings')

export const progressService = service<TimedProgress>('print_progress')
