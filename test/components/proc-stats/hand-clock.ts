// A clock that goes when it is told to.
import type { Clock, Timer } from '../../../src/core/clock.ts'

interface Task {
  readonly run: () => void
  /** Seconds between runs; null for a task that runs once. */
  readonly period: number | null
  due: number
}

export class HandClock implements Clock {
  #time = 0
  readonly #tasks = new Set<Task>()

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
    return { stop: () => void this.#tasks.delete(task) }
  }

  /** Lets time pass, second by second, with all that is due. */
  pass(seconds: number): void {
    for (const end = this.#time + seconds; this.#time < end; ) {
      this.#time += 1
      for (const task of this.#tasks) {
        if (task.due > this.#time) continue
        if (task.period === null) this.#tasks.delete(task)
        else task.due += task.period
        task.run()
      }
    }
  }
}
