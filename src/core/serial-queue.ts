// Runs tasks that must not overlap, because each depends on the result of the one before.

/** Runs tasks one after the other, in their order. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` when all earlier tasks have ended, also after failures. Resolves and rejects with it. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  /** Resolves when all tasks up to now have ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}
