// A client that stays: its identity, its requests from us, and what is sent to it however slowly it reads.
import type { Transport } from '../api/endpoint.ts'
import type { StatusChange } from '../api/printer.ts'
import { ApiError } from '../core/errors.ts'
import type { Message } from './message.ts'
import type { User } from './user.ts'

/** Past this many unsent bytes, status updates are merged instead of queued. */
const MERGE_ABOVE = 256 * 1024
/** Past this many unsent bytes, beside one long message, a client is dropped (security.md, "Load"). */
const DROP_ABOVE = 8 * 1024 * 1024
/** Past this many unsent bytes a client is asked nothing more: who asks must not get it dropped. */
const ASK_BELOW = DROP_ABOVE / 2
/** So many requests may wait for one client's answer. */
const MAX_WAITING = 100
/** A client's answer may be a text of this length. */
const MAX_ANSWER = 8 * 1024 * 1024
/** What who waits for a client that goes away is told, in the words of the original. */
const GONE = 'Client Socket Disconnected'

/** The way to a client: a WebSocket or a unix socket. */
export interface Channel {
  /** Sends a text meant for this client alone. */
  send(text: string): void
  /** Sends a text that goes to many, encoded once for all of them. */
  sendShared(message: Message): void
  /** Bytes that wait to be sent. */
  readonly buffered: number
  /** Calls back whenever nothing waits any more. */
  onDrain(listener: () => void): void
  /** Says goodbye with a WebSocket close code. */
  close(code: number, reason: string): void
  /** Ends at once. */
  terminate(): void
}

/** What a client said of itself in server.connection.identify. */
export interface ClientInfo {
  readonly name: string
  readonly version: string
  readonly type: string
  readonly url: string
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (reason: unknown) => void
}

/**
 * A call as agents know it: parameters that are none are left out (API document, "Register a method with Klipper").
 * Throws ApiError 400 for what cannot be written.
 */
function callText(method: string, params: unknown, id?: number): string {
  const none = params === undefined || params === null || Object.keys(params).length === 0
  const call = { jsonrpc: '2.0', method, ...(!none && { params }), ...(id !== undefined && { id }) }
  try {
    return JSON.stringify(call)
  } catch (error) {
    throw new ApiError(400, `The parameters of '${method}' are nested too deeply`, { cause: error })
  }
}

export class Connection {
  readonly id: number
  readonly transport: Transport
  readonly address: string | null
  /** Null for a stranger, who hears nothing: neither status nor requests. */
  user: User | null
  client: ClientInfo | null = null
  readonly #channel: Channel
  readonly #waiting = new Map<number, Waiting>()
  #nextRequest = 1
  #merged: { change: Record<string, Record<string, unknown>>; eventtime: number } | null = null
  /** Unsent bytes that may be left. */
  #allowed = DROP_ABOVE
  #closed = false

  constructor(id: number, transport: Transport, address: string | null, user: User | null, channel: Channel) {
    this.id = id
    this.transport = transport
    this.address = address
    this.user = user
    this.#channel = channel
    channel.onDrain(() => this.#sendMerged())
  }

  /** A connection is the caller of what it asks. */
  get connection(): Connection {
    return this
  }

  /** Sends a reply, or anything meant for this client alone. */
  send(text: string): void {
    const before = this.#channel.buffered
    if (!this.#mayQueue(before)) return
    this.#channel.send(text)
    this.#allowFor(before)
  }

  /** Sends a notification that others get too. */
  notify(message: Message): void {
    const before = this.#channel.buffered
    if (!this.#mayQueue(before)) return
    this.#channel.sendShared(message)
    this.#allowFor(before)
  }

  /** Sends a status update; for a client that does not keep up it is merged with those it has not read yet. */
  sendStatus(change: StatusChange, eventtime: number, message: Message): void {
    if (this.user === null) return
    if (this.#merged === null && this.#channel.buffered <= MERGE_ABOVE) {
      this.#channel.sendShared(message)
      return
    }
    // Without a prototype, which a name might be that of.
    this.#merged ??= { change: Object.create(null), eventtime }
    this.#merged.eventtime = eventtime
    const { change: merged } = this.#merged
    for (const name in change) merged[name] = Object.assign(merged[name] ?? {}, change[name])
  }

  #sendMerged(): void {
    if (this.#merged === null || this.#closed) return
    const { change, eventtime } = this.#merged
    this.#merged = null
    if (this.user === null) return
    this.#channel.send(
      JSON.stringify({ jsonrpc: '2.0', method: 'notify_status_update', params: [change, eventtime] }),
    )
  }

  #mayQueue(buffered: number): boolean {
    if (this.#closed) return false
    if (buffered <= this.#allowed) return true
    this.#channel.terminate()
    return false
  }

  /** A message goes out at the pace of the network, however long it is: who reads it is told other things meanwhile. */
  #allowFor(before: number): void {
    if (before <= DROP_ABOVE) this.#allowed = DROP_ABOVE + Math.max(0, this.#channel.buffered - before)
  }

  /** Calls a method of the client's that gives no answer. */
  call(method: string, params: unknown): void {
    if (this.user !== null) this.send(callText(method, params))
  }

  /**
   * Asks the client something. Rejects with ApiError: 400 for parameters that cannot be written; 424 when it answers
   * with an error, which goes along as `data`; 500 when it goes away; 502 when the answer is too long; 503 when it is
   * not logged in or too much waits for it. Rejects with the signal's reason when that comes first.
   */
  async request(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    if (this.user === null) throw new ApiError(503, 'The client is not logged in')
    if (this.#closed) throw new ApiError(500, GONE)
    if (this.#waiting.size >= MAX_WAITING) {
      throw new ApiError(503, `${this.#title} does not keep up: ${MAX_WAITING} requests wait for its answers`)
    }
    if (this.#channel.buffered > ASK_BELOW) {
      throw new ApiError(503, `${this.#title} does not keep up: it leaves unread what it is sent`)
    }
    const id = this.#nextRequest++
    const text = callText(method, params, id)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      signal.addEventListener('abort', () => this.#giveUp(id, signal.reason), { once: true })
      this.send(text)
    })
  }

  #giveUp(id: number, reason: unknown): void {
    this.#waiting.get(id)?.reject(reason)
    this.#waiting.delete(id)
  }

  get #title(): string {
    return `Agent ${this.client?.name ?? 'unknown'}`
  }

  /** Takes the client's answer to a request of ours, a text of `length`. Answers to nothing are ignored. */
  settle(id: unknown, reply: Readonly<Record<string, unknown>>, length: number): void {
    const waiting = this.#waiting.get(id as number)
    if (waiting === undefined) return
    this.#waiting.delete(id as number)
    const { result, error = null } = reply
    if (length > MAX_ANSWER) {
      waiting.reject(
        new ApiError(502, `${this.#title} answered too much: ${length} characters of at most ${MAX_ANSWER}`),
      )
    } else if ('result' in reply && error === null) waiting.resolve(result)
    else waiting.reject(new ApiError(424, `${this.#title} RPC error`, { data: error }))
  }

  close(code: number, reason: string): void {
    this.#channel.close(code, reason)
  }

  terminate(): void {
    this.#channel.terminate()
  }

  /** The transport says that the client is gone. */
  closed(): void {
    this.#closed = true
    this.#merged = null
    for (const { reject } of this.#waiting.values()) reject(new ApiError(500, GONE))
    this.#waiting.clear()
  }
}
