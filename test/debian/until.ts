// Waits for what a slow system does.
import { setTimeout } from 'node:timers/promises'

/** Milliseconds between two looks, and in all. */
const INTERVAL = 100
const LIMIT = 90_000

/** Resolves when `holds` returns true; its errors count as false. Rejects after a while. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  let cause: unknown
  for (const end = performance.now() + LIMIT; performance.now() < end; await setTimeout(INTERVAL)) {
    try {
      if (await holds()) return
    } catch (error) {
      cause = error
    }
  }
  throw new Error(`it did not happen: ${holds.toString()}`, { cause })
}
