// The list of printers, and the clients that follow it. Without them nothing is measured for the list.

import type { Clock, Timer } from '../core/clock.ts'
import type { Connection } from '../rpc/connection.ts'
import { notificationText } from '../rpc/connections.ts'
import { Message } from '../rpc/message.ts'
import type { PrinterEntry, Slot } from './slot.ts'

/** Seconds after a request over HTTP, until which the printers are watched. */
const HOLD = 30
/** Seconds between two notifications. */
const INTERVAL = 1
/** Seconds in which changes that come together become one notification. */
const DEBOUNCE = 0.1

export class Overview {
  readonly #clock: Clock
  readonly #slots: () => Iterable<Slot>
  readonly #followers = new Set<Connection>()
  /** The entries that followers know, as JSON by name. */
  readonly #sent = new Map<string, string>()
  #pending: Timer | null = null
  #lastSent = Number.NEGATIVE_INFINITY
  #hold: Timer | null = null
  #isWatched = false

  /** `slots` returns the present printers. */
  constructor(clock: Clock, slots: () => Iterable<Slot>) {
    this.#clock = clock
    this.#slots = slots
  }

  get isWatched(): boolean {
    return this.#isWatched
  }

  /** The present entries, for one client; a connection receives the changes from now on. */
  list(connection: Connection | null): PrinterEntry[] {
    this.#watch()
    const entries = [...this.#slots()].map(({ entry }) => entry)
    if (connection === null) return entries
    // What the first follower has received; the others receive a little too much at the next change.
    if (this.#followers.size === 0) this.#remember(entries)
    this.#followers.add(connection)
    return entries
  }

  /** A client has disconnected. */
  forget(connection: Connection): void {
    this.#followers.delete(connection)
  }

  #remember(entries: readonly PrinterEntry[]): void {
    this.#sent.clear()
    for (const entry of entries) this.#sent.set(entry.name, JSON.stringify(entry))
  }

  /** Watches the printers until some time after the last request. */
  #watch(): void {
    this.#hold?.stop()
    this.#hold = this.#clock.after(HOLD, () => {
      if (this.#followers.size > 0) this.#watch()
      else this.#setWatched(false)
    })
    this.#setWatched(true)
  }

  #setWatched(isWatched: boolean): void {
    this.#isWatched = isWatched
    for (const slot of this.#slots()) slot.watch(isWatched)
  }

  /** Something has changed in a printer, or in the list of them. */
  changed(): void {
    if (this.#followers.size === 0 || this.#pending !== null) return
    const wait = Math.max(DEBOUNCE, this.#lastSent + INTERVAL - this.#clock.monotonic())
    this.#pending = this.#clock.after(wait, () => {
      this.#pending = null
      this.#notify()
    })
  }

  #notify(): void {
    this.#lastSent = this.#clock.monotonic()
    const entries = [...this.#slots()].map(({ entry }) => entry)
    const changed = entries.filter(entry => this.#sent.get(entry.name) !== JSON.stringify(entry))
    const names = new Set(entries.map(({ name }) => name))
    const removed = [...this.#sent.keys()].filter(name => !names.has(name))
    if (changed.length === 0 && removed.length === 0) return
    this.#remember(entries)
    const message = new Message(() => notificationText('notify_workshop_changed', [{ changed, removed }]))
    for (const connection of this.#followers) if (connection.user !== null) connection.notify(message)
  }

  stop(): void {
    this.#pending?.stop()
    this.#hold?.stop()
  }
}
