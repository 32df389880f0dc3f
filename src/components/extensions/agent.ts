// One agent as long as it is connected: what it serves to Klipper, and how many events it may send.
import type { Core } from '../../component/component.ts'
import { Allowance } from '../../core/allowance.ts'
import { ApiError } from '../../core/errors.ts'
import { jsonText } from '../../core/json-text.ts'
import type { Connection } from '../../rpc/connection.ts'

/** Events a second; further ones would drown what other clients wait for. */
const EVENTS = { perSecond: 100, most: 200 }
/** Characters of events a second: each goes to every client, and the slowest must keep up. */
const EVENT_TEXT = { perSecond: 256 * 1024, most: 1024 * 1024 }
/** The longest event, in characters of JSON. */
const MAX_EVENT = 256 * 1024
const MAX_METHODS = 100
const MAX_METHOD_NAME = 200

/** Events about the connection itself; agents may not send them. */
const RESERVED_EVENTS: readonly string[] = ['connected', 'disconnected']

export class Agent {
  readonly name: string
  readonly #connection: Connection
  readonly #core: Core
  readonly #methods = new Set<string>()
  readonly #events: Allowance
  readonly #eventText: Allowance

  constructor(core: Core, connection: Connection, name: string) {
    this.name = name
    this.#connection = connection
    this.#core = core
    this.#events = new Allowance(core.clock, EVENTS)
    this.#eventText = new Allowance(core.clock, EVENT_TEXT)
  }

  /** Others learn that it is there. */
  arrived(): void {
    this.#send('connected', this.#connection.client)
  }

  /** Removes its methods, and notifies the other clients. */
  left(): void {
    for (const name of this.#methods) this.#core.printer.session.removeRemoteMethod(name)
    this.#send('disconnected')
  }

  /** Sends an event of the agent to all other clients. Throws ApiError 400, or 429 for too many. */
  sendEvent(event: string, data: unknown): void {
    if (RESERVED_EVENTS.includes(event)) throw new ApiError(400, `Event '${event}' is reserved`)
    const length = event.length + lengthOf(data)
    if (length > MAX_EVENT) {
      throw new ApiError(400, `The event is too long: ${length} characters of at most ${MAX_EVENT}`)
    }
    if (!this.#events.take(1) || !this.#eventText.take(length)) {
      throw new ApiError(
        429,
        `Too many events: at most ${EVENTS.perSecond} and ${EVENT_TEXT.perSecond / 1024} KiB a second are sent`,
      )
    }
    this.#send(event, data)
  }

  #send(event: string, data: unknown = null): void {
    const notice = { agent: this.name, event, ...(data !== null && { data }) }
    this.#core.connections.notifyOthers(this.#connection, 'notify_agent_event', notice)
  }

  /** Lets Klipper's macros call a method of it, now and after each start of Klipper. Throws ApiError 400. */
  registerMethod(name: string): void {
    const { session } = this.#core.printer
    if (name.trim() === '' || name.length > MAX_METHOD_NAME) {
      throw new ApiError(400, `'method_name' must be a name of 1 to ${MAX_METHOD_NAME} characters`)
    }
    if (session.hasRemoteMethod(name)) throw new ApiError(400, `Remote method (${name}) already registered`)
    if (this.#methods.size >= MAX_METHODS) {
      throw new ApiError(400, `An agent may register ${MAX_METHODS} remote methods, and these are registered`)
    }
    this.#methods.add(name)
    session.addRemoteMethod(name, params => this.#connection.call(name, params))
  }

  /**
   * Calls a method of it and gives its answer, as text. Rejects with ApiError as Connection.request does, with 502 for
   * an answer that cannot be handed on, and with 504 after `timeout` seconds.
   */
  async request(method: string, args: unknown, timeout: number): Promise<unknown> {
    const timeLimit = new AbortController()
    const timer = this.#core.clock.after(timeout, () =>
      timeLimit.abort(new ApiError(504, `Agent ${this.name} did not answer '${method}' within ${timeout} s`)),
    )
    try {
      return this.#handOn(await this.#connection.request(method, args, timeLimit.signal))
    } finally {
      timer.stop()
    }
  }

  #handOn(result: unknown): unknown {
    try {
      return jsonText(JSON.stringify(result))
    } catch (error) {
      throw new ApiError(502, `Agent ${this.name} answered with what is nested too deeply`, { cause: error })
    }
  }
}

/** Characters of `data` as JSON. Throws ApiError 400 where it cannot be written. */
function lengthOf(data: unknown): number {
  try {
    return JSON.stringify(data)?.length ?? 0
  } catch (error) {
    throw new ApiError(400, 'The data of the event is nested too deeply', { cause: error })
  }
}
