// The session of a client: connects and reconnects, sends calls, and passes replies and notifications on.
import type { NotificationName, NotificationParams } from '../api/index.ts'
import { type Call, Calls } from './calls.ts'
import { CallError, CallTimeout, ConnectionLost } from './errors.ts'
import type { Link, OpenLink } from './link.ts'
import { Listeners } from './listeners.ts'
import { type ConnectOptions, identityOf } from './options.ts'
import { Retry } from './retry.ts'

/** JSON-RPC's code for wrong credentials. */
const UNAUTHORIZED = -32602
/** Calls in one frame that every server accepts. */
const MAX_BATCH = 100

/** The events of a client: notifications of the server, and events of the connection. */
export type ClientEvents = { [N in NotificationName]: NotificationParams<N> } & {
  /** The client has reconnected; for the first connection, `connect` resolves. */
  connected: []
  disconnected: [reason: ConnectionLost]
  /** An attempt to reconnect or to subscribe again failed. More attempts follow. */
  warning: [error: Error]
}

/** How long a call may take. */
export interface CallOptions {
  /** Timeout in seconds, instead of that of `connect`. */
  readonly timeout?: number
  /** Rejects the call with the signal's reason. The server may still execute it. */
  readonly signal?: AbortSignal
}

/** An open connection: a link and its pending calls. */
interface Connection {
  readonly link: Link
  readonly calls: Calls
}

/** Rejects the pending calls of a frame. */
type FailAll = (errorOf: (method: string) => unknown) => void

function expire(fail: FailAll, seconds: number): void {
  fail(method => new CallTimeout(method, seconds))
}

export class Session {
  readonly events = new Listeners<ClientEvents>()
  readonly #open: OpenLink
  readonly #options: ConnectOptions
  #connection: Connection | null = null
  #hasReceived = false
  #heartbeatTimer: ReturnType<typeof setInterval> | undefined
  readonly #reconnect = new Retry(
    () => this.connect(),
    error => this.events.emit('warning', [error]),
  )
  #closed = false

  constructor(open: OpenLink, options: ConnectOptions) {
    this.#open = open
    this.#options = options
  }

  get connected(): boolean {
    return this.#connection !== null
  }

  /** Whether the link delivers notifications. */
  get lasting(): boolean {
    return this.#connection?.link.lasting ?? true
  }

  /** Opens a link and identifies. Rejects if either fails. */
  async connect(): Promise<void> {
    const calls = new Calls()
    let ended: string | null = null
    const link = await this.#open({
      message: text => this.#received(calls, text),
      closed: reason => {
        ended = reason
        this.#lost(calls, reason)
      },
    })
    const connection = { link, calls }
    try {
      await this.#identify(connection)
      if (ended !== null || this.#closed) throw this.#connectionLost(ended ?? 'the client was closed')
    } catch (error) {
      link.close()
      throw error
    }
    this.#connection = connection
    if (link.lasting)
      this.#heartbeatTimer = setInterval(() => this.#checkHeartbeat(connection), this.#heartbeat * 1000)
    this.events.emit('connected', [])
  }

  async #identify(connection: Connection): Promise<void> {
    if (!connection.link.lasting) return
    const params = await identityOf(this.#options)
    if (params === undefined) return
    try {
      await this.#sendIdentity(connection, params)
    } catch (error) {
      const canRenew = typeof this.#options.accessToken === 'function'
      if (!canRenew || !(error instanceof CallError) || error.code !== UNAUTHORIZED) throw error
      await this.#sendIdentity(connection, (await identityOf(this.#options, true)) ?? params)
    }
  }

  #sendIdentity(connection: Connection, params: object): Promise<unknown> {
    const call = { method: 'server.connection.identify', params }
    return this.#send(connection, [call], { timeout: this.#heartbeat })[0] as Promise<unknown>
  }

  /** Calls one method. */
  call(call: Call, options: CallOptions = {}): Promise<unknown> {
    return this.callAll([call], options)[0] as Promise<unknown>
  }

  /** Calls several methods in one frame; each has its own promise. */
  callAll(calls: readonly Call[], options: CallOptions): Promise<unknown>[] {
    const connection = this.#connection
    if (connection === null) {
      return calls.map(({ method }) => Promise.reject(this.#connectionLost(`${method} was not sent`)))
    }
    const replies: Promise<unknown>[] = []
    for (let start = 0; start < calls.length; start += MAX_BATCH) {
      replies.push(...this.#send(connection, calls.slice(start, start + MAX_BATCH), options))
    }
    return replies
  }

  #send(connection: Connection, batch: readonly Call[], options: CallOptions): Promise<unknown>[] {
    const { signal, timeout = this.#options.timeout } = options
    const done = new AbortController()
    let waiting = batch.length
    const settled = () => {
      waiting -= 1
      if (waiting > 0) return
      clearTimeout(timer)
      done.abort()
    }
    const sent = batch.map(call => connection.calls.add(call, settled))
    const fail: FailAll = errorOf => {
      for (const { id, method } of sent) connection.calls.fail(id, errorOf(method))
    }
    const timer = timeout === undefined ? undefined : setTimeout(expire, timeout * 1000, fail, timeout)
    const aborted = () => fail(() => signal?.reason)
    signal?.addEventListener('abort', aborted, { signal: done.signal })
    const requests = sent.map(({ request }) => request)
    if (signal?.aborted) aborted()
    else this.#write(connection.link, requests.length === 1 ? requests[0] : requests, done.signal, fail)
    return sent.map(({ result }) => result)
  }

  #write(link: Link, message: unknown, signal: AbortSignal, fail: FailAll): void {
    const done = link.send(JSON.stringify(message), signal)
    done?.then(
      () => fail(method => new CallError(method, 500, `${this.#options.url} sent no reply to ${method}`)),
      error => fail(() => error),
    )
  }

  #received(calls: Calls, text: string): void {
    this.#hasReceived = true
    let message: unknown
    try {
      message = JSON.parse(text)
    } catch (error) {
      this.#drop(`not JSON: ${error instanceof Error ? error.message : 'unreadable'}`)
      return
    }
    for (const item of Array.isArray(message) ? message : [message]) this.#take(calls, item ?? {})
  }

  #take(calls: Calls, message: Readonly<Record<string, unknown>>): void {
    const { method, params, id } = message
    if (typeof method !== 'string') calls.settle(message)
    else if (id === undefined || id === null) this.events.emit(method, Array.isArray(params) ? params : [])
    else {
      const error = { code: -32601, message: 'Method not found' }
      void this.#connection?.link.send(
        JSON.stringify({ jsonrpc: '2.0', error, id }),
        new AbortController().signal,
      )
    }
  }

  get #heartbeat(): number {
    return this.#options.heartbeat ?? 20
  }

  /** A machine without power closes no connection: only a missing reply shows it. */
  #checkHeartbeat(connection: Connection): void {
    if (this.#hasReceived) {
      this.#hasReceived = false
      return
    }
    const [reply] = this.#send(connection, [{ method: 'server.info' }], { timeout: this.#heartbeat })
    reply?.catch(error => {
      if (error instanceof CallTimeout) this.#drop(`no reply to a heartbeat within ${this.#heartbeat} s`)
    })
  }

  #drop(reason: string): void {
    const connection = this.#connection
    if (connection === null) return
    this.#lost(connection.calls, reason)
    connection.link.close()
  }

  #lost(calls: Calls, reason: string): void {
    calls.failAll(method => this.#connectionLost(`${method} has no reply: ${reason}`))
    if (this.#connection?.calls !== calls) return
    this.#connection = null
    clearInterval(this.#heartbeatTimer)
    this.events.emit('disconnected', [this.#connectionLost(reason)])
    if (this.#options.reconnect !== false) this.#reconnect.start()
  }

  #connectionLost(reason: string): ConnectionLost {
    return new ConnectionLost(`no connection to ${this.#options.url}: ${reason}`)
  }

  /** Closes the connection permanently; pending calls reject with ConnectionLost. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#reconnect.stop()
    this.#drop('the client was closed')
  }
}
