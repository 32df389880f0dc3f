// The counts of the whole fleet.
import type { FleetSummary } from '../../../api/fleet.ts'
import type { Store } from '../store/store.ts'
import { countStates } from './rows.ts'

/** How many printers and jobs are in each state. */
export function summaryOf({ directory, board }: Pick<Store, 'directory' | 'board'>): FleetSummary {
  return {
    printers: countStates(directory),
    jobs: board.counts(),
    total: directory.members().length,
  }
}
