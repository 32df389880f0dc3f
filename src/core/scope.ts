// Registrations that are removed together.

/** Anything that can be undone. */
export interface Registration {
  remove(): void
}

/** Collects registrations and removes them in reverse order. */
export class Scope {
  #registrations: Registration[] = []

  /** Keeps `registration` until the scope is closed; returns it. */
  use<R extends Registration>(registration: R): R {
    this.#registrations.push(registration)
    return registration
  }

  /** Runs `undo` when the scope is closed. */
  defer(undo: () => void): void {
    this.#registrations.push({ remove: undo })
  }

  /** Removes everything, the newest first. The scope can be used again. */
  close(): void {
    const registrations = this.#registrations.reverse()
    this.#registrations = []
    for (const registration of registrations) registration.remove()
  }
}
