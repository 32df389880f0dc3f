// Work that must not overlap, because each piece stands on what the one before left.

/** Does one piece of work after the other, in the order in which they were given. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Does `work` when all that was given before is over, well or not. Resolves and rejects with it. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  /** Resolves when all that has been given so far is over. */
  async idle(): Promise<void> {
    await this.#last
  }
}
