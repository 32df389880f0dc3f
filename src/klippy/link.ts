// The line to Klippy: connects, asks, hears, and connects again whenever it breaks.
import { connect, type Socket } from 'node:net'
import type { Clock, Timer } from '../core/clock.ts'
import { ApiError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { isPlainObject } from '../schema/index.ts'
import { FrameSplitter, frame } from './framing.ts'

/** The longest message that Klippy may send, in bytes. */
const MAX_MESSAGE = 64 * 1024 * 1024
/** How many requests may wait for Klippy's answer. */
const MAX_WAITING = 10_000
/** Seconds between attempts to connect; the last goes on. */
const BACKOFF = [0.25, 0.25, 0.5, 1, 2] as const

/** Who is told what happens on the line. */
export interface LinkListener {
  connected(): void
  /** The line is gone; everything that waited has been rejected. */
  disconnected(): void
  /** Klippy said something unasked: a method and its parameters. */
  called(method: string, params: Readonly<Record<string, unknown>>): void
}

/** What may be chosen about the line. */
export interface LinkOptions {
  /** Klippy's unix socket. */
  readonly path: string
  readonly clock: Clock
  readonly log: Log
  /** A line silent for so long (s) is asked for a sign of life, and cut when none comes in the same time. */
  readonly silence?: number
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: ApiError) => void
  readonly timer: Timer | null
}

export class KlippyLink {
  readonly path: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #silence: number
  #listener: LinkListener | null = null
  #socket: Socket | null = null
  #connected = false
  #attempts = 0
  #retry: Timer | null = null
  #watch: Timer | null = null
  #heardAt = 0
  #nextId = 1
  readonly #waiting = new Map<number, Waiting>()
  /** What has come and is not read yet. */
  #unread: Buffer[] = []
  #pause: NodeJS.Immediate | null = null

  constructor({ path, clock, log, silence = 20 }: LinkOptions) {
    this.path = path
    this.#clock = clock
    this.#log = log
    this.#silence = silence
  }

  get connected(): boolean {
    return this.#connected
  }

  /** Starts to connect, and keeps trying until `stop`. */
  start(listener: LinkListener): void {
    this.#listener = listener
    this.#connect()
  }

  /** Hangs up for good. */
  stop(): void {
    this.#listener = null
    this.#retry?.stop()
    this.#socket?.destroy()
    this.#lost()
  }

  /**
   * Asks Klippy. Rejects with ApiError: 503 without a connection, when it breaks, or after `timeout` seconds
   * where one is given; 400 with Klippy's own words when Klippy refuses, or for parameters that cannot be sent.
   */
  request(method: string, params: unknown = {}, timeout?: number): Promise<unknown> {
    const socket = this.#socket
    if (!this.#connected || socket === null) {
      return Promise.reject(new ApiError(503, 'Klippy Host not connected'))
    }
    if (this.#waiting.size >= MAX_WAITING) {
      return Promise.reject(new ApiError(503, 'Klippy does not keep up: too many requests wait for it'))
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const text = frameOf({ id, method, params })
      const timer =
        timeout === undefined ? null : this.#clock.after(timeout, () => this.#timedOut(id, method, timeout))
      this.#waiting.set(id, { resolve, reject, timer })
      socket.write(text)
    })
  }

  #timedOut(id: number, method: string, timeout: number): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.reject(new ApiError(503, `Klippy did not answer ${method} within ${timeout} s`))
  }

  #connect(): void {
    const socket = connect(this.path)
    this.#socket = socket
    const splitter = new FrameSplitter(MAX_MESSAGE)
    socket.on('connect', () => this.#opened())
    socket.on('data', chunk => this.#heard(splitter, chunk))
    socket.on('error', error => this.#log.debug(`Klippy's socket ${this.path}: ${error.message}`))
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#lost()
      this.#retryLater()
    })
  }

  #opened(): void {
    this.#connected = true
    this.#attempts = 0
    this.#heardAt = this.#clock.monotonic()
    this.#watch = this.#clock.every(this.#silence, () => this.#checkSilence())
    this.#log.info(`connected to Klippy at ${this.path}`)
    this.#listener?.connected()
  }

  #retryLater(): void {
    if (this.#listener === null) return
    const wait = BACKOFF[Math.min(this.#attempts, BACKOFF.length - 1)] as number
    this.#attempts += 1
    this.#retry = this.#clock.after(wait, () => this.#connect())
  }

  #lost(): void {
    this.#socket = null
    this.#watch?.stop()
    while (this.#pause !== null) {
      clearImmediate(this.#pause)
      this.#goOn()
    }
    for (const { reject, timer } of this.#waiting.values()) {
      timer?.stop()
      reject(new ApiError(503, 'Klippy Disconnected'))
    }
    this.#waiting.clear()
    if (!this.#connected) return
    this.#connected = false
    this.#log.info('the connection to Klippy has ended')
    this.#listener?.disconnected()
  }

  #checkSilence(): void {
    if (this.#clock.monotonic() - this.#heardAt < this.#silence) return
    this.request('info', {}, this.#silence).catch(error => {
      if (this.#clock.monotonic() - this.#heardAt < this.#silence) return
      this.#log.warning(`Klippy hangs, cutting the connection: ${messageOf(error)}`)
      this.#socket?.destroy()
    })
  }

  #heard(splitter: FrameSplitter, chunk: Buffer): void {
    this.#heardAt = this.#clock.monotonic()
    try {
      this.#unread.push(...splitter.push(chunk))
      if (this.#pause === null) this.#readOn()
    } catch (error) {
      this.#cut(error)
    }
  }

  #cut(error: unknown): void {
    this.#log.warning(`Klippy sent ${messageOf(error)}; cutting the connection`)
    this.#socket?.destroy()
  }

  /**
   * Reads what has come. What Klippy said unasked after an answer waits for a turn of the event loop, so that whoever
   * asked goes by the answer first: both may come in one piece.
   */
  #readOn(): void {
    const messages = this.#unread
    this.#unread = []
    let answered = false
    for (const [index, bytes] of messages.entries()) {
      const message = this.#parse(bytes)
      if (typeof message.id === 'number') {
        this.#settle(message.id, message)
        answered = true
      } else if (typeof message.method === 'string') {
        if (answered) {
          this.#unread = messages.slice(index)
          this.#pause = setImmediate(() => this.#goOn())
          return
        }
        this.#listener?.called(message.method, isPlainObject(message.params) ? message.params : {})
      }
    }
  }

  #goOn(): void {
    this.#pause = null
    try {
      this.#readOn()
    } catch (error) {
      this.#cut(error)
    }
  }

  /** A message; an empty one in the place of nonsense. */
  #parse(bytes: Buffer): Readonly<Record<string, unknown>> {
    try {
      const message: unknown = JSON.parse(bytes.toString())
      return isPlainObject(message) ? message : {}
    } catch {
      this.#log.warning(`Klippy sent something that is not JSON (${bytes.length} bytes); ignored`)
      return {}
    }
  }

  #settle(id: number, message: Readonly<Record<string, unknown>>): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    waiting.timer?.stop()
    if (!('error' in message)) {
      waiting.resolve(message.result)
      return
    }
    const { error } = message
    const text = isPlainObject(error) ? error.message : error
    waiting.reject(new ApiError(400, typeof text === 'string' ? text : 'Klippy Request Error'))
  }
}

function frameOf(message: object): string {
  try {
    return frame(message)
  } catch (error) {
    throw new ApiError(400, 'The parameters are nested too deeply', { cause: error })
  }
}
