// The WebSocket to Spoolman: whether Spoolman is there, and what happens to spools. Reconnects without a limit.
import type { WebSocket } from 'ws'
import type { Clock, Timer } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { isPlainObject } from '../../schema/index.ts'

/** Seconds until an attempt to connect has failed. */
const CONNECT_SECONDS = 5
/** Seconds between two attempts. */
const RETRY_SECONDS = 2
/** Seconds between pings. A server that has not replied to one by the next counts as disconnected. */
const PING_SECONDS = 20
/** Bytes of a message, which contains one spool. */
const MAX_MESSAGE = 2 ** 20
/** Seconds for Spoolman's reply to the close frame. */
const CLOSE_SECONDS = 1

/** A spool that was changed in Spoolman. */
export interface SpoolEvent {
  /** `added`, `updated`, `deleted` */
  readonly type: string
  readonly spool: Readonly<Record<string, unknown>>
}

/** Receives what happens. */
export interface LinkListener {
  connected(): void
  disconnected(): void
  spoolChanged(event: SpoolEvent): void
}

export class SpoolmanLink {
  readonly #url: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #listener: LinkListener
  #socket: WebSocket | null = null
  #isConnected = false
  #retry: Timer | null = null
  #ping: Timer | null = null
  #isStopped = false
  #lastProblem = ''

  /** `url` is that of the server (http or https), without a slash at its end. */
  constructor(url: string, clock: Clock, log: Log, listener: LinkListener) {
    this.#url = `${url.replace('http', 'ws')}/api/v1/spool`
    this.#clock = clock
    this.#log = log
    this.#listener = listener
  }

  /** Whether the connection is open. */
  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Connects, now and after each end of the connection. */
  async start(): Promise<void> {
    const { WebSocket } = await import('ws')
    if (this.#isStopped) return
    const socket = new WebSocket(this.#url, {
      handshakeTimeout: CONNECT_SECONDS * 1000,
      maxPayload: MAX_MESSAGE,
      perMessageDeflate: false,
    })
    this.#socket = socket
    let problem = 'the connection was closed'
    socket.on('error', error => {
      problem = messageOf(error)
    })
    socket.on('open', () => this.#opened(socket))
    socket.on('message', data => this.#received((data as Buffer).toString()))
    socket.on('close', () => this.#closed(problem))
  }

  /** Closes the connection. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#retry?.stop()
    const socket = this.#socket
    if (socket === null) return
    const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
    const limit = this.#clock.after(CLOSE_SECONDS, () => socket.terminate())
    if (this.#isConnected) socket.close(1001, 'Moonraker Shutdown')
    else socket.terminate()
    await closed
    limit.stop()
  }

  #opened(socket: WebSocket): void {
    let isAlive = true
    socket.on('pong', () => {
      isAlive = true
    })
    this.#ping = this.#clock.every(PING_SECONDS, () => {
      if (!isAlive) return socket.terminate()
      isAlive = false
      socket.ping()
    })
    this.#lastProblem = ''
    this.#isConnected = true
    this.#log.info('connected to Spoolman')
    this.#listener.connected()
  }

  #closed(problem: string): void {
    this.#socket = null
    this.#ping?.stop()
    const wasConnected = this.#isConnected
    this.#isConnected = false
    if (wasConnected) this.#listener.disconnected()
    if (this.#isStopped) return
    if (problem !== this.#lastProblem) this.#log.warning(`no connection to Spoolman: ${problem}`)
    this.#lastProblem = problem
    this.#retry = this.#clock.after(RETRY_SECONDS, () => void this.start())
  }

  #received(text: string): void {
    try {
      const message: unknown = JSON.parse(text)
      if (!isPlainObject(message) || message.resource !== 'spool' || !isPlainObject(message.payload)) return
      this.#listener.spoolChanged({ type: String(message.type), spool: message.payload })
    } catch (error) {
      this.#log.debug(`a message of Spoolman is ignored: ${messageOf(error)}`)
    }
  }
}
