// The words for states of printers, prints and jobs, each with the tone in which it is shown.
import type { Reply } from './api.ts'

/** How a state is shown: the class of the element. `idle` is neutral. */
export type Tone = 'good' | 'wait' | 'bad' | 'busy' | 'idle'

/** A state in words. */
export interface Word {
  readonly text: string
  readonly tone: Tone
}

/** A state of Klippy, as in `server.info`. */
export type KlippyState = Reply<'server.info'>['klippy_state']

const KLIPPY: Readonly<Record<KlippyState, Word>> = {
  ready: { text: 'Ready', tone: 'good' },
  startup: { text: 'Klipper is starting', tone: 'wait' },
  error: { text: 'Klipper has a problem', tone: 'bad' },
  shutdown: { text: 'Klipper has shut down', tone: 'bad' },
  disconnected: { text: 'Klipper is not connected', tone: 'idle' },
}

const PRINTS: Readonly<Record<string, Word>> = {
  printing: { text: 'Printing', tone: 'busy' },
  paused: { text: 'Paused', tone: 'wait' },
  complete: { text: 'Print complete', tone: 'good' },
  cancelled: { text: 'Print cancelled', tone: 'idle' },
  error: { text: 'Print failed', tone: 'bad' },
}

const JOBS: Readonly<Record<string, Word>> = {
  in_progress: { text: 'Printing', tone: 'busy' },
  completed: { text: 'Completed', tone: 'good' },
  cancelled: { text: 'Cancelled', tone: 'idle' },
  error: { text: 'Failed', tone: 'bad' },
  klippy_shutdown: { text: 'Klipper shut down', tone: 'bad' },
  klippy_disconnect: { text: 'Connection lost', tone: 'bad' },
  server_exit: { text: 'Server stopped', tone: 'wait' },
  interrupted: { text: 'Interrupted', tone: 'bad' },
}

/** The state of a printer: that of its print, if Klippy is ready and there is one. `print` is `print_stats.state`. */
export function printerWord(klippy: KlippyState, print: unknown = null): Word {
  const found = typeof print === 'string' && Object.hasOwn(PRINTS, print) ? PRINTS[print] : undefined
  return klippy === 'ready' && found !== undefined ? found : KLIPPY[klippy]
}

/** How a job of the history ended; another server may have stored states of its own. */
export function jobWord(status: string): Word {
  const found = Object.hasOwn(JOBS, status) ? JOBS[status] : undefined
  return found ?? { text: status, tone: 'idle' }
}
