// How a print ended: from the record of the history, or from what Klippy reports.
import type { PrintStats } from '../../../api/printer.ts'
import type { JobEnd, Outcome } from '../../../fleet/contract/index.ts'
import type { NewJob } from '../../../storage/index.ts'

/** The end of a job. */
export type Ended = Pick<JobEnd, 'outcome' | 'started' | 'why'> & Partial<JobEnd>

/** It is not known whether the print started, or how it ended: it counts as started. */
export const UNKNOWN_END: Ended = {
  outcome: 'failed',
  started: true,
  status: 'unknown',
  why: 'It is not known whether the print started or how it ended: look at the plate',
}

/** The statuses of the history that are an end. After the others Klipper may print on. */
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  completed: 'done',
  cancelled: 'cancelled',
  error: 'failed',
  klippy_shutdown: 'failed',
}

/** The end in a record of the history; null if the print may go on. */
export function endOfRecord(job: NewJob): Ended | null {
  const outcome = OUTCOMES[job.status]
  if (outcome === undefined) return null
  const reason = job.auxiliary_data.find(({ provider, name }) => provider === 'history' && name === 'reason')
  return {
    outcome,
    started: true,
    status: job.status,
    why: typeof reason?.value === 'string' ? reason.value : null,
    print_s: rounded(job.print_duration),
    filament_mm: rounded(job.filament_used),
  }
}

/** The end that Klippy reports of the file that it has loaded; null if it reports none. */
export function endOfStats(stats: PrintStats): Ended | null {
  const status = stats.state === 'complete' ? 'completed' : stats.state
  const outcome = OUTCOMES[status]
  if (outcome === undefined) return null
  return {
    outcome,
    started: true,
    status,
    why: stats.message === '' ? null : stats.message,
    print_s: rounded(stats.print_duration),
    filament_mm: rounded(stats.filament_used),
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
