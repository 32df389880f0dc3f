// The time limit of a request to a device.
import { Cancellation } from '../../core/cancellation.ts'
import type { Clock, Timer } from '../../core/clock.ts'

/** Cancels work that takes too long. An AbortSignal is only made for work that takes a signal. */
export class Deadline extends Cancellation {
  readonly #timer: Timer
  #controller: AbortController | null = null

  constructor(clock: Clock, seconds: number) {
    super()
    this.#timer = clock.after(seconds, () => this.cancel(new Error(`no reply within ${seconds} seconds`)))
  }

  /** For work that takes a signal; is aborted on cancellation. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      const controller = new AbortController()
      this.#controller = controller
      this.onCancel(reason => controller.abort(reason))
    }
    return this.#controller.signal
  }

  /** The request has its result. */
  stop(): void {
    this.#timer.stop()
  }

  /** Settles as `work` does; rejects on cancellation, if that is earlier. */
  async limit<T>(work: Promise<T>): Promise<T> {
    const { promise: cancelled, reject } = Promise.withResolvers<never>()
    this.onCancel(reject)
    try {
      return await Promise.race([work, cancelled])
    } finally {
      this.offCancel(reject)
    }
  }
}
