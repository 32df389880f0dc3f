// Whether clients are present. Without them, the server does not measure values that only clients show (machine load).
import type { Clock, Timer } from '../core/clock.ts'
import type { Registration } from '../core/scope.ts'
import type { Connections } from './connections.ts'

/** Seconds until a client counts as absent; a page that reloads, or a program that polls over HTTP, returns earlier. */
const LINGER = 30

type Listener = (isPresent: boolean) => void

export class Presence {
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #listeners = new Set<Listener>()
  #isPresent = false
  #linger: Timer | null = null

  constructor(connections: Connections, clock: Clock) {
    this.#connections = connections
    this.#clock = clock
    connections.onOpen(() => this.note())
    connections.onClose(() => {
      if (connections.size === 0) this.note()
    })
    if (connections.size > 0) this.note()
  }

  get isPresent(): boolean {
    return this.#isPresent
  }

  /** A client has connected, disconnected, or sent a request without a connection. */
  note(): void {
    this.#linger?.stop()
    this.#linger = null
    if (this.#connections.size === 0) this.#linger = this.#clock.after(LINGER, () => this.#set(false))
    this.#set(true)
  }

  #set(isPresent: boolean): void {
    if (isPresent === this.#isPresent) return
    this.#isPresent = isPresent
    for (const listener of this.#listeners) listener(isPresent)
  }

  /** Calls `listener` now, when the first client connects, and when the last one is absent. */
  follow(listener: Listener): Registration {
    this.#listeners.add(listener)
    listener(this.#isPresent)
    return { remove: () => void this.#listeners.delete(listener) }
  }
}
