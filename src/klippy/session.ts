// One life of Klippy as we see it: who it is, whether it is ready, what it offers; told by events.

import type { StatusChange } from '../api/printer.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import type { EventBus } from '../core/events.ts'
import type { Log } from '../core/log.ts'
import { isPlainObject } from '../schema/index.ts'
import type { KlippyLink, LinkListener } from './link.ts'
import type { Follower, Subscriptions } from './subscriptions.ts'

/** What the server says of Klippy. `disconnected` is ours, the others are Klippy's own. */
export type KlippyState = 'disconnected' | 'startup' | 'ready' | 'error' | 'shutdown'

/** Klippy's own words about itself (`info`). */
export interface KlippyInfo {
  readonly state: KlippyState
  readonly state_message: string
  readonly software_version?: string
  readonly klipper_path?: string
  readonly python_path?: string
  readonly config_file?: string
  readonly log_file?: string
  readonly [field: string]: unknown
}

/** What clients need of a printer; without one of these a warning is due (Mainsail shows it too). */
const REQUIRED_OBJECTS = ['virtual_sdcard', 'display_status', 'pause_resume'] as const

/** Seconds between questions while Klippy starts. */
const STARTUP_POLL = 0.25
/** Seconds that Klippy has for each question of the greeting. */
const TIMEOUT = 20
/** Seconds until a greeting that Klippy refused, or did not answer in time, is tried again. */
const RETRY = 2

/** Klippy calls these for us alone. */
const OWN_METHODS: readonly string[] = ['process_status_update', 'process_gcode_response']

/** A method that Klippy may call (printer.cfg: action_call_remote_method). */
export type RemoteMethod = (params: Readonly<Record<string, unknown>>) => void | Promise<void>

/** What a session is made of. */
export interface SessionParts {
  readonly link: KlippyLink
  readonly subscriptions: Subscriptions
  readonly events: EventBus
  readonly clock: Clock
  readonly log: Log
  /** How we name ourselves to Klippy. */
  readonly version: string
}

export class KlippySession implements LinkListener, Follower {
  readonly #parts: SessionParts
  readonly #remoteMethods = new Map<string, RemoteMethod>()
  #state: KlippyState = 'disconnected'
  #info: KlippyInfo | null = null
  #endpoints: readonly string[] = []
  #objects: readonly string[] = []
  #poll: Timer | null = null

  constructor(parts: SessionParts) {
    this.#parts = parts
  }

  get state(): KlippyState {
    return this.#state
  }

  /** What Klippy last said of itself; null while it is not connected. */
  get info(): KlippyInfo | null {
    return this.#info
  }

  /** Klippy's endpoints, such as `motion_report/dump_stepper`. */
  get endpoints(): readonly string[] {
    return this.#endpoints
  }

  /** Required objects that Klippy does not have; known once it is ready. */
  get missingRequirements(): string[] {
    if (this.#state !== 'ready') return []
    return REQUIRED_OBJECTS.filter(name => !this.#objects.includes(name))
  }

  start(): void {
    this.#parts.link.start(this)
  }

  stop(): void {
    this.#poll?.stop()
    this.#parts.link.stop()
    this.#state = 'disconnected'
  }

  /** Lets Klippy call `method` under `name`, now and after each of its restarts. */
  addRemoteMethod(name: string, method: RemoteMethod): void {
    this.#remoteMethods.set(name, method)
    if (this.#state === 'ready') this.#registerRemote(name)
  }

  removeRemoteMethod(name: string): void {
    this.#remoteMethods.delete(name)
  }

  /** Whether `name` is taken, by us or by whoever registered it. */
  hasRemoteMethod(name: string): boolean {
    return OWN_METHODS.includes(name) || this.#remoteMethods.has(name)
  }

  connected(): void {
    this.#greet().catch(error => this.#greetAgain(error))
  }

  #greetAgain(error: unknown): void {
    const { link, log, clock } = this.#parts
    if (!link.connected) return
    log.warning(`Klippy's greeting failed, it is tried again in ${RETRY} s: ${messageOf(error)}`)
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

  called(method: string, params: Readonly<Record<string, unknown>>): void {
    const { events, subscriptions } = this.#parts
    if (method === 'process_status_update') {
      if (isPlainObject(params.status)) {
        subscriptions.pushed(params.status as StatusChange, Number(params.eventtime))
        events.emit('klippy:status', params.status as StatusChange, Number(params.eventtime))
      }
    } else if (method === 'process_gcode_response') {
      if (typeof params.response === 'string') events.emit('klippy:gcode_response', params.response)
    } else this.#callRemote(method, params)
  }

  #callRemote(name: string, params: Readonly<Record<string, unknown>>): void {
    const method = this.#remoteMethods.get(name)
    const failed = (error: unknown) => this.#parts.log.warning(`remote method ${name}: ${messageOf(error)}`)
    if (method === undefined) failed('called by Klippy, but nobody serves it')
    else Promise.resolve(params).then(method).catch(failed)
  }

  /** Our own subscription: webhooks tell of every change of state after start-up. */
  statusChanged(change: StatusChange): void {
    const { webhooks } = change
    if (webhooks === undefined || this.#info === null) return
    this.#info = { ...this.#info, ...(webhooks as Partial<KlippyInfo>) }
    this.#setState(this.#info.state)
  }

  async #greet(): Promise<void> {
    const { version, events } = this.#parts
    await this.#askInfo({ client_info: { program: 'Moonraker', version } })
    await this.#listEndpoints()
    events.emit('klippy:identified')
    this.#follow()
  }

  async #listEndpoints(): Promise<void> {
    const listed = (await this.#parts.link.request('list_endpoints', {}, TIMEOUT)) as { endpoints?: string[] }
    this.#endpoints = listed.endpoints ?? []
  }

  async #askInfo(params: object): Promise<void> {
    this.#info = (await this.#parts.link.request('info', params, TIMEOUT)) as KlippyInfo
    if (this.#state === 'disconnected') this.#state = 'startup'
  }

  /** Polls while Klippy starts; from then on its webhooks object tells. */
  #follow(): void {
    if (this.#info?.state === 'startup') {
      this.#poll = this.#parts.clock.after(STARTUP_POLL, () => {
        this.#askInfo({}).then(
          () => this.#follow(),
          error => this.#greetAgain(error),
        )
      })
      return
    }
    this.#listen().catch(error => this.#greetAgain(error))
  }

  async #listen(): Promise<void> {
    const { link, subscriptions } = this.#parts
    const template = { response_template: { method: 'process_gcode_response' } }
    const [{ status }] = await Promise.all([
      subscriptions.subscribe(this, { webhooks: null }),
      link.request('gcode/subscribe_output', template, TIMEOUT),
      // Some modules add their endpoints only when Klippy has connected to the controllers.
      this.#listEndpoints(),
    ])
    const listed = (await link.request('objects/list', {}, TIMEOUT)) as { objects?: readonly string[] }
    this.#objects = listed.objects ?? []
    this.statusChanged(status)
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
    if (state === 'shutdown') events.emit('klippy:shutdown')
  }

  #registerRemote(name: string): void {
    const params = { remote_method: name, response_template: { method: name } }
    this.#parts.link
      .request('register_remote_method', params, TIMEOUT)
      .catch(error => this.#parts.log.warning(`cannot register ${name} with Klippy: ${messageOf(error)}`))
  }
}
