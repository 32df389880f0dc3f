// What happens inside the server: components emit events, others listen. An event never waits for an answer.
import type { Events } from '../api/index.ts'
import type { Registration } from './scope.ts'

type Listener<E extends keyof Events> = (...args: Events[E]) => void | Promise<void>

/** Passes events on to their listeners. A listener that fails is reported and stops no other. */
export class EventBus {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()
  readonly #onError: (event: string, error: unknown) => void

  constructor(onError: (event: string, error: unknown) => void) {
    this.#onError = onError
  }

  /** Calls `listener` for each `event` from now on. */
  on<E extends keyof Events>(event: E, listener: Listener<E>): Registration {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener as Listener<never>)
    return { remove: () => void listeners.delete(listener as Listener<never>) }
  }

  /** Calls every listener in the order of registration; does not wait for what they do asynchronously. */
  emit<E extends keyof Events>(event: E, ...args: Events[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        const done = (listener as Listener<E>)(...args)
        if (done instanceof Promise) done.catch(error => this.#onError(event, error))
      } catch (error) {
        this.#onError(event, error)
      }
    }
  }
}
