// Listeners of one kind of change, where an event of the whole server would be too much.
import type { Log } from './log.ts'
import type { Registration } from './scope.ts'

/** Calls listeners in the order of registration. One that throws is logged, and stops no other. */
export class Listeners<A extends readonly unknown[]> {
  readonly #all = new Set<(...args: A) => void>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Calls `listener` for each change until the registration is removed. */
  add(listener: (...args: A) => void): Registration {
    this.#all.add(listener)
    return { remove: () => void this.#all.delete(listener) }
  }

  call(...args: A): void {
    for (const listener of this.#all) {
      try {
        listener(...args)
      } catch (error) {
        this.#log.error('a listener failed', error)
      }
    }
  }
}
