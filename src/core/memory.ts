// Keeps the process small: memory that a start or a burst of work has used goes back to the system.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock, Timer } from './clock.ts'

/** Seconds after which a start is over. */
const SETTLED = 2
/** Seconds between looks at what the process holds. */
const LOOK_EVERY = 10
/** Bytes of growth from which on collecting is worth its time. */
const GROWTH = 12 * 1024 * 1024
/** The part of a look's time in which a server at rest does something. */
const AT_REST = 0.1

/**
 * Collects all garbage once and gives the memory back to the system: V8 keeps what it took for a load that a server at
 * rest never has. Takes some 10 ms.
 */
function giveBackMemory(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as ((options: object) => void) | undefined
  collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/**
 * Has the C library give back what it keeps of freed memory: after large uploads that is more than the server itself.
 * Needs the optional package koffi and glibc; elsewhere nothing happens.
 */
async function trimAllocator(): Promise<void> {
  try {
    const { default: koffi } = await import('koffi')
    koffi.load(null).func('int malloc_trim(size_t)')(0)
  } catch {
    // Not installed, or another C library.
  }
}

/** Gives memory back once the start is over, and whenever the server rests after work that made it grow. */
export function keepMemorySmall(clock: Clock): Timer {
  const rss = () => process.memoryUsage.rss()
  let atRest = Number.POSITIVE_INFINITY
  let before = performance.eventLoopUtilization()
  const look = async () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization > AT_REST || rss() < atRest + GROWTH) return
    giveBackMemory()
    if (rss() > atRest + GROWTH) await trimAllocator()
    atRest = rss()
  }
  const settled = clock.after(SETTLED, () => {
    giveBackMemory()
    atRest = rss()
  })
  const looks = clock.every(LOOK_EVERY, () => void look())
  return {
    stop: () => {
      settled.stop()
      looks.stop()
    },
  }
}
