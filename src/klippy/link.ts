// The connection to Klippy's unix socket: connects, sends requests, reads messages, and reconnects when it breaks.
import { connect, type Socket } from 'node:net'
import type { Clock, Timer } from '../core/clock.ts'
import { ApiError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Registration } from '../core/scope.ts'
import type { Warnings } from '../core/warnings.ts'
import { isPlainObject } from '../schema/index.ts'
import { FrameSplitter, frame } from './framing.ts'

/** The longest message that Klippy may send, in bytes. */
const MAX_MESSAGE = 64 * 1024 * 1024
/** Bytes that one read takes at most. */
const READ_SIZE = 64 * 1024
/** Messages of one connection that may be no JSON: each costs more than a valid one. */
const MAX_INVALID = 100
/** How many requests may wait for Klippy's reply. */
const MAX_WAITING = 10_000
/** Bytes of requests that Klippy has not read. */
const MAX_UNSENT = 16 * 1024 * 1024
/** Seconds between attempts to connect; the last value repeats. */
const BACKOFF = [0.25, 0.25, 0.5, 1, 2] as const
/** Levels of nested parameters. The JSON reader of Klippy ends with an error at about 1000. */
const MAX_DEPTH = 500
/** An escape in a JSON text: six characters for half of a surrogate pair, which Klippy cannot read, or two. */
const ESCAPE = /\\(?:ud[89a-f][0-9a-f]{2}|.)/g
/** Klippy replies in these words to a request for an endpoint that it does not have. */
const UNKNOWN_ENDPOINT = /No registered callback for path '([^']*)'/

/** There is no connection to Klippy, or it has ended before the reply. */
export class KlippyDisconnected extends ApiError {
  override readonly name: string = 'KlippyDisconnected'

  constructor(message = 'Klippy Disconnected') {
    super(503, message)
  }
}

/** Receives what happens on the link. */
export interface LinkListener {
  connected(): void
  /** The connection has ended; every waiting request has been rejected. */
  disconnected(): void
  /** Klippy has replied to a request for `endpoint`, with a result or an error. */
  replied(endpoint: string): void
  /** Klippy has replied to a request of another program on another connection. */
  repliedElsewhere(): void
  /** Klippy calls one of our methods. */
  called(method: string, params: Readonly<Record<string, unknown>>): void
}

/** What a link needs. */
export interface LinkOptions {
  /** Klippy's unix socket. */
  readonly path: string
  readonly clock: Clock
  readonly log: Log
  readonly warnings: Warnings
  /** After so many seconds without a message the link sends a heartbeat, and disconnects when no reply comes in the same time. */
  readonly silence?: number
}

/** The limits of one request. */
export interface RequestLimits {
  /** Seconds that Klippy has to reply; no limit by default. */
  readonly timeout?: number
  /** Characters that the request may have as JSON; no limit by default. */
  readonly maxLength?: number
}

/** A request that Klippy has not answered yet. */
interface PendingRequest {
  readonly endpoint: string
  readonly resolve: (result: unknown) => void
  readonly reject: (error: ApiError) => void
  readonly timer: Timer | null
}

type Message = Readonly<Record<string, unknown>>

export class KlippyLink {
  readonly path: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #warnings: Warnings
  readonly #silence: number
  #listener: LinkListener | null = null
  #socket: Socket | null = null
  #connected = false
  #connects = 0
  #attempts = 0
  #retry: Timer | null = null
  #heartbeat: Timer | null = null
  /** Whether a message has arrived since the last check. */
  #isAlive = false
  #nextId = 1
  readonly #waiting = new Map<number, PendingRequest>()
  /** Complete messages that are not processed yet. */
  #unread: string[] = []
  #pause: NodeJS.Immediate | null = null
  /** Messages of this connection that were not JSON. */
  #invalid = 0
  #refusalWarning: Registration | null = null

  constructor({ path, clock, log, warnings, silence = 20 }: LinkOptions) {
    this.path = path
    this.#clock = clock
    this.#log = log
    this.#warnings = warnings
    this.#silence = silence
  }

  get connected(): boolean {
    return this.#connected
  }

  /** How many requests wait for Klippy's reply. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** How often the link has connected since its start. */
  get connects(): number {
    return this.#connects
  }

  /** Connects, and reconnects until `stop`. */
  start(listener: LinkListener): void {
    this.#listener = listener
    this.#connect()
  }

  /** Disconnects for good. */
  stop(): void {
    this.#listener = null
    this.#retry?.stop()
    this.#socket?.destroy()
    this.#disconnected()
  }

  /**
   * Sends a request to Klippy. Rejects with ApiError: 503 without a connection, when it breaks, while Klippy does not
   * read, or after the timeout; 404 for an endpoint that this Klippy does not have; 413 for a request that is too long;
   * 400 with Klippy's own text when Klippy refuses, or for parameters that cannot be sent.
   */
  request(
    endpoint: string,
    params: unknown = {},
    { timeout, maxLength = Number.POSITIVE_INFINITY }: RequestLimits = {},
  ): Promise<unknown> {
    const socket = this.#socket
    if (!this.#connected || socket === null) {
      return Promise.reject(new KlippyDisconnected('Klippy Host not connected'))
    }
    if (this.#waiting.size >= MAX_WAITING) {
      return Promise.reject(new ApiError(503, `Klippy is too slow: ${MAX_WAITING} requests wait for it`))
    }
    if (socket.writableLength > MAX_UNSENT) {
      return Promise.reject(new ApiError(503, 'Klippy is too slow: it does not read what it was sent'))
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const text = frameOf({ id, method: endpoint, params })
      if (text.length > maxLength) {
        throw new ApiError(
          413,
          `The arguments for Klippy's '${endpoint}' are too long: a request has at most ${maxLength} characters`,
        )
      }
      const timer =
        timeout === undefined ? null : this.#clock.after(timeout, () => this.#timedOut(id, timeout))
      this.#waiting.set(id, { endpoint, resolve, reject, timer })
      socket.write(text)
    })
  }

  #timedOut(id: number, timeout: number): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    waiting.reject(new ApiError(503, `Klippy did not answer ${waiting.endpoint} within ${timeout} s`))
  }

  /** Another connection of this server to Klippy (the bridge) has passed a reply on. */
  noteOtherReply(): void {
    this.#listener?.repliedElsewhere()
  }

  #connect(): void {
    const splitter = new FrameSplitter(MAX_MESSAGE)
    // One buffer for all reads: Klippy sends a short message four times a second, and a new buffer each costs more.
    const buffer = Buffer.allocUnsafeSlow(READ_SIZE)
    const callback = (length: number) => {
      this.#received(splitter, buffer, length)
      return true
    }
    const socket = connect({ path: this.path, onread: { buffer, callback } })
    this.#socket = socket
    socket.on('connect', () => this.#opened())
    socket.on('error', error => this.#failed(error))
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#disconnected()
      this.#retryLater()
    })
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#log.debug(`Klippy's socket ${this.path}: ${error.message}`)
    if (error.code !== 'EACCES') return
    this.#refusalWarning = this.#warnings.add(
      `The server may not use Klippy's socket ${this.path} (permission denied): run Klipper and this server as the ` +
        "same user, or give this server's user write access to the socket and access to its folder.",
      'klippy-socket',
    )
  }

  #opened(): void {
    this.#connected = true
    this.#connects += 1
    this.#invalid = 0
    this.#isAlive = false
    this.#heartbeat = this.#clock.every(this.#silence, () => this.#checkSilence())
    this.#refusalWarning?.remove()
    this.#log.info(`connected to Klippy at ${this.path}`)
    this.#listener?.connected()
  }

  #retryLater(): void {
    if (this.#listener === null) return
    const wait = BACKOFF[Math.min(this.#attempts, BACKOFF.length - 1)] as number
    this.#attempts += 1
    this.#retry = this.#clock.after(wait, () => this.#connect())
  }

  #disconnected(): void {
    this.#socket = null
    this.#heartbeat?.stop()
    while (this.#pause !== null) {
      clearImmediate(this.#pause)
      this.#resume()
    }
    for (const { reject, timer } of this.#waiting.values()) {
      timer?.stop()
      reject(new KlippyDisconnected())
    }
    this.#waiting.clear()
    if (!this.#connected) return
    this.#connected = false
    this.#log.info('disconnected from Klippy')
    this.#listener?.disconnected()
  }

  #checkSilence(): void {
    const wasAlive = this.#isAlive
    this.#isAlive = false
    if (wasAlive) return
    this.request('info', {}, { timeout: this.#silence }).catch(error => {
      if (this.#isAlive) return
      this.#log.warning(`Klippy does not respond, disconnecting: ${messageOf(error)}`)
      this.#socket?.destroy()
    })
  }

  #received(splitter: FrameSplitter, buffer: Buffer, length: number): void {
    this.#isAlive = true
    try {
      this.#unread.push(...splitter.pushTexts(buffer, length))
      if (this.#pause === null) this.#processUnread()
      this.#clock.awake?.()
    } catch (error) {
      this.#reject(error)
    }
  }

  #reject(error: unknown): void {
    this.#log.warning(`Klippy sent ${messageOf(error)}; disconnecting`)
    this.#socket?.destroy()
  }

  /**
   * A call that follows a reply waits for an iteration of the event loop, so that the requester processes the reply first:
   * both may arrive in one chunk.
   */
  #processUnread(): void {
    const messages = this.#unread
    this.#unread = []
    let replied = false
    for (let index = 0; index < messages.length; index += 1) {
      const message = this.#parse(messages[index] as string)
      if (typeof message.id === 'number') {
        this.#settle(message.id, message)
        replied = true
      } else if (typeof message.method === 'string') {
        if (replied) {
          this.#unread = messages.slice(index)
          this.#pause = setImmediate(() => this.#resume())
          return
        }
        this.#listener?.called(message.method, isPlainObject(message.params) ? message.params : {})
      }
    }
  }

  #resume(): void {
    this.#pause = null
    try {
      this.#processUnread()
    } catch (error) {
      this.#reject(error)
    }
  }

  /** A message; an empty one in place of text that is not a JSON object. Throws Error for too many of them. */
  #parse(text: string): Message {
    try {
      const message: unknown = JSON.parse(text)
      this.#attempts = 0
      return isPlainObject(message) ? message : {}
    } catch {
      this.#invalid += 1
      if (this.#invalid > MAX_INVALID) throw new Error(`more than ${MAX_INVALID} messages that are not JSON`)
      if (this.#invalid === 1) {
        this.#log.warning(`Klippy sent a message that is not JSON (${text.length} characters); ignored`)
      }
      return {}
    }
  }

  #settle(id: number, message: Message): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    waiting.timer?.stop()
    this.#listener?.replied(waiting.endpoint)
    if ('error' in message) waiting.reject(refusalOf(message.error))
    else waiting.resolve(message.result)
  }
}

function refusalOf(error: unknown): ApiError {
  const text = isPlainObject(error) ? error.message : error
  if (typeof text !== 'string') return new ApiError(400, 'Klippy Request Error')
  const unknown = UNKNOWN_ENDPOINT.exec(text)
  if (unknown === null) return new ApiError(400, text)
  return new ApiError(
    404,
    `Klipper has no endpoint '${unknown[1]}': printer.cfg lacks a section, or Klipper is too old`,
  )
}

/** A message that Klippy can read: to others it does not reply. */
function frameOf(message: object): string {
  if (isDeeper(message, MAX_DEPTH)) throw new ApiError(400, 'The parameters are nested too deeply')
  const text = frame(message)
  return text.includes('\\ud') ? text.replace(ESCAPE, withoutHalfPair) : text
}

/** Whether lists and objects are nested in more than `levels` levels. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(each => isDeeper(each, levels - 1))
}

function withoutHalfPair(found: string): string {
  return found.length > 2 ? '\ufffd' : found
}
