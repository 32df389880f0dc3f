// The printer, as components use it: status, subscriptions, G-code and prints.
import type { StatusChange } from '../api/printer.ts'
import type { Clock } from '../core/clock.ts'
import { ApiError } from '../core/errors.ts'
import type { EventBus } from '../core/events.ts'
import type { Log } from '../core/log.ts'
import type { Registration } from '../core/scope.ts'
import type { Warnings } from '../core/warnings.ts'
import { KlippyLink } from './link.ts'
import type { ObjectRequest } from './object-request.ts'
import { Queries } from './queries.ts'
import { KlippySession } from './session.ts'
import { StatusMirror, type StatusReply } from './status-mirror.ts'
import { type Follower, Subscriptions } from './subscriptions.ts'

/** What a printer needs. */
export interface PrinterOptions {
  /** Klippy's unix socket. */
  readonly path: string
  readonly events: EventBus
  readonly clock: Clock
  readonly log: Log
  readonly warnings: Warnings
  /** Our version, as Klippy logs it. */
  readonly version: string
}

/**
 * Makes a file of the gcodes root ready for Klipper before its print; returns the path of the file that Klipper prints.
 * Rejects with ApiError where the file cannot be printed, and with the reason of `signal`, which is aborted when the
 * print is cancelled.
 */
export type PrintPreparation = (path: string, signal: AbortSignal) => Promise<string>

/** Characters of one request with a caller's arguments: Klippy handles nothing else while it reads them. */
export const MAX_CALL_LENGTH = 1024 * 1024

export class Printer {
  readonly link: KlippyLink
  readonly session: KlippySession
  readonly #subscriptions: Subscriptions
  readonly #queries: Queries
  readonly #mirror: StatusMirror
  readonly #events: EventBus
  readonly #starting = new Set<AbortController>()
  readonly #preparations: PrintPreparation[] = []

  constructor({ path, events, clock, log, warnings, version }: PrinterOptions) {
    const link = new KlippyLink({ path, clock, log, warnings })
    const mirror = new StatusMirror(clock)
    const queries = new Queries(link, mirror)
    const subscriptions = new Subscriptions({ link, mirror, queries, events, log })
    this.link = link
    this.session = new KlippySession({ link, mirror, subscriptions, events, clock, log, version })
    this.#subscriptions = subscriptions
    this.#queries = queries
    this.#mirror = mirror
    this.#events = events
    const cancelStarts = () => this.#cancelStarts('Klippy was shut down before the print started')
    events.on('klippy:shutdown', cancelStarts)
    events.on('klippy:disconnected', cancelStarts)
  }

  /**
   * Calls one of Klippy's endpoints; an empty result becomes "ok", as clients expect. Rejects with ApiError as the link
   * does, with 413 above MAX_CALL_LENGTH.
   */
  async call(endpoint: string, params: unknown = {}): Promise<unknown> {
    const result = await this.link.request(endpoint, params, { maxLength: MAX_CALL_LENGTH })
    return isEmpty(result) ? 'ok' : result
  }

  /** Runs G-code; resolves when it is done. Rejects with ApiError as `call` does. */
  async runGcode(script: string): Promise<'ok'> {
    this.#events.emit('klippy:gcode_command', script)
    await this.link.request('gcode/script', { script }, { maxLength: MAX_CALL_LENGTH })
    return 'ok'
  }

  /** Starts to print a file of the gcodes root, for a user where there is one. */
  async startPrint(filename: string, username: string | null = null): Promise<'ok'> {
    const requested = filename.replace(/^\/+/, '')
    if (requested === '') throw new ApiError(400, "The argument 'filename' names no file")
    // Klipper cuts a command at ';' before it looks at quotes.
    if (/[;\n\r]/.test(requested)) {
      throw new ApiError(
        400,
        `Klipper cannot print a file with ';' or a line break in its name: ${requested}`,
      )
    }
    const path = await this.#prepare(requested)
    await this.runGcode(`SDCARD_PRINT_FILE FILENAME="${path.replace(/["\\]/g, '\\$&')}"`)
    this.#events.emit('printer:print_requested', path, username)
    return 'ok'
  }

  /** Prepares every file before its print, after the preparations so far, until the registration is removed. */
  preparePrints(preparation: PrintPreparation): Registration {
    this.#preparations.push(preparation)
    return {
      remove: () => {
        const index = this.#preparations.indexOf(preparation)
        if (index !== -1) this.#preparations.splice(index, 1)
      },
    }
  }

  async #prepare(path: string): Promise<string> {
    const abort = new AbortController()
    this.#starting.add(abort)
    try {
      let prepared = path
      for (const preparation of this.#preparations) prepared = await preparation(prepared, abort.signal)
      return prepared
    } finally {
      this.#starting.delete(abort)
    }
  }

  /** Cancels the print, also one whose file is not ready yet. */
  async cancelPrint(): Promise<'ok'> {
    this.#cancelStarts('The print was cancelled before it started')
    await this.link.request('pause_resume/cancel', {})
    return 'ok'
  }

  #cancelStarts(reason: string): void {
    for (const abort of this.#starting) abort.abort(new ApiError(400, reason))
  }

  /** Whether a print is in progress, also a paused one: what ends it must wait. Rejects as `query` does. */
  async isBusy(): Promise<boolean> {
    return isPrintActive(await this.#printState())
  }

  /** Whether a print moves the printer now; false for a paused print. Rejects as `query` does. */
  async isPrinting(): Promise<boolean> {
    return (await this.#printState()) === 'printing'
  }

  /** Undefined while Klippy is not ready: it has ended every print then. */
  async #printState(): Promise<unknown> {
    if (this.session.state !== 'ready') return undefined
    const { status } = await this.query({ print_stats: ['state'] })
    return status.print_stats?.state
  }

  /** Present values: at once from the mirror where it is current, else from Klippy. */
  query(request: ObjectRequest): StatusReply | Promise<StatusReply> {
    return this.#queries.query(request)
  }

  /**
   * The last values that Klippy has sent of everything that is subscribed to, by object, without a query. They change
   * in place.
   */
  get lastStatus(): StatusChange {
    return this.#mirror.status
  }

  /** Subscribes `follower`; see Subscriptions.subscribe. */
  subscribe(follower: Follower, request: ObjectRequest): Promise<StatusReply> {
    return this.#subscriptions.subscribe(follower, request)
  }

  unsubscribe(follower: Follower): void {
    this.#subscriptions.unsubscribe(follower)
  }
}

/** Whether `state` of Klippy's print_stats means a print in progress, also a paused one. */
export function isPrintActive(state: unknown): boolean {
  return state === 'printing' || state === 'paused'
}

function isEmpty(result: unknown): boolean {
  if (typeof result !== 'object' || result === null) return !result
  return Object.keys(result).length === 0
}
