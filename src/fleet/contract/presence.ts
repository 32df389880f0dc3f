// Whether a printer is there: from the age of its newest state.
import type { PrinterState } from './state.ts'

/** Seconds that a state may be late before it counts as late. */
const GRACE = 10
/** After how many times `next_s` a printer counts as offline. */
const OFFLINE_FACTOR = 2.5

/** `closed` after a clean stop of its server. */
export type Presence = 'online' | 'late' | 'offline' | 'closed'

/** `age`: the seconds since the reader received the state. The clocks of printers are not compared. */
export function presenceOf(
  { link, next_s: next }: Pick<PrinterState, 'link' | 'next_s'>,
  age: number,
): Presence {
  if (link === 'closed') return 'closed'
  if (age > Math.max(OFFLINE_FACTOR * next, next + 2 * GRACE)) return 'offline'
  return age > next + GRACE ? 'late' : 'online'
}
