// Publishes the status of Klipper: as one message for each change, or as one topic for each field.
import type { StatusChange } from '../../api/printer.ts'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { ObjectRequest } from '../../klippy/object-request.ts'
import type { StatusReply } from '../../klippy/status-mirror.ts'
import type { Follower } from '../../klippy/subscriptions.ts'
import type { MqttBroker } from './service.ts'
import { asLevel } from './topics.ts'

/** Messages that are passed to the broker's queue at a time: a status with many fields must not fill the queue. */
const BATCH = 100

/** How the status is published. */
export interface StatusOptions {
  /** What is published after each start of Klippy. */
  readonly objects: ObjectRequest
  /** Least seconds between two messages; 0 publishes each change at once. */
  readonly interval: number
  /** Whether each field is a topic of its own. */
  readonly split: boolean
}

interface Pending {
  readonly status: Record<string, Record<string, unknown>>
  eventtime: number
}

/** One message: its topic below the instance name, and its payload. */
type Part = readonly [topic: string, payload: string]

export class StatusPublisher implements Follower {
  readonly #core: Pick<Core, 'printer' | 'events' | 'clock' | 'log'>
  readonly #broker: MqttBroker
  readonly #options: StatusOptions
  /** What is subscribed now. */
  #objects: ObjectRequest = {}
  /** Changes that are not sent yet. */
  #pending: Pending | null = null
  #sending = false

  constructor(
    core: Pick<Core, 'printer' | 'events' | 'clock' | 'log'>,
    broker: MqttBroker,
    options: StatusOptions,
  ) {
    this.#core = core
    this.#broker = broker
    this.#options = options
  }

  /** Publishes from now on, until `scope` is closed. */
  start(scope: Scope): void {
    const { events, clock, printer } = this.#core
    const { interval } = this.#options
    const subscribe = () => this.#run(this.#subscribeConfigured())
    scope.use(events.on('klippy:ready', subscribe))
    scope.use(
      events.on('klippy:identified', () => {
        const state = printer.session.info?.state
        if (state === 'error' || state === 'shutdown') subscribe()
      }),
    )
    scope.use(events.on('klippy:disconnected', () => this.#disconnected()))
    scope.use(
      this.#broker.onConnection(connected => {
        if (connected) this.#run(this.#publishAll())
        else this.#pending = null
      }),
    )
    if (interval > 0) {
      const timer = clock.every(interval, () => this.#flush())
      scope.defer(() => timer.stop())
    }
    scope.defer(() => printer.unsubscribe(this))
  }

  /** Replaces what is published, until Klippy starts again. Resolves with the present status. */
  async subscribe(objects: ObjectRequest): Promise<StatusReply> {
    this.#objects = objects
    return this.#core.printer.subscribe(this, objects)
  }

  statusChanged(change: StatusChange, eventtime: number): void {
    if (!this.#broker.connected) return
    this.#merge(change, eventtime)
    if (this.#options.interval === 0) this.#flush()
  }

  #run(work: Promise<void>): void {
    work.catch(error => this.#core.log.warning(`the status cannot be published: ${messageOf(error)}`))
  }

  async #subscribeConfigured(): Promise<void> {
    const { objects } = this.#options
    if (Object.keys(objects).length > 0) this.#publish(await this.subscribe(objects))
  }

  /** What was published before the connection was lost is out of date. */
  async #publishAll(): Promise<void> {
    if (Object.keys(this.#objects).length === 0) return
    this.#publish(await this.#core.printer.query(this.#objects))
  }

  #publish({ status, eventtime }: StatusReply): void {
    if (!this.#broker.connected) return
    this.#merge(status, eventtime)
    this.#flush()
  }

  #merge(change: StatusChange, eventtime: number): void {
    // Without a prototype, so that `__proto__` is a name like any other.
    this.#pending ??= { status: Object.create(null), eventtime }
    const { status } = this.#pending
    this.#pending.eventtime = eventtime
    for (const name in change) status[name] = Object.assign(status[name] ?? {}, change[name])
  }

  #disconnected(): void {
    this.#objects = {}
    this.#flush()
  }

  /** Sends the pending changes. While a slow broker takes them, later changes are merged. */
  #flush(): void {
    if (this.#sending || this.#pending === null) return
    const { status, eventtime } = this.#pending
    this.#pending = null
    this.#sending = true
    this.#send(this.#options.split ? splitParts(status, eventtime) : [combinedPart(status, eventtime)])
      .catch(error => this.#core.log.debug(`a status was not published: ${messageOf(error)}`))
      .finally(() => {
        this.#sending = false
        if (this.#options.interval === 0) this.#flush()
      })
  }

  async #send(parts: readonly Part[]): Promise<void> {
    const { instanceName } = this.#broker
    const retain = this.#options.split
    for (let next = 0; next < parts.length; next += BATCH) {
      const batch = parts.slice(next, next + BATCH)
      await Promise.all(
        batch.map(([topic, payload]) =>
          this.#broker.publish(`${instanceName}/klipper/${topic}`, payload, { retain }),
        ),
      )
    }
  }
}

function combinedPart(status: StatusChange, eventtime: number): Part {
  return ['status', JSON.stringify({ eventtime, status })]
}

function splitParts(status: StatusChange, eventtime: number): Part[] {
  return Object.entries(status).flatMap(([object, fields]) =>
    Object.entries(fields).map(
      ([field, value]): Part => [
        `state/${asLevel(object)}/${asLevel(field)}`,
        JSON.stringify({ eventtime, value }),
      ],
    ),
  )
}
