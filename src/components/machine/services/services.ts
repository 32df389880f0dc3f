// The machine's services and power as clients see them: what there is, in which state, and what may be done with it.
import type { SystemInfo } from '../../../api/system-info.ts'
import type { Core } from '../../../component/component.ts'
import { sleep, type Timer } from '../../../core/clock.ts'
import { ConcurrencyLimit } from '../../../core/concurrency-limit.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { Registration } from '../../../core/scope.ts'
import type { Infer } from '../../../schema/index.ts'
import { serviceName } from './allowed-services.ts'
import { type OpenProvider, openProvider, openWanted } from './open-provider.ts'
import type {
  PowerAction,
  Provider,
  ProviderName,
  ProviderParts,
  ServiceAction,
  ServiceState,
  ServiceStates,
} from './provider.ts'

/** What the machine reports about its services, for machine.system_info. */
export interface ServicesInfo {
  readonly provider: ProviderName
  readonly available_services: string[]
  readonly service_state: Record<string, ServiceState>
  /** The names of this server's own service and of Klipper's. */
  readonly instance_ids: { readonly moonraker: string; readonly klipper: string }
}

/** What kind of machine this is, in the terms of systemd-detect-virt(1). */
type Virtualization = Infer<typeof SystemInfo>['virtualization']

/** Seconds that a request waits for the service manager at the start. */
const START_TIMEOUT = 3
/** Seconds between attempts to open the configured provider after the start; the last one repeats. */
const RETRIES = [5, 10, 20, 60] as const
/** Actions of clients that run at the same time: each may be a program. */
const MAX_ACTIONS = 10
/** How much of a name an error repeats. */
const SHOWN_NAME = 100

export class Services {
  readonly #core: Core
  readonly #wanted: ProviderName
  readonly #parts: ProviderParts
  readonly #virtualization: () => Promise<Virtualization>
  /** Ends when the list of allowed services was read, or written to the data folder. */
  #loading: Promise<void> = Promise.resolve()
  #opening: Promise<Provider> | null = null
  /** Resolves when the service manager is known, or is not found. */
  readonly #looked = Promise.withResolvers<void>()
  #provider: Provider | null = null
  /** That another provider than the configured one is in use. */
  #warning: Registration | null = null
  #retry: Timer | null = null
  #following: Promise<void> = Promise.resolve()
  readonly #actions = new ConcurrencyLimit({ what: 'service actions', maxRunning: MAX_ACTIONS, maxQueued: 0 })
  #states: ServiceStates = new Map()
  #ownUnit: string | null = null
  #klipperUnit: string | null = null

  constructor(
    wanted: ProviderName,
    parts: Omit<ProviderParts, 'report'>,
    virtualization: () => Promise<Virtualization>,
  ) {
    this.#core = parts.core
    this.#wanted = wanted
    this.#virtualization = virtualization
    this.#parts = { ...parts, report: states => this.#report(states) }
  }

  /** Starts to look for the service manager; the start of the server does not wait for it. */
  start(): void {
    this.#loading = this.#parts.allowed.load()
    this.#opening = this.#open()
    this.#opening.catch(error => this.#logError(error)).finally(this.#looked.resolve)
  }

  async #open(): Promise<Provider> {
    const { signal } = this.#parts
    await this.#loading
    const opened = await openProvider(this.#wanted, this.#parts)
    this.#states = new Map(opened.states)
    await this.#use(opened)
    if (opened.provider.name !== this.#wanted && !signal.aborted) this.#retryLater(0)
    return opened.provider
  }

  async #use({ provider, warning }: OpenProvider): Promise<void> {
    const { core, signal } = this.#parts
    this.#provider?.stop()
    this.#provider = provider
    this.#warning?.remove()
    this.#warning = warning ?? null
    if (signal.aborted) return provider.stop()
    this.#ownUnit = await this.#unitOf(process.pid)
    if (signal.aborted) return
    if (provider.name !== 'none') {
      const names = [...this.#states.keys()].join(', ')
      core.log.info(
        `${provider.name} manages services: ${names || 'none of those that are allowed runs here'}`,
      )
    }
    await this.#findKlipper()
  }

  /** The configured provider may work later: a service manager or its D-Bus can start after the server. */
  #retryLater(attempt: number): void {
    const wait = RETRIES[Math.min(attempt, RETRIES.length - 1)] as number
    this.#retry = this.#core.clock.after(wait, () => void this.#openAgain(attempt + 1))
  }

  async #openAgain(attempt: number): Promise<void> {
    if (this.#wanted === 'none') return
    try {
      const opened = await openWanted(this.#wanted, this.#parts)
      this.#report(opened.states)
      await this.#use(opened)
      this.#opening = Promise.resolve(opened.provider)
    } catch (error) {
      if (this.#parts.signal.aborted) return
      this.#core.log.debug(`provider ${this.#wanted} does not work yet: ${messageOf(error)}`)
      this.#retryLater(attempt)
    }
  }

  /** The signal of the parts ends what is in progress. Afterwards nothing writes to the data folder. */
  async stop(): Promise<void> {
    this.#retry?.stop()
    this.#provider?.stop()
    await this.#loading
  }

  /** Finds out which service Klipper is, once it has reported its process. */
  followKlipper(): void {
    this.#following = this.#findKlipper()
  }

  async #findKlipper(): Promise<void> {
    const pid = this.#core.printer.session.info?.process_id
    // Process 1 is Klipper in a container of its own; the virtual printer is this process.
    const known = typeof pid === 'number' && pid > 1 && pid !== process.pid
    const unit = known ? await this.#unitOf(pid) : null
    // Of a Klipper in another container the number is that of another process here, or of this server's own service.
    const isKlippers = unit !== null && unit !== this.#ownUnit && this.#parts.allowed.includes(unit)
    this.#klipperUnit = isKlippers ? unit : null
  }

  async #unitOf(pid: number): Promise<string | null> {
    try {
      return (await this.#provider?.unitOf(pid)) ?? null
    } catch (error) {
      if (!this.#parts.signal.aborted)
        this.#core.log.info(`the service of process ${pid} is not known: ${messageOf(error)}`)
      return null
    }
  }

  #report(states: ServiceStates): void {
    const next = new Map(this.#states)
    for (const [name, state] of states) {
      const { active_state, sub_state } = this.#states.get(name) ?? {}
      if (state.active_state === active_state && state.sub_state === sub_state) continue
      next.set(name, state)
      this.#core.connections.notify('notify_service_state_changed', { [name]: state })
    }
    this.#states = next
  }

  /** Waits for the service manager, but not for long. */
  async info(): Promise<ServicesInfo> {
    const waited = new AbortController()
    const known = this.#opening?.catch(() => undefined).then(() => this.#following)
    const late = sleep(this.#core.clock, START_TIMEOUT, waited.signal).catch(() => undefined)
    await Promise.race([known, late])
    waited.abort()
    return {
      provider: this.#provider?.name ?? 'none',
      available_services: [...this.#states.keys()],
      service_state: Object.fromEntries(this.#states),
      instance_ids: { moonraker: this.#ownUnit ?? 'moonraker', klipper: this.#klipperUnit ?? 'klipper' },
    }
  }

  /** Whether clients may control a service of that name. Waits for the service manager. */
  async allows(name: string): Promise<boolean> {
    await this.#opening?.catch(() => undefined)
    return this.#parts.allowed.includes(name)
  }

  /** Why a service cannot be started and stopped; null if it can. Waits for the service manager. */
  async problemOf(name: string): Promise<string | null> {
    await this.#looked.promise
    if (this.#parts.signal.aborted) return null
    if (!this.#parts.allowed.includes(name)) return 'may not be controlled: add it to the file moonraker.asvc'
    if (this.#provider === null || this.#provider.name === 'none') {
      return 'cannot be controlled: [machine] has no provider for services'
    }
    return this.#states.has(name) ? null : 'is no service of this machine: correct its name, or install it'
  }

  async #opened(): Promise<Provider> {
    if (this.#opening === null) throw new ApiError(503, 'The server is not up yet')
    return this.#opening
  }

  /** The allowed services of this machine with their states, as far as they are known. */
  get states(): ServiceStates {
    return this.#states
  }

  /** Klipper's own service; null where it is not known. */
  get klipperUnit(): string | null {
    return this.#klipperUnit
  }

  /**
   * Starts, stops or restarts a service on a client's behalf. Rejects with ApiError: 400 for one that is not allowed or
   * not there, 503 where this machine does not allow it, 500 where the service fails. For our own service it resolves
   * before the restart, so that the reply goes out.
   */
  async request(action: ServiceAction, given: string): Promise<void> {
    const name = serviceName(given)
    const provider = await this.#opened()
    if (name === (this.#ownUnit ?? 'moonraker')) return this.#requestOwn(action)
    const shown = name.length > SHOWN_NAME ? `${name.slice(0, SHOWN_NAME)}…` : name
    if (!this.#parts.allowed.includes(name)) throw new ApiError(400, `Service '${shown}' not allowed`)
    if (provider.name === 'none') return provider.act(action, name)
    // It may have been installed since.
    if (!this.#states.has(name)) this.#report(await this.#callBounded(() => provider.list()))
    if (!this.#states.has(name)) throw new ApiError(400, `Service '${shown}' not installed`)
    await this.#callBounded(() => provider.act(action, name))
  }

  #requestOwn(action: ServiceAction): void {
    if (action !== 'restart')
      throw new ApiError(400, `Service action '${action}' not available for moonraker`)
    this.restartOwn()
  }

  /** Restarts our own service; the server itself where it is none. Not at once: replies go out before. */
  restartOwn(): void {
    const unit = this.#ownUnit
    const { events, warnings } = this.#core
    const failed = (error: unknown) => {
      if (!this.#parts.signal.aborted)
        warnings.add(`The server cannot restart its service: ${messageOf(error)}`)
    }
    if (unit === null) events.emit('server:restart')
    else setImmediate(() => void this.#restart(unit).catch(failed))
  }

  async #restart(unit: string): Promise<void> {
    const provider = await this.#opened()
    await this.#call(() => provider.restartOwn(unit))
  }

  /** Acts on a service that the server itself has found, such as Klipper's. */
  async act(action: ServiceAction, service: string): Promise<void> {
    const provider = await this.#opened()
    await this.#call(() => provider.act(action, service))
  }

  /** Powers the machine off or restarts it. Rejects with ApiError that contains the reason. */
  async power(action: PowerAction): Promise<void> {
    const provider = await this.#opened()
    // A container with its own systemd, or with the host's D-Bus, can be powered off.
    const { virt_type, virt_identifier } = await this.#virtualization()
    if (virt_type === 'container' && !provider.name.startsWith('systemd')) {
      throw new ApiError(400, `Cannot ${action} from within a ${virt_identifier} container`)
    }
    this.#core.log.info(`the machine is to ${action === 'reboot' ? 'restart' : 'power off'}`)
    await this.#callBounded(() => provider.power(action))
  }

  /** Calls the provider for a client. Rejects with ApiError 503 while too many such calls run. */
  #callBounded<T>(call: () => Promise<T>): Promise<T> {
    return this.#actions.run(() => this.#call(call))
  }

  /** Calls the provider; its answer, errors too, is for the caller. */
  async #call<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (error instanceof ApiError) throw error
      this.#logError(error)
      throw new ApiError(503, `The service manager does not answer: ${messageOf(error)}`, { cause: error })
    }
  }

  #logError(error: unknown): void {
    if (!this.#parts.signal.aborted) this.#core.log.error('the service manager failed', error)
  }
}
