// What happens inside the server, told by facts. An event never asks for an answer.
import type { Registration } from './scope.ts'

/** A field-wise change of Klippy's status objects. */
export type StatusChange = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Every event and what it carries. */
export interface Events {
  /** The link to Klippy is up and Klippy has said who it is; it need not be ready. */
  'klippy:identified': []
  /** Klippy is ready to print. */
  'klippy:ready': []
  /** Klippy has shut down; it still answers. */
  'klippy:shutdown': []
  /** The link to Klippy is gone. */
  'klippy:disconnected': []
  /** Klippy printed a line on its console. */
  'klippy:gcode_response': [response: string]
  /** A script is about to be given to Klippy on someone's behalf. */
  'klippy:gcode_command': [script: string]
  /** Subscribed status changed, at `eventtime` of Klippy's clock (s). */
  'klippy:status': [change: StatusChange, eventtime: number]
}

type Listener<E extends keyof Events> = (...args: Events[E]) => void | Promise<void>

/** Brings events to whoever listens. A listener that fails is reported and stops no other. */
export class EventBus {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()
  readonly #onError: (event: string, error: unknown) => void

  constructor(onError: (event: string, error: unknown) => void) {
    this.#onError = onError
  }

  on<E extends keyof Events>(event: E, listener: Listener<E>): Registration {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener as Listener<never>)
    return { remove: () => void listeners.delete(listener as Listener<never>) }
  }

  /** Runs every listener in order of registration; what they do asynchronously is not waited for. */
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
