// The server's copy of the status objects that Klippy pushes, and whether it is as new as what clients already know.
import { isDeepStrictEqual } from 'node:util'
import type { StatusChange } from '../api/printer.ts'
import type { Clock } from '../core/clock.ts'
import { isPlainObject } from '../schema/index.ts'
import { covers, type ObjectRequest, pick } from './object-request.ts'

/** A status reply: Klippy's clock in seconds, and fields by object. */
export interface StatusReply {
  readonly eventtime: number
  readonly status: StatusChange
}

/** The status in a message of Klippy's; what is not an object with fields is left out. */
export function readStatus(status: unknown): StatusChange {
  if (!isPlainObject(status)) return {}
  for (const name in status) {
    if (isPlainObject(status[name])) continue
    return Object.fromEntries(
      Object.entries(status).filter(([, fields]) => isPlainObject(fields)),
    ) as StatusChange
  }
  return status as StatusChange
}

/** A reply of Klippy's to a query or a subscription. */
export function readStatusReply(reply: unknown): StatusReply {
  const { eventtime, status } = isPlainObject(reply) ? reply : {}
  return { eventtime: typeof eventtime === 'number' ? eventtime : 0, status: readStatus(status) }
}

/** Endpoints that change no status: they only read, or configure the connection. */
const READING_ENDPOINTS: ReadonlySet<string> = new Set([
  'info',
  'list_endpoints',
  'register_remote_method',
  'objects/list',
  'objects/query',
  'objects/subscribe',
  'gcode/help',
  'gcode/subscribe_output',
])

/** Whether a call of Klippy's `endpoint` may change status. */
export function mayChangeStatus(endpoint: string): boolean {
  return !READING_ENDPOINTS.has(endpoint)
}

/**
 * Klippy pushes changes on a tick of 0.25 s. A client that has the reply to a command may query in between, and must
 * see the status after the command: each such reply outdates the mirror until Klippy looks at its objects again.
 */
export class StatusMirror {
  readonly #clock: Clock
  #request: ObjectRequest = {}
  /** Without a prototype, which a name might be that of. */
  #status: Record<string, Record<string, unknown>> = Object.create(null)
  #eventtime = 0
  #eventtimeAt = 0
  #version = 0
  #currentVersion = 0
  #pushesMayBeOlder = false
  /** Fields by object that a query has changed here, and Klippy has not pushed since. */
  #unpushed = new Map<string, Set<string>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What Klippy pushes changes of. */
  get request(): ObjectRequest {
    return this.#request
  }

  /** All mirrored fields, by object. The mirror changes them in place. */
  get status(): StatusChange {
    return this.#status
  }

  /** Grows whenever the mirror becomes outdated. Remember it before a request whose reply `refresh` or `replace` gets. */
  get version(): number {
    return this.#version
  }

  covers(request: ObjectRequest): boolean {
    return covers(this.#request, request)
  }

  /** The status of `request`; undefined where the mirror lacks a part of it or is outdated. */
  read(request: ObjectRequest): StatusReply | undefined {
    if (this.#currentVersion !== this.#version || !this.covers(request)) return undefined
    return { eventtime: this.#now(), status: pick(this.#status, request) }
  }

  /**
   * Klippy may have changed status without a push so far. `elsewhere`: the reply came on another connection, and may
   * have overtaken a push that Klippy sent before it; so only a reply to a later query makes the mirror current.
   */
  outdate(elsewhere = false): void {
    this.#version += 1
    this.#pushesMayBeOlder ||= elsewhere
  }

  /**
   * Whether only a query has reported the present value of a field so far. Klippy pushes it on its next tick, unless a
   * subscription looks at it before.
   */
  isUnpushed(name: string, field: string): boolean {
    return this.#unpushed.get(name)?.has(field) === true
  }

  /** Takes a push. */
  update(change: StatusChange, eventtime: number): void {
    for (const name in change) {
      const fields = this.#unpushed.get(name)
      if (fields !== undefined) for (const field in change[name]) fields.delete(field)
    }
    this.#merge(change, eventtime)
    if (!this.#pushesMayBeOlder) this.#currentVersion = this.#version
  }

  /** Takes the reply to a query that was sent at `version`. In its tick Klippy sends the changes of other objects first. */
  refresh({ status, eventtime }: StatusReply, version: number): void {
    const mirrored: Record<string, Readonly<Record<string, unknown>>> = {}
    for (const name in status) {
      if (!Object.hasOwn(this.#request, name)) continue
      const fields = this.#request[name] ?? null
      const values = status[name] as Readonly<Record<string, unknown>>
      mirrored[name] =
        fields === null
          ? values
          : Object.fromEntries(Object.entries(values).filter(([field]) => fields.includes(field)))
    }
    this.#markUnpushed(mirrored)
    this.#merge(mirrored, eventtime)
    this.#markCurrent(version)
  }

  #markUnpushed(reply: StatusChange): void {
    for (const [name, values] of Object.entries(reply)) {
      const known = this.#status[name]
      if (known === undefined) continue
      for (const field in values) {
        if (isDeepStrictEqual(known[field], values[field])) continue
        const fields = this.#unpushed.get(name) ?? new Set()
        this.#unpushed.set(name, fields.add(field))
      }
    }
  }

  /** Takes the reply to a new subscription to `request` that was sent at `version`. */
  replace(request: ObjectRequest, { status, eventtime }: StatusReply, version: number): void {
    this.#request = request
    this.#unpushed.clear()
    this.#status = Object.create(null)
    for (const name in status) this.#status[name] = { ...status[name] }
    this.#tick(eventtime)
    this.#markCurrent(version)
  }

  /** Klippy has disconnected. */
  clear(): void {
    this.#request = {}
    this.#unpushed.clear()
    this.#status = Object.create(null)
  }

  #markCurrent(version: number): void {
    if (version !== this.#version) return
    this.#currentVersion = version
    this.#pushesMayBeOlder = false
  }

  #merge(change: StatusChange, eventtime: number): void {
    for (const name in change) {
      const known = this.#status[name]
      if (known === undefined) this.#status[name] = { ...change[name] }
      else Object.assign(known, change[name])
    }
    this.#tick(eventtime)
  }

  #tick(eventtime: number): void {
    this.#eventtime = eventtime
    this.#eventtimeAt = this.#clock.monotonic()
  }

  /** Klippy's clock now: like ours, it is the machine's monotonic clock. */
  #now(): number {
    if (this.#eventtime === 0) return 0
    return this.#eventtime + this.#clock.monotonic() - this.#eventtimeAt
  }
}
