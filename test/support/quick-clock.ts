// The machine's clock, but faster: what waits for seconds waits for a fraction of them.
import { type Clock, systemClock } from '../../src/core/clock.ts'

/** A clock on which `speed` seconds pass in one. It starts at the time of now. */
export function quickClock(speed = 10): Clock {
  const now = systemClock.now()
  const start = systemClock.monotonic()
  const passed = () => (systemClock.monotonic() - start) * speed
  return {
    now: () => now + passed(),
    monotonic: () => start + passed(),
    after: (seconds, task) => systemClock.after(seconds / speed, task),
    every: (seconds, task) => systemClock.every(seconds / speed, task),
  }
}
