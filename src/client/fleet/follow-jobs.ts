// Follows jobs of a fleet until all have ended.
import type { FleetJob } from '../../api/fleet.ts'
import { CallError, ConnectionLost } from '../errors.ts'

/** Seconds between two requests. */
const INTERVAL = 2
/** States that a job does not leave by itself or by a person. */
const ENDS: readonly FleetJob['state'][] = ['done', 'failed', 'cancelled']

/** How jobs are followed. */
export interface JobFollowing {
  /** Seconds between two requests; 2 by default. */
  readonly interval?: number
  /** Ends it; the generator then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Yields the jobs that `list` gives, now and after each change, until all have ended. */
export async function* followJobs(
  list: () => AsyncIterable<FleetJob>,
  { interval = INTERVAL, signal }: JobFollowing,
): AsyncGenerator<readonly FleetJob[], void> {
  let seen = ''
  for (;;) {
    const jobs = await listed(list)
    signal?.throwIfAborted()
    const text = JSON.stringify(jobs)
    if (jobs !== null && text !== seen) {
      seen = text
      yield jobs
    }
    if (jobs?.every(({ state }) => ENDS.includes(state))) return
    await pause(interval, signal)
  }
}

/** Null while the hub cannot be reached or has no engine. */
async function listed(list: () => AsyncIterable<FleetJob>): Promise<FleetJob[] | null> {
  const jobs: FleetJob[] = []
  try {
    for await (const job of list()) jobs.push(job)
    return jobs
  } catch (error) {
    const isOutage = error instanceof ConnectionLost || (error instanceof CallError && error.code >= 500)
    if (isOutage) return null
    throw error
  }
}

function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, seconds * 1000)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
