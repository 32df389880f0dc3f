// A clock that the test moves, and that shows which timers wait.
import type { Clock, Timer } from '../../src/core/clock.ts'

interface Task {
  readonly run: () => void
  readonly period: number | null
  due: number
}

export class HandClock implements Clock {
  #time = 0
  readonly #tasks = new Set<Task>()
  readonly #waiters = new Set<() => void>()

  now(): number {
    return 1_700_000_000 + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  after(seconds: number, run: () => void): Timer {
    return this.#add({ run, period: null, due: this.#time + seconds })
  }

  every(seconds: number, run: () => void): Timer {
    return this.#add({ run, period: seconds, due: this.#time + seconds })
  }

  #add(task: Task): Timer {
    this.#tasks.add(task)
    for (const waiter of this.#waiters) waiter()
    return { stop: () => void this.#tasks.delete(task) }
  }

  /** Seconds until each waiting task, soonest first. */
  waits(): number[] {
    return [...this.#tasks].map(({ due }) => due - this.#time).sort((a, b) => a - b)
  }

  /** Resolves when a task waits for exactly `seconds`. */
  async waitFor(seconds: number): Promise<void> {
    while (!this.waits().some(wait => Math.abs(wait - seconds) < 1e-9)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  /** Lets time pass, from one due task to the next. */
  pass(seconds: number): void {
    const end = this.#time + seconds
    for (;;) {
      const next = [...this.#tasks].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
      if (next === undefined) break
      this.#time = next.due
      if (next.period === null) this.#tasks.delete(next)
      else next.due += next.period
      next.run()
    }
    this.#time = end
  }

  /** Lets time pass as on a machine that was suspended: each due task runs once, late. */
  skip(seconds: number): void {
    this.#time += seconds
    for (const task of [...this.#tasks].filter(({ due }) => due <= this.#time)) {
      if (task.period === null) this.#tasks.delete(task)
      else task.due = this.#time + task.period
      task.run()
    }
  }
}
