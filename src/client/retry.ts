// Repeats an attempt until it succeeds.

/** Seconds before each attempt; the last one repeats. Up to half is subtracted at random. */
const BACKOFF = [0.5, 1, 2, 5, 10] as const

export class Retry {
  readonly #attempt: () => Promise<unknown>
  readonly #onFailure: (error: Error) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopped = false

  /** `onFailure` receives the error of each attempt that fails; a further one follows. */
  constructor(attempt: () => Promise<unknown>, onFailure: (error: Error) => void) {
    this.#attempt = attempt
    this.#onFailure = onFailure
  }

  /** Attempts after half a second at most, then again after growing delays. */
  start(): void {
    this.#later(0)
  }

  #later(attempts: number): void {
    if (this.#stopped) return
    const seconds = (BACKOFF[Math.min(attempts, BACKOFF.length - 1)] as number) * (1 - Math.random() / 2)
    this.#timer = setTimeout(() => {
      this.#attempt().catch((error: Error) => {
        if (this.#stopped) return
        this.#onFailure(error)
        this.#later(attempts + 1)
      })
    }, seconds * 1000)
  }

  /** No further attempt. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }
}
