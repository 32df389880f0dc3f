// Status subscriptions: Klippy gets one, for the union of all; its pushes update the mirror, and each follower gets the
// part that it subscribed to.
import { isDeepStrictEqual } from 'node:util'
import type { StatusChange } from '../api/printer.ts'
import type { EventBus } from '../core/events.ts'
import type { Log } from '../core/log.ts'
import { notificationText } from '../rpc/connections.ts'
import { Message } from '../rpc/message.ts'
import { KlippyDisconnected, type KlippyLink } from './link.ts'
import { ChangePicker, covers, type ObjectRequest, sameRequest, union } from './object-request.ts'
import type { Queries } from './queries.ts'
import { readStatusReply, type StatusMirror, type StatusReply } from './status-mirror.ts'

/** Follows status. */
export interface Follower {
  /**
   * Receives updates. `message` is the complete notification, shared by all with the same update. A follower without
   * this method only reads the mirror.
   */
  statusChanged?(change: StatusChange, eventtime: number, message: Message): void
}

/** Followers with the same subscription: their part of an update is selected and encoded once. */
interface Group {
  readonly request: ObjectRequest
  readonly picker: ChangePicker
  readonly followers: Set<Follower>
  /** Those of them that receive updates. */
  readonly receivers: Set<Required<Follower>>
}

/** Seconds that Klippy has to reply; it replies on a tick of 0.25 s. */
const TIMEOUT = 30

/** What subscriptions work with. */
export interface SubscriptionParts {
  readonly link: KlippyLink
  readonly mirror: StatusMirror
  readonly queries: Queries
  readonly events: EventBus
  readonly log: Log
}

export class Subscriptions {
  readonly #parts: SubscriptionParts
  readonly #groups = new Map<string, Group>()
  readonly #keys = new Map<Follower, string>()
  #renewal: Promise<void> | null = null
  /** The subscription that Klippy has not replied to. */
  #sent: ObjectRequest | null = null
  /** Counts the sessions of Klippy. */
  #epoch = 0

  constructor(parts: SubscriptionParts) {
    this.#parts = parts
  }

  /**
   * Replaces the subscription of `follower`; an empty request ends it. Resolves with the present values of all of it, also
   * if another call has replaced it meanwhile. Rejects with ApiError: 400 when Klippy refuses, 503 when Klippy has
   * disconnected.
   */
  async subscribe(follower: Follower, request: ObjectRequest): Promise<StatusReply> {
    this.#setRequest(follower, request)
    if (Object.keys(request).length === 0) this.#renew().catch(() => {})
    const key = this.#keys.get(follower)
    const epoch = this.#epoch
    while (this.#keys.get(follower) === key && !this.#isMirrored(request)) {
      await this.#renew()
      if (epoch !== this.#epoch) throw new KlippyDisconnected()
    }
    return this.#parts.queries.query(request)
  }

  /** Ends the subscription of `follower`. */
  unsubscribe(follower: Follower): void {
    if (!this.#keys.has(follower)) return
    this.#setRequest(follower, {})
    if (this.#parts.link.connected) this.#renew().catch(() => {})
  }

  #setRequest(follower: Follower, request: ObjectRequest): void {
    const oldKey = this.#keys.get(follower)
    if (oldKey !== undefined) {
      const group = this.#groups.get(oldKey)
      group?.followers.delete(follower)
      group?.receivers.delete(follower as Required<Follower>)
      if (group?.followers.size === 0) this.#groups.delete(oldKey)
      this.#keys.delete(follower)
    }
    if (Object.keys(request).length === 0) return
    const key = JSON.stringify(request)
    const group = this.#groups.get(key) ?? createGroup(request)
    group.followers.add(follower)
    if (receives(follower)) group.receivers.add(follower)
    this.#groups.set(key, group)
    this.#keys.set(follower, key)
  }

  /** Whether Klippy pushes all of `request`, also after its next reply: a renewal may have started without it. */
  #isMirrored(request: ObjectRequest): boolean {
    return this.#parts.mirror.covers(request) && (this.#sent === null || covers(this.#sent, request))
  }

  /** Brings Klippy's subscription up to the union of all; concurrent calls share one request. */
  #renew(): Promise<void> {
    this.#renewal ??= Promise.resolve()
      .then(() => this.#sendUnion())
      .finally(() => {
        this.#renewal = null
        this.#sent = null
      })
    return this.#renewal
  }

  async #sendUnion(): Promise<void> {
    const { link, mirror } = this.#parts
    const objects = union([...this.#groups.values()].map(group => group.request))
    if (sameRequest(objects, mirror.request)) return
    this.#sent = objects
    const [epoch, version] = [this.#epoch, mirror.version]
    const params = { objects, response_template: { method: 'process_status_update' } }
    const reply = readStatusReply(await link.request('objects/subscribe', params, { timeout: TIMEOUT }))
    if (epoch !== this.#epoch) throw new KlippyDisconnected()
    const change = difference(mirror, reply.status)
    mirror.replace(objects, reply, version)
    // Klippy pushes changes since its last look at an object. This reply was a look: it does not push these.
    this.#publish(change, reply.eventtime)
  }

  /** Takes a push of Klippy's. */
  pushed(change: StatusChange, eventtime: number): void {
    this.#parts.mirror.update(change, eventtime)
    this.#publish(change, eventtime)
  }

  #publish(change: StatusChange, eventtime: number): void {
    let whole: Message | null = null
    for (const { picker, receivers } of this.#groups.values()) {
      if (receivers.size === 0) continue
      const part = picker.pick(change)
      if (part === undefined) continue
      const message: Message = part === change && whole !== null ? whole : messageOf(part, eventtime)
      if (part === change) whole = message
      for (const follower of receivers) this.#update(follower, part, eventtime, message)
    }
    this.#parts.events.emit('klippy:status', change, eventtime)
  }

  /** A follower that fails does not stop the others. */
  #update(follower: Required<Follower>, part: StatusChange, eventtime: number, message: Message): void {
    try {
      follower.statusChanged(part, eventtime, message)
    } catch (error) {
      this.#parts.log.error('a status update failed', error)
    }
  }

  /** Klippy has disconnected and forgotten all subscriptions: clients subscribe again when it is ready. */
  clear(): void {
    this.#groups.clear()
    this.#keys.clear()
    this.#parts.mirror.clear()
    this.#epoch += 1
  }
}

function createGroup(request: ObjectRequest): Group {
  return { request, picker: new ChangePicker(request), followers: new Set(), receivers: new Set() }
}

function receives(follower: Follower): follower is Required<Follower> {
  return follower.statusChanged !== undefined
}

function messageOf(change: StatusChange, eventtime: number): Message {
  return new Message(() => notificationText('notify_status_update', [change, eventtime]))
}

/** The fields that mirror and reply contain, where the reply has another value than Klippy's last push. */
function difference(mirror: StatusMirror, later: StatusChange): StatusChange {
  const { status: earlier } = mirror
  const change: Record<string, Record<string, unknown>> = {}
  for (const [name, fields] of Object.entries(later)) {
    const known = Object.hasOwn(earlier, name) ? earlier[name] : undefined
    if (known === undefined) continue
    const changed = Object.entries(fields).filter(
      ([field, value]) =>
        Object.hasOwn(known, field) &&
        (mirror.isUnpushed(name, field) || !isDeepStrictEqual(known[field], value)),
    )
    if (changed.length > 0) change[name] = Object.fromEntries(changed)
  }
  return change
}
