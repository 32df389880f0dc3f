// The end of a request to a device, after some time or earlier.
import type { Clock, Timer } from '../../core/clock.ts'

/** What has to stop at the end. */
type Stop = (reason: unknown) => void

/**
 * Ends work that takes too long. An AbortSignal costs a poll as much as its request does, so one is only made for work that
 * takes a signal.
 */
export class Deadline {
  readonly #timer: Timer
  readonly #stops = new Set<Stop>()
  #hasEnded = false
  #reason: unknown
  #controller: AbortController | null = null

  constructor(clock: Clock, seconds: number) {
    this.#timer = clock.after(seconds, () => this.end(new Error(`no reply within ${seconds} seconds`)))
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** For work that takes a signal; is aborted at the end. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      const controller = new AbortController()
      this.#controller = controller
      this.onEnd(reason => controller.abort(reason))
    }
    return this.#controller.signal
  }

  /** Calls `stop` at the end; at once, if that was before. */
  onEnd(stop: Stop): void {
    if (this.#hasEnded) stop(this.#reason)
    else this.#stops.add(stop)
  }

  /** Takes `onEnd` back. */
  offEnd(stop: Stop): void {
    this.#stops.delete(stop)
  }

  end(reason: unknown): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#reason = reason
    for (const stop of this.#stops) stop(reason)
  }

  throwIfEnded(): void {
    if (this.#hasEnded) throw this.#reason
  }

  /** The request has its result. */
  stop(): void {
    this.#timer.stop()
  }

  /** Settles as `work` does; rejects at the end, if that is earlier. */
  async limit<T>(work: Promise<T>): Promise<T> {
    const { promise: ended, reject } = Promise.withResolvers<never>()
    this.onEnd(reject)
    try {
      return await Promise.race([work, ended])
    } finally {
      this.offEnd(reject)
    }
  }
}
