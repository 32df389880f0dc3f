// One client's life: connected, lost and connected again; calls go out and what comes in finds its listeners.
import type { NotificationName, NotificationParams } from '../api/index.ts'
import { type Call, Calls } from './calls.ts'
import { CallError, CallTimeout, ConnectionLost } from './errors.ts'
import type { Link, OpenLink } from './link.ts'
import { Listeners } from './listeners.ts'
import { type ConnectOptions, identityOf } from './options.ts'

/** Seconds before each attempt to connect again; the last goes on. Up to half is taken off by chance. */
const BACKOFF = [0.5, 1, 2, 5, 10] as const
/** JSON-RPC's code for wrong credentials. */
const UNAUTHORIZED = -32602
/** Calls in one frame: what servers take without complaint. */
const MAX_BATCH = 100

/** What a client can listen to: the server's notifications, and its own connection. */
export type ClientEvents = { [N in NotificationName]: NotificationParams<N> } & {
  /** There is a connection again; the first one is told by `connect`. */
  connected: []
  disconnected: [reason: ConnectionLost]
  /** What went wrong out of sight: an attempt to connect again, to follow again. More attempts come. */
  warning: [error: Error]
}

/** How long a call may take. */
export interface CallOptions {
  /** Seconds; instead of what `connect` was told. */
  readonly timeout?: number
  /** Ends the wait with the signal's reason. The server may still do what was asked. */
  readonly signal?: AbortSignal
}

/** A link with the calls that were sent over it. */
interface Line {
  readonly link: Link
  readonly calls: Calls
}

/** Ends the calls of a frame that still wait. */
type FailAll = (errorOf: (method: string) => unknown) => void

function expire(fail: FailAll, seconds: number): void {
  fail(method => new CallTimeout(method, seconds))
}

export class Session {
  readonly events = new Listeners<ClientEvents>()
  readonly #open: OpenLink
  readonly #options: ConnectOptions
  #line: Line | null = null
  #heard = false
  #watch: ReturnType<typeof setInterval> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(open: OpenLink, options: ConnectOptions) {
    this.#open = open
    this.#options = options
  }

  get connected(): boolean {
    return this.#line !== null
  }

  /** Whether notifications come this way. */
  get lasting(): boolean {
    return this.#line?.link.lasting ?? true
  }

  /** Opens a link and identifies. Rejects where either fails. */
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
    const line = { link, calls }
    try {
      await this.#identify(line)
      if (ended !== null || this.#closed) throw this.#connectionLost(ended ?? 'the client was closed')
    } catch (error) {
      link.close()
      throw error
    }
    this.#line = line
    if (link.lasting) this.#watch = setInterval(() => this.#checkSilence(line), this.#silence * 1000)
    this.events.emit('connected', [])
  }

  async #identify(line: Line): Promise<void> {
    if (!line.link.lasting) return
    const params = await identityOf(this.#options)
    if (params === undefined) return
    try {
      await this.#introduce(line, params)
    } catch (error) {
      const canRenew = typeof this.#options.accessToken === 'function'
      if (!canRenew || !(error instanceof CallError) || error.code !== UNAUTHORIZED) throw error
      await this.#introduce(line, (await identityOf(this.#options, true)) ?? params)
    }
  }

  #introduce(line: Line, params: object): Promise<unknown> {
    const call = { method: 'server.connection.identify', params }
    return this.#send(line, [call], { timeout: this.#silence })[0] as Promise<unknown>
  }

  /** Calls one method. */
  ask(call: Call, options: CallOptions = {}): Promise<unknown> {
    return this.askAll([call], options)[0] as Promise<unknown>
  }

  /** Calls several methods in one frame; each has an answer of its own. */
  askAll(calls: readonly Call[], options: CallOptions): Promise<unknown>[] {
    const line = this.#line
    if (line === null) {
      return calls.map(({ method }) => Promise.reject(this.#connectionLost(`${method} was not sent`)))
    }
    const answers: Promise<unknown>[] = []
    for (let start = 0; start < calls.length; start += MAX_BATCH) {
      answers.push(...this.#send(line, calls.slice(start, start + MAX_BATCH), options))
    }
    return answers
  }

  #send(line: Line, batch: readonly Call[], options: CallOptions): Promise<unknown>[] {
    const { signal, timeout = this.#options.timeout } = options
    const done = new AbortController()
    let waiting = batch.length
    const settled = () => {
      waiting -= 1
      if (waiting > 0) return
      clearTimeout(timer)
      done.abort()
    }
    const sent = batch.map(call => line.calls.add(call, settled))
    const fail: FailAll = errorOf => {
      for (const { id, method } of sent) line.calls.fail(id, errorOf(method))
    }
    const timer = timeout === undefined ? undefined : setTimeout(expire, timeout * 1000, fail, timeout)
    const aborted = () => fail(() => signal?.reason)
    signal?.addEventListener('abort', aborted, { signal: done.signal })
    const requests = sent.map(({ request }) => request)
    if (signal?.aborted) aborted()
    else this.#write(line.link, requests.length === 1 ? requests[0] : requests, done.signal, fail)
    return sent.map(({ result }) => result)
  }

  #write(link: Link, message: unknown, signal: AbortSignal, fail: FailAll): void {
    const answered = link.send(JSON.stringify(message), signal)
    answered?.then(
      () => fail(method => new CallError(method, 500, `${this.#options.url} sent no answer to ${method}`)),
      error => fail(() => error),
    )
  }

  #received(calls: Calls, text: string): void {
    this.#heard = true
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
      void this.#line?.link.send(JSON.stringify({ jsonrpc: '2.0', error, id }), new AbortController().signal)
    }
  }

  get #silence(): number {
    return this.#options.silence ?? 20
  }

  /** A machine that lost its power says no goodbye: only its silence tells. */
  #checkSilence(line: Line): void {
    if (this.#heard) {
      this.#heard = false
      return
    }
    const [reply] = this.#send(line, [{ method: 'server.info' }], { timeout: this.#silence })
    reply?.catch(error => {
      if (error instanceof CallTimeout) this.#drop(`silent for ${this.#silence} s`)
    })
  }

  #drop(reason: string): void {
    const line = this.#line
    if (line === null) return
    this.#lost(line.calls, reason)
    line.link.close()
  }

  #lost(calls: Calls, reason: string): void {
    calls.failAll(method => this.#connectionLost(`${method} has no answer: ${reason}`))
    if (this.#line?.calls !== calls) return
    this.#line = null
    clearInterval(this.#watch)
    this.events.emit('disconnected', [this.#connectionLost(reason)])
    if (this.#options.reconnect !== false) this.#connectLater(0)
  }

  #connectLater(attempt: number): void {
    if (this.#closed) return
    const seconds = (BACKOFF[Math.min(attempt, BACKOFF.length - 1)] as number) * (1 - Math.random() / 2)
    this.#retry = setTimeout(() => {
      this.connect().catch(error => {
        if (this.#closed) return
        this.events.emit('warning', [error])
        this.#connectLater(attempt + 1)
      })
    }, seconds * 1000)
  }

  #connectionLost(reason: string): ConnectionLost {
    return new ConnectionLost(`no connection to ${this.#options.url}: ${reason}`)
  }

  /** Ends the connection for good; calls that wait are rejected with ConnectionLost. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#retry)
    this.#drop('the client was closed')
  }
}
