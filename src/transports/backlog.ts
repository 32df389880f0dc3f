// The unsent bytes of all clients together, so that many slow clients cannot fill the memory that one may not fill.

/** Bytes that all clients may leave unread together; beyond that the one that leaves the most is disconnected. */
const MAX_TOTAL = 64 * 1024 * 1024

/** A client that something is sent to. */
export interface Recipient {
  /** Disconnects at once. */
  terminate(): void
}

/** A channel whose frames wait for the end of the present callback. */
export interface Corked {
  /** Sends the frames. */
  uncork(): void
}

export class Backlog {
  readonly #unsent = new Map<Recipient, number>()
  #total = 0
  #corked: Corked[] = []
  readonly #counts: { slowClosed: number }

  /** Clients that are disconnected count in `counts`. */
  constructor(counts = { slowClosed: 0 }) {
    this.#counts = counts
  }

  /** Notes how many bytes a recipient has not read. A single one may exceed the limit: one reply may be long. */
  update(recipient: Recipient, bytes: number): void {
    this.#total += bytes - (this.#unsent.get(recipient) ?? 0)
    if (bytes === 0) this.#unsent.delete(recipient)
    else this.#unsent.set(recipient, bytes)
    if (this.#total > MAX_TOTAL && this.#unsent.size > 1) this.#dropLargest()
  }

  /**
   * Frames of one callback go out in one write. Not those of one iteration of the event loop: its end would cost another system
   * call.
   */
  uncorkSoon(channel: Corked): void {
    this.#corked.push(channel)
    if (this.#corked.length === 1) process.nextTick(() => this.#uncork())
  }

  #uncork(): void {
    const corked = this.#corked
    this.#corked = []
    for (const channel of corked) channel.uncork()
  }

  #dropLargest(): void {
    const [[recipient] = []] = [...this.#unsent].sort(([, a], [, b]) => b - a)
    if (recipient === undefined) return
    this.update(recipient, 0)
    this.#counts.slowClosed += 1
    recipient.terminate()
  }
}
