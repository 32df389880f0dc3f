// The session with Klippy, from connecting to disconnecting: handshake, state, endpoints, remote methods.
import type { StatusChange } from '../api/printer.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import type { EventBus } from '../core/events.ts'
import type { Log } from '../core/log.ts'
import type { Registration } from '../core/scope.ts'
import { type KlippyInfo, type KlippyState, readInfo, readNames } from './klippy-info.ts'
import type { KlippyLink, LinkListener } from './link.ts'
import { mayChangeStatus, readStatus, type StatusMirror } from './status-mirror.ts'
import type { Follower, Subscriptions } from './subscriptions.ts'

/** Objects that clients need; without one of these `server.info` contains a warning, which Mainsail shows too. */
const REQUIRED_OBJECTS = ['virtual_sdcard', 'display_status', 'pause_resume'] as const

/** Seconds between requests for the state while Klippy starts. */
const STARTUP_POLL = 0.25
/** Seconds that Klippy has to reply to each request of the handshake. */
const TIMEOUT = 20
/** Seconds after which a handshake that failed is repeated. */
const RETRY = 2

/** Methods that Klippy calls and no component may replace. */
const OWN_METHODS: readonly string[] = ['process_status_update', 'process_gcode_response']

/** A method that Klippy may call (printer.cfg: action_call_remote_method). */
export type RemoteMethod = (params: Readonly<Record<string, unknown>>) => void | Promise<void>

/** What a session works with. */
export interface SessionParts {
  readonly link: KlippyLink
  readonly mirror: StatusMirror
  readonly subscriptions: Subscriptions
  readonly events: EventBus
  readonly clock: Clock
  readonly log: Log
  /** Our version, as Klippy logs it. */
  readonly version: string
}

export class KlippySession implements LinkListener {
  readonly #parts: SessionParts
  readonly #remoteMethods = new Map<string, RemoteMethod>()
  #state: KlippyState = 'disconnected'
  #info: KlippyInfo | null = null
  #endpoints: readonly string[] = []
  #objects: readonly string[] = []
  #poll: Timer | null = null
  #statusListener: Registration | null = null
  readonly #follower: Follower = {}

  constructor(parts: SessionParts) {
    this.#parts = parts
  }

  get state(): KlippyState {
    return this.#state
  }

  /** What Klippy last reported of itself; null while it is not connected. */
  get info(): KlippyInfo | null {
    return this.#info
  }

  /** Klippy's endpoints, such as `motion_report/dump_stepper`. */
  get endpoints(): readonly string[] {
    return this.#endpoints
  }

  /** The status objects that Klippy has; known once it is ready. */
  get objects(): readonly string[] {
    return this.#objects
  }

  /** Required objects that Klippy does not have; known once it is ready. */
  get missingRequirements(): string[] {
    if (this.#state !== 'ready') return []
    return REQUIRED_OBJECTS.filter(name => !this.#objects.includes(name))
  }

  start(): void {
    const { events, link } = this.#parts
    this.#statusListener = events.on('klippy:status', change => this.#readState(change))
    link.start(this)
  }

  stop(): void {
    this.#poll?.stop()
    this.#statusListener?.remove()
    this.#parts.link.stop()
    this.#state = 'disconnected'
  }

  /** Registers `method` with Klippy under `name`, now and after each of its restarts. */
  addRemoteMethod(name: string, method: RemoteMethod): void {
    this.#remoteMethods.set(name, method)
    if (this.#state === 'ready') this.#registerRemote(name)
  }

  removeRemoteMethod(name: string): void {
    this.#remoteMethods.delete(name)
  }

  /** Whether `name` is registered or reserved. */
  hasRemoteMethod(name: string): boolean {
    return OWN_METHODS.includes(name) || this.#remoteMethods.has(name)
  }

  connected(): void {
    this.#shakeHands().catch(error => this.#retryHandshake(error))
  }

  #retryHandshake(error: unknown): void {
    const { link, log, clock } = this.#parts
    if (!link.connected) return
    log.warning(`Klippy handshake failed, retrying in ${RETRY} s: ${messageOf(error)}`)
    this.#poll = clock.after(RETRY, () => this.connected())
  }

  disconnected(): void {
    this.#poll?.stop()
    this.#state = 'disconnected'
    this.#info = null
    this.#endpoints = []
    this.#objects = []
    this.#parts.subscriptions.clear()
    this.#parts.events.emit('klippy:disconnected')
  }

  replied(endpoint: string): void {
    if (mayChangeStatus(endpoint)) this.#parts.mirror.outdate()
  }

  repliedElsewhere(): void {
    this.#parts.mirror.outdate(true)
  }

  called(method: string, params: Readonly<Record<string, unknown>>): void {
    const { events, mirror, subscriptions } = this.#parts
    if (method === 'process_status_update') {
      subscriptions.pushed(readStatus(params.status), Number(params.eventtime))
      return
    }
    // A macro reports what it has done: a query of the receiver must return the status after it.
    mirror.outdate()
    if (method === 'process_gcode_response') {
      if (typeof params.response === 'string') events.emit('klippy:gcode_response', params.response)
    } else this.#callRemote(method, params)
  }

  #callRemote(name: string, params: Readonly<Record<string, unknown>>): void {
    const method = this.#remoteMethods.get(name)
    const failed = (error: unknown) => this.#parts.log.warning(`remote method ${name}: ${messageOf(error)}`)
    if (method === undefined) failed('Klippy calls it, but no component has registered it')
    else Promise.resolve(params).then(method).catch(failed)
  }

  /**
   * The session follows `webhooks`, and reads it when every other follower has its update: clients get the reason of
   * a shutdown (`webhooks.state_message`) before notify_klippy_shutdown, where KlipperScreen shows what it knows.
   */
  #readState({ webhooks }: StatusChange): void {
    if (webhooks === undefined || this.#info === null) return
    this.#info = readInfo(webhooks, this.#info)
    this.#setState(this.#info.state)
  }

  async #shakeHands(): Promise<void> {
    const { version, events } = this.#parts
    await this.#requestInfo({ client_info: { program: 'Moonraker', version } })
    await this.#listEndpoints()
    events.emit('klippy:identified')
    this.#awaitStartup()
  }

  async #listEndpoints(): Promise<void> {
    const reply = await this.#parts.link.request('list_endpoints', {}, { timeout: TIMEOUT })
    this.#endpoints = readNames(reply, 'endpoints')
  }

  async #requestInfo(params: object): Promise<void> {
    this.#info = readInfo(await this.#parts.link.request('info', params, { timeout: TIMEOUT }))
    if (this.#state === 'disconnected') this.#state = 'startup'
  }

  /** Polls while Klippy starts; from then on its object `webhooks` contains the state. */
  #awaitStartup(): void {
    if (this.#info?.state === 'startup') {
      this.#poll = this.#parts.clock.after(STARTUP_POLL, () => {
        this.#requestInfo({}).then(
          () => this.#awaitStartup(),
          error => this.#retryHandshake(error),
        )
      })
      return
    }
    this.#subscribe().catch(error => this.#retryHandshake(error))
  }

  async #subscribe(): Promise<void> {
    const { link, subscriptions } = this.#parts
    const template = { response_template: { method: 'process_gcode_response' } }
    const [{ status }] = await Promise.all([
      subscriptions.subscribe(this.#follower, { webhooks: null }),
      link.request('gcode/subscribe_output', template, { timeout: TIMEOUT }),
      // Some modules add their endpoints only when Klippy has connected to the controllers.
      this.#listEndpoints(),
    ])
    this.#objects = readNames(await link.request('objects/list', {}, { timeout: TIMEOUT }), 'objects')
    this.#readState(status)
  }

  #setState(state: KlippyState): void {
    if (state === this.#state) return
    this.#state = state
    const { events, log } = this.#parts
    log.info(`Klippy's state: ${state}`)
    if (state === 'ready') {
      for (const name of this.#remoteMethods.keys()) this.#registerRemote(name)
      events.emit('klippy:ready')
    }
    if (state === 'error') events.emit('klippy:error')
    if (state === 'shutdown') events.emit('klippy:shutdown')
  }

  #registerRemote(name: string): void {
    const { link, log } = this.#parts
    const params = { remote_method: name, response_template: { method: name } }
    link.request('register_remote_method', params, { timeout: TIMEOUT }).catch(error => {
      if (link.connected) log.warning(`cannot register ${name} with Klippy: ${messageOf(error)}`)
    })
  }
}
