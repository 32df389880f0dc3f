// A clock that runs periodic tasks together where their periods allow it (timer coalescing): each wake-up of an idle
// processor costs more than most of these tasks.
import type { Clock, Timer } from './clock.ts'

/** Tasks run on multiples of so many seconds. */
const GRID = 1
/** Tasks that are due within so many seconds run together. */
const SLACK = 0.02

interface Task {
  readonly seconds: number
  readonly run: () => void
  /** On the monotonic clock, s. */
  due: number
}

export class CoalescingClock implements Clock {
  readonly #clock: Clock
  readonly #tasks = new Set<Task>()
  #timer: Timer | null = null
  /** When the timer fires. */
  #wakeUp = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  after(seconds: number, task: () => void): Timer {
    return this.#clock.after(seconds, task)
  }

  /** The first run is up to one second late, so that all tasks share the grid; the others follow without drift. */
  every(seconds: number, run: () => void): Timer {
    const due = Math.ceil((this.monotonic() + seconds) / GRID) * GRID
    const task: Task = { seconds, run, due }
    this.#tasks.add(task)
    this.#schedule()
    return {
      stop: () => {
        this.#tasks.delete(task)
        if (this.#tasks.size === 0) this.#cancel()
      },
    }
  }

  #cancel(): void {
    this.#timer?.stop()
    this.#timer = null
    this.#wakeUp = Number.POSITIVE_INFINITY
  }

  #schedule(): void {
    let next = Number.POSITIVE_INFINITY
    for (const { due } of this.#tasks) next = Math.min(next, due)
    if (next >= this.#wakeUp) return
    this.#cancel()
    this.#wakeUp = next
    this.#timer = this.#clock.after(Math.max(0, next - this.monotonic()), () => this.#runDue())
  }

  #runDue(): void {
    const now = this.monotonic() + SLACK
    this.#wakeUp = Number.POSITIVE_INFINITY
    const due = [...this.#tasks].filter(task => task.due <= now)
    for (const task of due) {
      task.due += task.seconds
      // After a suspend of the machine, runs that were missed are skipped.
      if (task.due <= now) task.due = Math.ceil(now / GRID) * GRID
    }
    this.#schedule()
    for (const task of due) if (this.#tasks.has(task)) task.run()
  }
}
