// Cancels work that is in progress. An AbortController costs as much as a short request to a device.

/** Cancels a piece of work. */
type Cancel = (reason: unknown) => void

/** The cancellation of a request and of everything that it has started. */
export class Cancellation {
  readonly #callbacks = new Set<Cancel>()
  #isCancelled = false
  #reason: unknown

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  /** Calls `callback` on cancellation; at once, if that was before. */
  onCancel(callback: Cancel): void {
    if (this.#isCancelled) callback(this.#reason)
    else this.#callbacks.add(callback)
  }

  /** Takes `onCancel` back. */
  offCancel(callback: Cancel): void {
    this.#callbacks.delete(callback)
  }

  /** The first call counts. */
  cancel(reason: unknown): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#reason = reason
    for (const callback of this.#callbacks) callback(reason)
  }

  /** Throws the reason of the cancellation. */
  throwIfCancelled(): void {
    if (this.#isCancelled) throw this.#reason
  }
}
