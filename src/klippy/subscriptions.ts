// Who follows which status. Klippy gets one subscription, for the union of all; its pushes keep a mirror
// that answers queries at once, and everyone gets the part that they asked for.
import { isDeepStrictEqual } from 'node:util'
import type { StatusChange } from '../api/printer.ts'
import type { Clock } from '../core/clock.ts'
import { ApiError } from '../core/errors.ts'
import { notificationText } from '../rpc/connections.ts'
import { Message } from '../rpc/message.ts'
import type { KlippyLink } from './link.ts'
import { covers, type ObjectRequest, pick, pickChange, sameRequest, union } from './object-request.ts'

/** A status reply: Klippy's clock in seconds, and fields by object. */
export interface StatusReply {
  readonly eventtime: number
  readonly status: StatusChange
}

/** Someone who follows status. `message` is the ready-made notification, the same for all who asked alike. */
export interface Follower {
  statusChanged(change: StatusChange, eventtime: number, message: Message): void
}

/** Followers who asked for the same, so that their part is cut out and encoded once. */
interface Group {
  readonly request: ObjectRequest
  readonly followers: Set<Follower>
}

/** Seconds that Klippy has to answer about status; it answers on a quarter of a second. */
const TIMEOUT = 30

export class Subscriptions {
  readonly #link: KlippyLink
  readonly #clock: Clock
  readonly #groups = new Map<string, Group>()
  readonly #keys = new Map<Follower, string>()
  /** What Klippy was last asked to push, and has confirmed. */
  #mirrored: ObjectRequest = {}
  #mirror: Record<string, Record<string, unknown>> = {}
  #eventtime = 0
  #eventtimeAt = 0
  #renewal: Promise<void> | null = null
  #epoch = 0

  constructor(link: KlippyLink, clock: Clock) {
    this.#link = link
    this.#clock = clock
  }

  /**
   * Sets what `follower` follows, in place of what it followed before; an empty request ends it.
   * Answers with the present values of all of it.
   */
  async subscribe(follower: Follower, request: ObjectRequest): Promise<StatusReply> {
    this.#setRequest(follower, request)
    if (Object.keys(request).length === 0) {
      this.#renew().catch(() => {})
      return { eventtime: this.#now(), status: {} }
    }
    const key = this.#keys.get(follower)
    while (!covers(this.#mirrored, request)) {
      await this.#renew()
      if (this.#keys.get(follower) !== key) throw new ApiError(503, 'The subscription has ended')
    }
    return this.#fromMirror(request)
  }

  /** Forgets a follower that is gone. */
  unsubscribe(follower: Follower): void {
    if (!this.#keys.has(follower)) return
    this.#setRequest(follower, {})
    if (this.#link.connected) this.#renew().catch(() => {})
  }

  #setRequest(follower: Follower, request: ObjectRequest): void {
    const oldKey = this.#keys.get(follower)
    if (oldKey !== undefined) {
      const group = this.#groups.get(oldKey)
      group?.followers.delete(follower)
      if (group?.followers.size === 0) this.#groups.delete(oldKey)
      this.#keys.delete(follower)
    }
    if (Object.keys(request).length === 0) return
    const key = JSON.stringify(request)
    const group = this.#groups.get(key) ?? { request, followers: new Set() }
    group.followers.add(follower)
    this.#groups.set(key, group)
    this.#keys.set(follower, key)
  }

  /** Brings Klippy's subscription up to the union of all; calls in the meantime share one request. */
  #renew(): Promise<void> {
    this.#renewal ??= Promise.resolve()
      .then(() => this.#sendUnion())
      .finally(() => {
        this.#renewal = null
      })
    return this.#renewal
  }

  async #sendUnion(): Promise<void> {
    const wanted = union([...this.#groups.values()].map(group => group.request))
    if (sameRequest(wanted, this.#mirrored)) return
    const epoch = this.#epoch
    const params = { objects: wanted, response_template: { method: 'process_status_update' } }
    const reply = (await this.#link.request('objects/subscribe', params, TIMEOUT)) as StatusReply
    if (epoch !== this.#epoch) throw new ApiError(503, 'Klippy Disconnected')
    const change = difference(this.#mirror, reply.status)
    this.#mirrored = wanted
    this.#mirror = { ...reply.status } as Record<string, Record<string, unknown>>
    this.#tick(reply.eventtime)
    // Klippy tells changes since it last looked, and it looked for this reply: it will not push these.
    this.#tell(change, reply.eventtime)
  }

  /** What of `request` the mirror holds, if it holds all of it. */
  fromMirror(request: ObjectRequest): StatusReply | undefined {
    return this.#link.connected && covers(this.#mirrored, request) ? this.#fromMirror(request) : undefined
  }

  #fromMirror(request: ObjectRequest): StatusReply {
    return { eventtime: this.#now(), status: pick(this.#mirror, request) }
  }

  /** Takes Klippy's push: into the mirror, and on to the followers. */
  pushed(change: StatusChange, eventtime: number): void {
    this.#tick(eventtime)
    for (const name in change) this.#mirror[name] = { ...this.#mirror[name], ...change[name] }
    this.#tell(change, eventtime)
  }

  #tell(change: StatusChange, eventtime: number): void {
    for (const { request, followers } of this.#groups.values()) {
      const part = pickChange(change, request)
      if (part === undefined) continue
      const message = new Message(notificationText('notify_status_update', [part, eventtime]))
      for (const follower of followers) follower.statusChanged(part, eventtime, message)
    }
  }

  #tick(eventtime: number): void {
    this.#eventtime = eventtime
    this.#eventtimeAt = this.#clock.monotonic()
  }

  /** Klippy's clock now: it is the machine's monotonic clock, so it went on as ours did. */
  #now(): number {
    if (this.#eventtime === 0) return 0
    return this.#eventtime + this.#clock.monotonic() - this.#eventtimeAt
  }

  /** Klippy is gone, and with it all subscriptions: clients subscribe again when it is ready. */
  clear(): void {
    this.#groups.clear()
    this.#keys.clear()
    this.#mirrored = {}
    this.#mirror = {}
    this.#epoch += 1
  }
}

/** The fields that both know, where the later has another value. */
function difference(earlier: StatusChange, later: StatusChange): StatusChange {
  const change: Record<string, Record<string, unknown>> = {}
  for (const [name, fields] of Object.entries(later)) {
    const known = Object.hasOwn(earlier, name) ? earlier[name] : undefined
    if (known === undefined) continue
    const changed = Object.entries(fields).filter(
      ([field, value]) => Object.hasOwn(known, field) && !isDeepStrictEqual(known[field], value),
    )
    if (changed.length > 0) change[name] = Object.fromEntries(changed)
  }
  return change
}
