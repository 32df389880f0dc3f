// objects/query and objects/subscribe: replies and updates at Klipper's pace of four times a second.

import { performance } from 'node:perf_hooks'
import { isDeepStrictEqual } from 'node:util'
import { WebRequestError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import type { Connection } from './connection.ts'
import { type ApiRequest, isRecord, recordOf } from './endpoints.ts'

/** Requested fields per object; null means all. */
type Wanted = Map<string, string[] | null>

interface Answer {
  eventtime: number
  status: Record<string, Status>
}

interface Subscription {
  wanted: Wanted
  template: Record<string, unknown>
}

/** Seconds on the host's monotonic clock, Klipper's `eventtime`. */
function eventtime(): number {
  return Number((process.hrtime.bigint() / 1000n).toString()) / 1e6
}

/** Serves the object endpoints of one run of Klippy. */
export class StatusFeed {
  readonly #host: Host
  /** Milliseconds. */
  readonly #interval: number
  readonly #subscriptions = new Map<Connection, Subscription>()
  #queries: { wanted: Wanted; answer: (answer: Answer) => void }[] = []
  #last = new Map<string, Status>()
  #timer: NodeJS.Timeout | undefined
  #nextTick = 0

  /** `interval` is the time between two updates in seconds. */
  constructor(host: Host, interval: number) {
    this.#host = host
    this.#interval = interval * 1000
    const { endpoints, objects } = host
    endpoints.add('objects/list', () => ({ objects: objects.names }))
    endpoints.add('objects/query', request => this.#read(wantedOf(request)))
    endpoints.add('objects/subscribe', request => this.#subscribe(request))
    host.lifecycle.onEnd(() => clearTimeout(this.#timer))
  }

  /** Removes the subscription of a closed connection. */
  forget(connection: Connection): void {
    this.#subscriptions.delete(connection)
  }

  async #subscribe(request: ApiRequest): Promise<Answer> {
    const wanted = wantedOf(request)
    const template = recordOf(request, 'response_template', {})
    // An empty subscription ends the old one. Changes are sent only after the first, full answer.
    this.#subscriptions.delete(request.connection)
    const answer = await this.#read(wanted, () => {
      if (wanted.size > 0) this.#subscriptions.set(request.connection, { wanted, template })
    })
    return answer
  }

  #read(wanted: Wanted, then?: () => void): Promise<Answer> {
    return new Promise(resolve => {
      this.#queries.push({
        wanted,
        answer: answer => {
          then?.()
          resolve(answer)
        },
      })
      // The first query gets its reply at once, queries shortly after it with the next tick.
      if (this.#timer === undefined) this.#plan()
    })
  }

  #plan(): void {
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, this.#nextTick - performance.now()))
  }

  #tick(): void {
    const started = performance.now()
    const previous = this.#last
    this.#last = new Map()
    const time = eventtime()
    const queries = this.#queries
    this.#queries = []
    this.#host.clock.moment(() => {
      for (const [connection, subscription] of this.#subscriptions) {
        const status = this.#changes(subscription.wanted, previous)
        if (status !== undefined) {
          connection.send({ ...subscription.template, params: { eventtime: time, status } })
        }
      }
      for (const { wanted, answer } of queries) answer({ eventtime: time, status: this.#full(wanted) })
    })
    const due = this.#nextTick + this.#interval
    const latest = started + this.#interval
    this.#nextTick = due > started && due <= latest ? due : latest
    this.#timer = undefined
    if (this.#last.size > 0) this.#plan()
  }

  #changes(wanted: Wanted, previous: Map<string, Status>): Record<string, Status> | undefined {
    let changes: Record<string, Status> | undefined
    for (const [name, fields] of wanted) {
      const now = this.#status(name)
      const before = previous.get(name) ?? {}
      let changed: Status | undefined
      for (const field of fields ?? Object.keys(now)) {
        const value = now[field] ?? null
        if (value === before[field] || isDeepStrictEqual(value, before[field] ?? null)) continue
        changed ??= {}
        changed[field] = value
      }
      if (changed === undefined) continue
      changes ??= {}
      changes[name] = changed
    }
    return changes
  }

  #full(wanted: Wanted): Record<string, Status> {
    const status: Record<string, Status> = {}
    for (const [name, fields] of wanted) {
      const now = this.#status(name)
      status[name] =
        fields === null ? now : Object.fromEntries(fields.map(field => [field, now[field] ?? null]))
    }
    return status
  }

  // Reads each object once per tick, however many clients follow it.
  #status(name: string): Status {
    let status = this.#last.get(name)
    if (status === undefined) {
      status = this.#host.objects.status(name) ?? {}
      this.#last.set(name, status)
    }
    return status
  }
}

function wantedOf(request: ApiRequest): Wanted {
  const objects = recordOf(request, 'objects')
  const wanted: Wanted = new Map()
  for (const [name, fields] of Object.entries(objects)) {
    if (fields !== null && !isNames(fields)) throw new WebRequestError('Invalid argument')
    wanted.set(name, fields)
  }
  return wanted
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && !isRecord(value) && value.every(name => typeof name === 'string')
}
