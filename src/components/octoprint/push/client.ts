// One client of the push socket: what it subscribed to, how often, and what has not been sent to it yet.
import { cutText } from '../../../core/cut-text.ts'
import type { User } from '../../../rpc/user.ts'
import { isPlainObject } from '../../../schema/index.ts'
import type { Point } from '../temperature-history.ts'
import type { PushChannel } from './channel.ts'

/** Lines and points that wait for the next message. */
const MAX_PENDING = 300
/** Characters of a line that are sent; a script may have a million. */
const MAX_LINE = 4096
/** The largest factor of the interval between messages. */
const MAX_THROTTLE = 120

/** The parts of a message that are the same for all clients. */
export type Snapshot = Readonly<Record<string, unknown>>

export class PushClient {
  readonly #channel: PushChannel
  /** Null until the client has shown who it is. */
  user: User | null = null
  #throttle = 1
  #ticks = 0
  /** The snapshot that was sent last, as text. */
  #sent = ''
  #wanted = { state: true, logs: true, events: true as boolean | ReadonlySet<string> }
  #logs: string[] = []
  #temperatures: Point[] = []

  constructor(channel: PushChannel) {
    this.#channel = channel
  }

  send(type: string, payload: unknown): void {
    this.#channel.send(JSON.stringify({ [type]: payload }))
  }

  close(code: number, reason: string): void {
    this.#channel.close(code, reason)
  }

  /** The client has shown that it is `user`. */
  identified(user: User): void {
    this.user = user
    this.#channel.identified(user)
  }

  /** Sends an event, unless the client does not want it. */
  event(type: string, payload: object): void {
    const { events } = this.#wanted
    if (events === true || (events !== false && events.has(type))) this.send('event', { type, payload })
  }

  log(line: string): void {
    if (this.#wanted.logs) keep(this.#logs, cutText(line, MAX_LINE))
  }

  temperatures(point: Point): void {
    keep(this.#temperatures, point)
  }

  /** Sends what is new, once in as many calls as the client has requested. */
  tick(snapshot: Snapshot, text: string, time: number): void {
    this.#ticks += 1
    if (this.#ticks % this.#throttle !== 0 || !this.#wanted.state) return
    const isNew = text !== this.#sent || this.#logs.length > 0 || this.#temperatures.length > 0
    if (!isNew) return
    this.#sent = text
    const [logs, temps] = [this.#logs, this.#temperatures]
    this.#logs = []
    this.#temperatures = []
    this.send('current', { ...snapshot, serverTime: time, temps, logs, messages: logs.map(plainLine) })
  }

  /** `throttle`: a factor of the interval between messages. */
  setThrottle(factor: unknown): void {
    if (Number.isInteger(factor)) this.#throttle = Math.min(Math.max(factor as number, 1), MAX_THROTTLE)
  }

  /** `subscribe`: which messages the client wants; parts that it leaves out stay on. */
  subscribe(wanted: unknown): void {
    if (!isPlainObject(wanted)) return
    const { state = true, events = true } = wanted
    this.#wanted = {
      state: state !== false,
      logs: !isPlainObject(state) || (state.logs ?? true) !== false,
      events: Array.isArray(events)
        ? new Set(events.filter(event => typeof event === 'string'))
        : events !== false,
    }
    if (!this.#wanted.logs) this.#logs = []
  }
}

function keep<T>(list: T[], item: T): void {
  list.push(item)
  if (list.length > MAX_PENDING) list.shift()
}

/** A line without its direction. */
function plainLine(line: string): string {
  return line.slice(line.indexOf(' ') + 1)
}
