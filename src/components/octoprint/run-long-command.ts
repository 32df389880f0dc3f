// Commands that may take minutes, for clients that expect that they are only begun.
import type { Core } from '../../component/component.ts'
import { sleep } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'

/** Seconds that a client waits at most. */
const PATIENCE = 3

/** Rejects where `work` fails soon, and resolves when it is done or takes long; later failures are logged. */
export async function runLongCommand({ clock, log }: Core, work: () => Promise<void>): Promise<void> {
  const waiting = new AbortController()
  const done = work()
  done.catch(error => {
    if (waiting.signal.aborted) log.warning(`a command failed: ${messageOf(error)}`)
  })
  const impatience = sleep(clock, PATIENCE, waiting.signal).catch(() => {})
  try {
    await Promise.race([done, impatience])
  } finally {
    waiting.abort()
  }
}
