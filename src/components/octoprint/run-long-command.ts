// Commands that may take minutes, for clients that only expect them to start.
import type { Core } from '../../component/component.ts'
import { sleep } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'

/** Seconds that a client waits at most. */
const REPLY_TIME = 3

/** Rejects if `work` fails soon, and resolves when it is done or takes long; later failures are logged. */
export async function runLongCommand({ clock, log }: Core, work: () => Promise<void>): Promise<void> {
  const waiting = new AbortController()
  const done = work()
  done.catch(error => {
    if (waiting.signal.aborted) log.warning(`a command failed: ${messageOf(error)}`)
  })
  const late = sleep(clock, REPLY_TIME, waiting.signal).catch(() => {})
  try {
    await Promise.race([done, late])
  } finally {
    waiting.abort()
  }
}
