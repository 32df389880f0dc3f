// What components ask of the printer, in the words of a printer and not of Klippy's protocol.
import { ApiError } from '../core/errors.ts'
import type { EventBus } from '../core/events.ts'
import type { KlippyLink } from './link.ts'
import type { ObjectRequest } from './object-request.ts'
import type { Queries } from './queries.ts'
import type { KlippySession } from './session.ts'
import type { Follower, StatusReply, Subscriptions } from './subscriptions.ts'

/** The parts that the printer is reached through. */
export interface PrinterParts {
  readonly link: KlippyLink
  readonly session: KlippySession
  readonly subscriptions: Subscriptions
  readonly queries: Queries
  readonly events: EventBus
}

export class Printer {
  readonly link: KlippyLink
  readonly session: KlippySession
  readonly #subscriptions: Subscriptions
  readonly #queries: Queries
  readonly #events: EventBus

  constructor({ link, session, subscriptions, queries, events }: PrinterParts) {
    this.link = link
    this.session = session
    this.#subscriptions = subscriptions
    this.#queries = queries
    this.#events = events
  }

  /** Calls one of Klippy's endpoints; an empty answer becomes "ok", as clients know it. */
  async call(endpoint: string, params: unknown = {}): Promise<unknown> {
    const result = await this.link.request(endpoint, params)
    return isEmpty(result) ? 'ok' : result
  }

  /** Runs G-code and waits until it is done. Rejects with Klippy's own words (400) or 503. */
  async runGcode(script: string): Promise<'ok'> {
    this.#events.emit('klippy:gcode_command', script)
    await this.link.request('gcode/script', { script })
    return 'ok'
  }

  /** Starts to print a file of the gcodes root, on behalf of a user where there is one. */
  async startPrint(filename: string, username: string | null = null): Promise<'ok'> {
    const path = filename.replace(/^\/+/, '')
    if (path === '') throw new ApiError(400, "The argument 'filename' names no file")
    // Klipper cuts a command at ';' before it looks at quotes.
    if (/[;\n\r]/.test(path)) {
      throw new ApiError(400, `Klipper cannot print a file with ';' or a line break in its name: ${path}`)
    }
    await this.runGcode(`SDCARD_PRINT_FILE FILENAME="${path.replace(/["\\]/g, '\\$&')}"`)
    this.#events.emit('printer:print_requested', path, username)
    return 'ok'
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

  /** Present values; at once where they are mirrored. */
  query(request: ObjectRequest): StatusReply | Promise<StatusReply> {
    return this.#queries.query(request)
  }

  /** Follows values; see Subscriptions.subscribe. */
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
