// A clock that runs periodic tasks together, and together with what else wakes the process up (timer coalescing): each
// wake-up of an idle processor costs more than most of these tasks.
import type { Clock, Timer } from './clock.ts'

/** Tasks are due on multiples of so many seconds. */
const GRID = 1
/** Tasks that are due within so many seconds run together. */
const SLACK = 0.02
/** So many seconds early a task runs when the process is awake anyway: Klippy's pushes are 0.25 s apart. */
const EARLY = 0.3
/** While the process wakes up often enough for the tasks, their own timer is so many seconds late. */
const STANDBY = 2

interface Task {
  readonly seconds: number
  readonly run: () => void
  /** On the monotonic clock, s. */
  due: number
}

export class CoalescingClock implements Clock {
  readonly #clock: Clock
  readonly #tasks = new Set<Task>()
  /** When the next task is due. */
  #due = Number.POSITIVE_INFINITY
  #timer: Timer | null = null
  /** When the timer fires. */
  #firesAt = Number.POSITIVE_INFINITY
  /** Whether the last tasks ran because the process was awake. */
  #isAwake = false

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

  /**
   * The first run is up to one second late, so that all tasks share the grid. The others follow without drift: at most
   * 0.3 s early, and 2 s late once, when what woke the process up ends.
   */
  every(seconds: number, run: () => void): Timer {
    const due = Math.ceil((this.monotonic() + seconds) / GRID) * GRID
    const task: Task = { seconds, run, due }
    this.#tasks.add(task)
    this.#schedule()
    return {
      stop: () => {
        this.#tasks.delete(task)
        if (this.#tasks.size === 0) this.#schedule()
      },
    }
  }

  awake(): void {
    const soon = this.monotonic() + EARLY
    if (this.#due > soon) return
    this.#isAwake = true
    this.#run(soon)
  }

  #fired(): void {
    this.#timer = null
    this.#firesAt = Number.POSITIVE_INFINITY
    const soon = this.monotonic() + SLACK
    if (this.#due <= soon) this.#isAwake = false
    this.#run(soon)
  }

  /** Runs the tasks that are due until `time`. */
  #run(time: number): void {
    const due = [...this.#tasks].filter(task => task.due <= time)
    for (const task of due) {
      task.due += task.seconds
      // After a suspend of the machine, runs that were missed are skipped.
      if (task.due <= time) task.due = Math.ceil(time / GRID) * GRID
    }
    this.#schedule()
    for (const task of due) if (this.#tasks.has(task)) task.run()
  }

  #schedule(): void {
    this.#due = Number.POSITIVE_INFINITY
    for (const { due } of this.#tasks) this.#due = Math.min(this.#due, due)
    const firesAt = this.#isAwake ? this.#due + STANDBY : this.#due
    // A timer that fires too early is cheaper than a new one: it fires once for several runs.
    if (this.#tasks.size > 0 && firesAt >= this.#firesAt) return
    this.#timer?.stop()
    this.#timer = null
    this.#firesAt = firesAt
    if (this.#tasks.size === 0) return
    this.#timer = this.#clock.after(Math.max(0, firesAt - this.monotonic()), () => this.#fired())
  }
}
