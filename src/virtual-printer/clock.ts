// Simulated time as a discrete-event clock: the wall clock times a speed factor sets its pace, and it stops
// while work is in progress, so that simulated durations do not depend on the host's speed.

import { performance } from 'node:perf_hooks'

/** A pending callback of a SimClock. */
export interface SimTimer {
  /** Simulated seconds at which it fires. */
  readonly due: number
  cancel(): void
}

interface Entry {
  due: number
  order: number
  fire: (() => void) | undefined
}

/** Longest lag in wall seconds that the simulation catches up. */
const MAX_LAG = 0.25

/**
 * The time of the simulated machine, in seconds from 0.
 *
 * Timers fire in order of their due time and see exactly that time as `now`, also when the process is late.
 * At `speed` 60 a simulated minute takes a second, as long as the CPU keeps up; when it does not, simulated time
 * slows down instead of skipping.
 */
export class SimClock {
  readonly #speed: number
  #now = 0
  #anchorWall = performance.now() / 1000
  #anchorSim = 0
  #heap: Entry[] = []
  #order = 0
  #holds = 0
  #frozen = false
  #closed = false
  #timeout: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  constructor(speed = 1) {
    this.#speed = speed
  }

  /** Current simulated time in seconds. */
  get now(): number {
    if (!this.#frozen && this.#holds === 0) {
      const next = this.#heap[0]
      const target = this.#target()
      const limit = next === undefined ? target : Math.min(target, next.due)
      if (limit > this.#now) this.#now = limit
    }
    return this.#now
  }

  /** Calls `fire` at a simulated time; as soon as possible, but not synchronously, when that time has passed. */
  at(time: number, fire: () => void): SimTimer {
    const entry: Entry = { due: Math.max(time, this.now), order: this.#order++, fire }
    this.#push(entry)
    if (this.#heap[0] === entry) this.#plan()
    return {
      due: entry.due,
      cancel: () => {
        entry.fire = undefined
      },
    }
  }

  /** Resolves at a simulated time. */
  until(time: number): Promise<void> {
    return new Promise(resolve => this.at(time, resolve))
  }

  /** Runs asynchronous work (a file, a yield to the event loop) that takes no simulated time. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#now = this.now
    this.#holds++
    try {
      return await work()
    } finally {
      // The caller continues in a microtask: time stays frozen until then.
      this.#holds--
      this.#frozen = true
      this.#plan()
    }
  }

  /** Runs synchronous work at one simulated time: `now` stays until the work and its microtasks have ended. */
  moment<T>(work: () => T): T {
    this.#now = this.now
    this.#frozen = true
    this.#plan()
    return work()
  }

  /** Yields to the event loop; takes no simulated time. */
  breathe(): Promise<void> {
    return this.hold(() => new Promise(resolve => setImmediate(resolve)))
  }

  /** Cancels all timers. */
  close(): void {
    this.#closed = true
    this.#heap = []
    clearTimeout(this.#timeout)
    clearImmediate(this.#immediate)
  }

  #target(): number {
    return this.#anchorSim + (performance.now() / 1000 - this.#anchorWall) * this.#speed
  }

  #plan(): void {
    if (this.#closed || this.#immediate !== undefined) return
    this.#immediate = setImmediate(() => this.#step())
  }

  // One step fires the timers of one simulated time; their microtasks run before the next step.
  #step(): void {
    this.#immediate = undefined
    this.#frozen = false
    clearTimeout(this.#timeout)
    if (this.#closed || this.#holds > 0) return
    this.#dropCancelled()
    const next = this.#heap[0]
    if (next === undefined) return
    const lead = next.due - this.#target()
    if (lead > 0) {
      const wait = Math.min((lead / this.#speed) * 1000, 0x7fffffff)
      this.#timeout = setTimeout(() => this.#step(), wait)
      return
    }
    const late = -lead - MAX_LAG * this.#speed
    if (late > 0) this.#anchorSim -= late
    this.#fireAt(next.due)
    this.#plan()
  }

  #fireAt(time: number): void {
    if (time > this.#now) this.#now = time
    this.#frozen = true
    for (let next = this.#heap[0]; next !== undefined && next.due <= time; next = this.#heap[0]) {
      this.#pop()
      next.fire?.()
    }
  }

  #dropCancelled(): void {
    while (this.#heap[0] !== undefined && this.#heap[0].fire === undefined) this.#pop()
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let child = heap.push(entry) - 1
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!before(entry, heap[parent]!)) break
      heap[child] = heap[parent]!
      child = parent
    }
    heap[child] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let parent = 0
    for (let child = 1; child < heap.length; child = 2 * parent + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[parent] = heap[child]!
      parent = child
    }
    heap[parent] = last
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}
