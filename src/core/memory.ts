// Keeps the process small: returns memory to the system that the start or a burst of work needed, and lets V8 save memory
// and threads while the server has little to do.
import { readFileSync } from 'node:fs'
import { constants, type EventLoopUtilization, PerformanceObserver, performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock, Timer } from './clock.ts'
import { loadReturnedPages } from './returned-pages.ts'
import { nextIteration } from './work-budget.ts'

/** Seconds until the start has ended. */
const START_SECONDS = 2
/** Seconds between two checks. */
const CHECK_SECONDS = 10
/** Bytes of growth after which memory is returned. */
const GROWTH = 12 * 1024 * 1024
/** A server is idle while it works for less than this part of the time. */
const IDLE = 0.1
/** So many small collections of garbage within `LOAD_SECONDS` mean a load: some 8 MB, or several hundred requests. */
const LOAD_COLLECTIONS = 8
const LOAD_SECONDS = 1

/** Uses of a regular expression after which V8 compiles it to machine code: its own number, and that in efficiency mode. */
const TICKS = 1
const EFFICIENT_TICKS = 100

/** What the process reports of itself, and how it returns memory. */
export interface ProcessMemory {
  /** The bytes of its own that are in RAM: not those of programs and libraries, which the system reads again. */
  size(): number
  /** The part of the time since the last call, or since the process started, in which the event loop was working. */
  utilization(): number
  /**
   * Switches V8's efficiency mode. In it V8 compiles less and later, without other threads: 6 MB and three wake-ups a
   * second less for a server that prints, but a third more CPU time for each request of a load.
   */
  setEfficient(isOn: boolean): void
  /** Calls `listener` after each small collection of garbage, until the returned function is called. */
  watchCollections(listener: () => void): () => void
  /** Collects garbage, and returns to the system what is not used. */
  giveBack(): Promise<void>
}

/** This process. */
export function thisProcess(): ProcessMemory {
  let last: EventLoopUtilization | undefined
  let pages: ReturnType<typeof loadReturnedPages> | undefined
  const giveBack = async () => {
    // The collection comes later: what is before it makes garbage. Each step blocks the event loop for up to 20 ms.
    pages ??= loadReturnedPages()
    const returned = await pages
    await nextIteration()
    returned?.programs()
    await nextIteration()
    collect()
    returned?.freed()
  }
  return {
    size: ownMemory,
    utilization: () => {
      const now = performance.eventLoopUtilization()
      const { utilization } = last === undefined ? now : performance.eventLoopUtilization(now, last)
      last = now
      return utilization
    },
    setEfficient: isOn => {
      setFlagsFromString(isOn ? '--efficiency-mode' : '--no-efficiency-mode')
      setFlagsFromString(`--regexp-tier-up-ticks=${isOn ? EFFICIENT_TICKS : TICKS}`)
    },
    watchCollections,
    giveBack,
  }
}

/** Without Linux's /proc, all resident memory. */
function ownMemory(): number {
  try {
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
    if (kilobytes !== undefined) return Number(kilobytes) * 1024
  } catch {
    // Another system.
  }
  return process.memoryUsage.rss()
}

/**
 * Keeps V8's space for new objects at its present size, for the rest of the process. Under a steady load it grows to 64 MB
 * otherwise, whatever the program needs; a small one is collected more often, and each time faster.
 */
export function keepNewSpaceSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** The part of a collection's entry that Node's types leave open. */
interface GcEntry {
  readonly detail?: { readonly kind: number }
}

function watchCollections(listener: () => void): () => void {
  const observer = new PerformanceObserver(list => {
    for (const { detail } of list.getEntries() as unknown as readonly GcEntry[]) {
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MINOR) listener()
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

/** Collections after which V8 drops the compiled code of a function that did not run since: its own number. */
const CODE_AGE = 6

/**
 * V8 keeps the memory that it took for a load; this returns it, also that of compiled code: most functions of the start
 * run once. Takes some 20 ms.
 */
function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as ((options: object) => void) | undefined
  setFlagsFromString('--bytecode-old-age=1')
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  setFlagsFromString(`--bytecode-old-age=${CODE_AGE}`)
}

/** The efficiency mode, which ends by itself when a load starts. Without a timer: that would wake up an idle server. */
class EfficiencyMode {
  readonly #clock: Clock
  readonly #memory: ProcessMemory
  #unwatch: (() => void) | null = null
  #collections = 0
  #since = 0

  constructor(clock: Clock, memory: ProcessMemory) {
    this.#clock = clock
    this.#memory = memory
  }

  enter(): void {
    if (this.#unwatch !== null) return
    // The mode comes second: V8 rejects the compiled code of Node's modules after a change of flags.
    this.#unwatch = this.#memory.watchCollections(() => this.#collected())
    this.#memory.setEfficient(true)
  }

  #collected(): void {
    const now = this.#clock.monotonic()
    if (now - this.#since > LOAD_SECONDS) {
      this.#since = now
      this.#collections = 0
    }
    this.#collections += 1
    if (this.#collections >= LOAD_COLLECTIONS) this.leave()
  }

  leave(): void {
    if (this.#unwatch === null) return
    this.#unwatch()
    this.#unwatch = null
    this.#memory.setEfficient(false)
  }
}

/**
 * Returns memory once the start has ended, and whenever the server is idle after work that made it grow. Meanwhile V8 is
 * in efficiency mode.
 */
export function keepMemorySmall(clock: Clock, memory: ProcessMemory = thisProcess()): Timer {
  const efficiency = new EfficiencyMode(clock, memory)
  let idleSize = Number.POSITIVE_INFINITY
  const giveBack = async () => {
    await memory.giveBack()
    idleSize = memory.size()
  }
  const check = async () => {
    if (memory.utilization() > IDLE) return
    efficiency.enter()
    if (memory.size() >= idleSize + GROWTH) await giveBack()
  }
  const start = clock.after(START_SECONDS, () => {
    efficiency.enter()
    void giveBack()
  })
  const checks = clock.every(CHECK_SECONDS, () => void check())
  return {
    stop: () => {
      start.stop()
      checks.stop()
      efficiency.leave()
    },
  }
}
