// The unsent bytes of all clients together, so that many slow clients cannot fill the memory that one may not fill.

/** Bytes that all clients may leave unread together; beyond that the one that leaves the most is disconnected. */
const MAX_TOTAL = 64 * 1024 * 1024

/** A client that something is sent to. */
export interface Recipient {
  /** Disconnects at once. */
  terminate(): void
}

export class Backlog {
  readonly #unsent = new Map<Recipient, number>()
  #total = 0

  /** Notes how many bytes a recipient has not read. A single one may exceed the limit: one reply may be long. */
  update(recipient: Recipient, bytes: number): void {
    this.#total += bytes - (this.#unsent.get(recipient) ?? 0)
    if (bytes === 0) this.#unsent.delete(recipient)
    else this.#unsent.set(recipient, bytes)
    if (this.#total > MAX_TOTAL && this.#unsent.size > 1) this.#dropLargest()
  }

  #dropLargest(): void {
    const [[recipient] = []] = [...this.#unsent].sort(([, a], [, b]) => b - a)
    if (recipient === undefined) return
    this.update(recipient, 0)
    recipient.terminate()
  }
}
