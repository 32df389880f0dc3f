// A client's open connection: its identity, our requests to it, and bounded queues for what it has not read yet.
import type { Transport } from '../api/endpoint.ts'
import type { StatusChange } from '../api/printer.ts'
import { ApiError } from '../core/errors.ts'
import type { Message } from './message.ts'
import type { User } from './user.ts'

/** Above so many unsent bytes, status updates are merged instead of queued. */
const MERGE_ABOVE = 256 * 1024
/** Above so many unsent bytes, without those of one long message, the client is disconnected. */
const DROP_ABOVE = 8 * 1024 * 1024
/** Above so many unsent bytes the server sends no more requests, so that requests alone never disconnect the client. */
const REQUEST_BELOW = DROP_ABOVE / 2
/** How many requests may wait for one client's replies. */
const MAX_WAITING = 100
/** The longest reply of a client, in characters. */
const MAX_REPLY = 8 * 1024 * 1024
/** The error of requests that wait when the client disconnects; the original's text. */
const DISCONNECTED = 'Client Socket Disconnected'

/** Sends messages to a client over a WebSocket or a unix socket. */
export interface Channel {
  /** Sends a text for this client alone. */
  send(text: string): void
  /** Sends a text that many clients get, encoded once for all of them. */
  sendShared(message: Message): void
  /** Unsent bytes. */
  readonly buffered: number
  /** Calls `listener` whenever all bytes have been sent. */
  onDrain(listener: () => void): void
  /** Sends a close frame with this code, and disconnects. */
  close(code: number, reason: string): void
  /** Disconnects at once. */
  terminate(): void
}

/** What a client reported about itself in server.connection.identify. */
export interface ClientInfo {
  readonly name: string
  readonly version: string
  readonly type: string
  readonly url: string
}

/** A request that a client has not answered yet. */
interface PendingCall {
  readonly resolve: (result: unknown) => void
  readonly reject: (reason: unknown) => void
}

/**
 * A request to a client. Without parameters there is no `params` key (API document, "Register a method with Klipper").
 * Throws ApiError 400 for parameters that cannot be encoded.
 */
function callText(method: string, params: unknown, id?: number): string {
  const isEmpty = params === undefined || params === null || Object.keys(params).length === 0
  const call = { jsonrpc: '2.0', method, ...(!isEmpty && { params }), ...(id !== undefined && { id }) }
  try {
    return JSON.stringify(call)
  } catch (error) {
    throw new ApiError(400, `The parameters of '${method}' are nested too deeply`, { cause: error })
  }
}

/** What is counted over all connections since the start. */
export interface ConnectionCounts {
  /** Status updates that were merged for clients that had not read the ones before. */
  statusMerged: number
  /** Clients that were disconnected since they did not read what they had requested. */
  slowClosed: number
}

export class Connection {
  readonly id: number
  readonly transport: Transport
  readonly address: string | null
  /** Null for an unauthenticated client, which gets neither status nor requests. */
  user: User | null
  client: ClientInfo | null = null
  readonly #channel: Channel
  readonly #counts: ConnectionCounts
  readonly #waiting = new Map<number, PendingCall>()
  #nextRequest = 1
  #merged: { change: Record<string, Record<string, unknown>>; eventtime: number } | null = null
  /** The client is disconnected above so many unsent bytes. */
  #allowed = DROP_ABOVE
  #closed = false

  constructor(
    id: number,
    transport: Transport,
    address: string | null,
    user: User | null,
    channel: Channel,
    counts: ConnectionCounts,
  ) {
    this.id = id
    this.transport = transport
    this.address = address
    this.user = user
    this.#channel = channel
    this.#counts = counts
    channel.onDrain(() => this.#sendMerged())
  }

  /** Bytes that the client has not read. */
  get unsent(): number {
    return this.#channel.buffered
  }

  /** A connection is the caller of its own requests. */
  get connection(): Connection {
    return this
  }

  /** Sends a reply, or another text for this client alone. */
  send(text: string): void {
    const before = this.#channel.buffered
    if (!this.#mayQueue(before)) return
    this.#channel.send(text)
    this.#allowFor(before)
  }

  /** Sends a notification that other clients get too. */
  notify(message: Message): void {
    const before = this.#channel.buffered
    if (!this.#mayQueue(before)) return
    this.#channel.sendShared(message)
    this.#allowFor(before)
  }

  /** Sends a status update; for a slow client it is merged with those that the client has not read yet. */
  sendStatus(change: StatusChange, eventtime: number, message: Message): void {
    if (this.user === null) return
    if (this.#merged === null && this.#channel.buffered <= MERGE_ABOVE) {
      this.#channel.sendShared(message)
      return
    }
    // Without a prototype, so that `__proto__` is a name like any other.
    this.#merged ??= { change: Object.create(null), eventtime }
    this.#merged.eventtime = eventtime
    this.#counts.statusMerged += 1
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
    this.#counts.slowClosed += 1
    this.#channel.terminate()
    return false
  }

  /** Allows for one long message on a slow network, and for messages queued behind it. */
  #allowFor(before: number): void {
    if (before <= DROP_ABOVE) this.#allowed = DROP_ABOVE + Math.max(0, this.#channel.buffered - before)
  }

  /** Calls a method of the client that sends no reply. */
  call(method: string, params: unknown): void {
    if (this.user !== null) this.send(callText(method, params))
  }

  /**
   * Sends the client a request. Rejects with ApiError: 400 for parameters that cannot be encoded; 424 when it replies
   * with an error, which becomes `data`; 500 when it disconnects; 502 when the reply is too long; 503 when it is not
   * logged in or too slow. Rejects with the signal's reason if the signal aborts first.
   */
  async request(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    if (this.user === null) throw new ApiError(503, 'The client is not logged in')
    if (this.#closed) throw new ApiError(500, DISCONNECTED)
    if (this.#waiting.size >= MAX_WAITING) {
      throw new ApiError(503, `${this.#title} is too slow: ${MAX_WAITING} requests wait for its replies`)
    }
    if (this.#channel.buffered > REQUEST_BELOW) {
      throw new ApiError(503, `${this.#title} is too slow: it does not read what the server sends`)
    }
    const id = this.#nextRequest++
    const text = callText(method, params, id)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      signal.addEventListener('abort', () => this.#abandon(id, signal.reason), { once: true })
      this.send(text)
    })
  }

  #abandon(id: number, reason: unknown): void {
    this.#waiting.get(id)?.reject(reason)
    this.#waiting.delete(id)
  }

  get #title(): string {
    return `Agent ${this.client?.name ?? 'unknown'}`
  }

  /** Handles the client's reply of `length` characters to a request of the server. Ignores one without a request. */
  settle(id: unknown, reply: Readonly<Record<string, unknown>>, length: number): void {
    const waiting = this.#waiting.get(id as number)
    if (waiting === undefined) return
    this.#waiting.delete(id as number)
    const { result, error = null } = reply
    if (length > MAX_REPLY) {
      waiting.reject(
        new ApiError(
          502,
          `${this.#title} sent a reply of ${length} characters; at most ${MAX_REPLY} are allowed`,
        ),
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

  /** The transport reports that the client has disconnected. */
  closed(): void {
    this.#closed = true
    this.#merged = null
    for (const { reject } of this.#waiting.values()) reject(new ApiError(500, DISCONNECTED))
    this.#waiting.clear()
  }
}
