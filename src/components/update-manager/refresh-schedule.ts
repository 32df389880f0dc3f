// When entries are refreshed without a request: each at the end of its interval, in certain hours of the day.
import type { Clock, Timer } from '../../core/clock.ts'
import type { HourWindow } from './options.ts'

/** Seconds between two looks at what is due. Up to a quarter is added, so that printers do not refresh at once. */
const LOOK_SECONDS = 3600

/** Whether an hour of the day is in the window. */
export function isInWindow([from, until]: HourWindow, hour: number): boolean {
  return from < until ? hour >= from && hour < until : hour >= from || hour < until
}

/** Calls a task about every hour, in the hours of a window. */
export class RefreshSchedule {
  readonly #clock: Clock
  readonly #window: HourWindow
  readonly #task: () => void
  #timer: Timer | null = null

  constructor(clock: Clock, window: HourWindow, task: () => void) {
    this.#clock = clock
    this.#window = window
    this.#task = task
  }

  start(): void {
    this.#timer = this.#clock.after(LOOK_SECONDS * (1 + Math.random() / 4), () => {
      this.start()
      const hour = new Date(this.#clock.now() * 1000).getHours()
      if (isInWindow(this.#window, hour)) this.#task()
    })
  }

  stop(): void {
    this.#timer?.stop()
  }
}
