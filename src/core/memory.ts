// Keeps the process small: returns memory to the system that the start or a burst of work needed.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock, Timer } from './clock.ts'

/** Seconds until the start has ended. */
const START_SECONDS = 2
/** Seconds between two checks. */
const CHECK_SECONDS = 10
/** Bytes of growth that are worth a garbage collection. */
const GROWTH = 12 * 1024 * 1024
/** A server is idle while it works for less than this part of the time. */
const IDLE = 0.1

/** What the process reports of itself, and how it returns memory. */
export interface ProcessMemory {
  /** Resident memory in bytes. */
  rss(): number
  /** The part of the time since the last call in which the event loop was working. */
  utilization(): number
  /** Collects garbage, and returns the pages to the system. */
  collect(): void
  /** Returns what the C library keeps of freed memory. */
  trim(): Promise<void>
}

/** This process. */
export function thisProcess(): ProcessMemory {
  let last = performance.eventLoopUtilization()
  return {
    rss: () => process.memoryUsage.rss(),
    utilization: () => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, last)
      last = now
      return utilization
    },
    collect,
    trim,
  }
}

/** V8 keeps the memory that it took for a load; this returns it. Takes some 10 ms. */
function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as ((options: object) => void) | undefined
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** After large uploads that is more than the server itself. Needs the optional package koffi, and glibc. */
async function trim(): Promise<void> {
  try {
    const { default: koffi } = await import('koffi')
    koffi.load(null).func('int malloc_trim(size_t)')(0)
  } catch {
    // Not installed, or another C library.
  }
}

/** Returns memory once the start has ended, and whenever the server is idle after work that made it grow. */
export function keepMemorySmall(clock: Clock, memory: ProcessMemory = thisProcess()): Timer {
  let idleSize = Number.POSITIVE_INFINITY
  const hasGrown = () => memory.rss() >= idleSize + GROWTH
  const check = async () => {
    if (memory.utilization() > IDLE || !hasGrown()) return
    memory.collect()
    if (hasGrown()) await memory.trim()
    idleSize = memory.rss()
  }
  const start = clock.after(START_SECONDS, () => {
    memory.collect()
    idleSize = memory.rss()
  })
  const checks = clock.every(CHECK_SECONDS, () => void check())
  return {
    stop: () => {
      start.stop()
      checks.stop()
    },
  }
}
