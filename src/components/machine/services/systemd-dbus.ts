// systemd and logind over D-Bus: the provider systemd_dbus.
import type { Timer } from '../../../core/clock.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { type Registration, Scope } from '../../../core/scope.ts'
import { powerByCommand } from './power-command.ts'
import {
  DONE,
  type PowerAction,
  type Provider,
  type ProviderParts,
  type ServiceAction,
  type ServiceState,
  type ServiceStates,
} from './provider.ts'
import { allRights, MANAGE_UNITS, missingRights, powerRight } from './rights.ts'
import { BusError, type BusObject, type SystemBus } from './system-bus.ts'
import { SystemdJobs } from './systemd-jobs.ts'

const SYSTEMD = 'org.freedesktop.systemd1'
const MANAGER: BusObject = {
  destination: SYSTEMD,
  path: '/org/freedesktop/systemd1',
  interface: `${SYSTEMD}.Manager`,
}
const LOGIN: BusObject = {
  destination: 'org.freedesktop.login1',
  path: '/org/freedesktop/login1',
  interface: 'org.freedesktop.login1.Manager',
}
const BUS: BusObject = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
}

const MEMBERS = { start: 'StartUnit', stop: 'StopUnit', restart: 'RestartUnit' } as const
const SUFFIX = '.service'
/** Seconds between attempts to reconnect to the bus; the last value repeats. */
const BACKOFF = [1, 2, 5, 10, 30] as const
/** What systemd and logind answer where polkit does not grant a right. */
const DENIED = /\.(AccessDenied|InteractiveAuthorizationRequired|AuthFailed)$/
/** The bus's error for a name without an owner. */
const ABSENT = /\.(ServiceUnknown|NameHasNoOwner)$/

/** Of a unit's properties those that are of interest. */
interface UnitProperties {
  readonly ActiveState?: unknown
  readonly SubState?: unknown
}

/** A unit as systemd lists it. */
interface ListedUnit {
  readonly unit: string
  readonly state: ServiceState
  /** Its object on the bus. */
  readonly path: string
}

/** A use of the host's connection: the bus, and what belongs to this provider. */
interface Line {
  readonly bus: SystemBus
  /** Holds the use of the connection, and the listeners. */
  readonly scope: Scope
  readonly jobs: SystemdJobs
  /** The paths of units whose changes are received. */
  readonly watched: Set<string>
}

export class SystemdDbus implements Provider {
  readonly name = 'systemd_dbus'
  readonly #parts: ProviderParts
  #line: Line | null = null
  #states = new Map<string, ServiceState>()
  #attempts = 0
  #retry: Timer | null = null
  #warning: Registration | null = null

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  async open(): Promise<ServiceStates> {
    this.#line = await this.#connect()
    if (this.#parts.checkRights) void this.#checkRights(this.#line.bus)
    return this.#states
  }

  async #connect(): Promise<Line> {
    const { core, bus: hostBus, signal } = this.#parts
    const scope = new Scope()
    try {
      const bus = await hostBus.connect(reason => this.#lost(reason), scope, signal)
      const jobs = new SystemdJobs(core.clock)
      await subscribe(bus)
      await bus.listen(MANAGER, 'JobRemoved', { scope, received: body => jobs.removed(body) })
      // A systemd that restarts sends its signals under another unique name.
      const restarted = () => bus.fail('systemd restarted')
      await bus.listen(BUS, 'NameOwnerChanged', { scope, received: restarted, first: SYSTEMD })
      const line: Line = { bus, scope, jobs, watched: new Set() }
      await this.#listUnits(line)
      return line
    } catch (error) {
      scope.close()
      throw error
    }
  }

  #lost(reason: string): void {
    if (this.#parts.signal.aborted || this.#line === null) return
    this.#line.jobs.end()
    this.#line.scope.close()
    this.#line = null
    const text = `The system's D-Bus is gone (${reason}): services cannot be managed until it is back`
    this.#warning = this.#parts.core.warnings.add(text, 'machine: D-Bus')
    this.#retryLater()
  }

  #retryLater(): void {
    const wait = BACKOFF[Math.min(this.#attempts, BACKOFF.length - 1)] as number
    this.#attempts += 1
    this.#retry = this.#parts.core.clock.after(wait, () => void this.#connectAgain())
  }

  async #connectAgain(): Promise<void> {
    const { log } = this.#parts.core
    try {
      const line = await this.#connect()
      this.#line = line
      this.#attempts = 0
      this.#warning?.remove()
      log.info("reconnected to the system's D-Bus")
      this.#parts.report(this.#states)
    } catch (error) {
      if (this.#parts.signal.aborted) return
      log.debug(`the system's D-Bus: ${messageOf(error)}`)
      this.#retryLater()
    }
  }

  get #connected(): Line {
    if (this.#line !== null) return this.#line
    throw new ApiError(503, "The system's D-Bus is not connected: services and power cannot be managed now")
  }

  async list(): Promise<ServiceStates> {
    return this.#listUnits(this.#connected)
  }

  async #listUnits({ bus, scope, watched }: Line): Promise<ServiceStates> {
    const { allowed } = this.#parts
    const answer = await bus.call(MANAGER, 'ListUnitsByPatterns', 'asas', [
      ['loaded'],
      allowed.unitPatterns(),
    ])
    const states = new Map<string, ServiceState>()
    for (const { unit, state, path } of readUnits(answer)) {
      const name = unit.slice(0, -SUFFIX.length)
      if (!unit.endsWith(SUFFIX) || !allowed.includes(name)) continue
      states.set(name, state)
      if (watched.has(path)) continue
      watched.add(path)
      const properties = { destination: SYSTEMD, path, interface: 'org.freedesktop.DBus.Properties' }
      const received = (body: readonly unknown[]) => this.#changed(name, body)
      await bus.listen(properties, 'PropertiesChanged', { scope, received, first: `${SYSTEMD}.Unit` })
    }
    this.#states = states
    return states
  }

  #changed(name: string, [of, properties]: readonly unknown[]): void {
    const state = this.#states.get(name)
    if (of !== `${SYSTEMD}.Unit` || state === undefined) return
    const { ActiveState = state.active_state, SubState = state.sub_state } = properties as UnitProperties
    const next = readState(ActiveState, SubState)
    this.#states.set(name, next)
    this.#parts.report(new Map([[name, next]]))
  }

  async act(action: ServiceAction, service: string): Promise<void> {
    const { bus, jobs } = this.#connected
    const call = () => bus.call(MANAGER, MEMBERS[action], 'ss', [`${service}${SUFFIX}`, 'replace'])
    const result = await this.#call(MANAGE_UNITS, () => jobs.run(call))
    if (result === 'done' || result === 'skipped') return
    throw new ApiError(
      500,
      `Service '${service}' could not be ${DONE[action]}: ${result}; see 'journalctl -u ${service}' on the machine`,
    )
  }

  restartOwn(service: string): Promise<void> {
    return this.act('restart', service)
  }

  async power(action: PowerAction): Promise<void> {
    const { bus } = this.#connected
    const { shutdownAction, sudo } = this.#parts
    const member = action === 'reboot' ? 'Reboot' : shutdownAction === 'halt' ? 'Halt' : 'PowerOff'
    try {
      await this.#call(powerRight(action, shutdownAction), () => bus.call(LOGIN, member, 'b', [false]))
    } catch (error) {
      const { cause } = error as Error
      if (!(cause instanceof BusError) || !ABSENT.test(cause.busName)) throw error
      await powerByCommand(sudo, action, shutdownAction)
    }
  }

  /** Calls systemd or logind for an action that polkit guards by `right`. */
  async #call<T>(right: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      if (cause instanceof ApiError) throw cause
      if (!(cause instanceof BusError)) throw cause
      const why = messageOf(cause)
      if (!DENIED.test(cause.busName)) throw new ApiError(503, `The machine refuses: ${why}`, { cause })
      throw new ApiError(
        503,
        `The user ${this.#parts.sudo.user} lacks the right ${right} (${why}): install the polkit rule of docs/machine.md`,
        { cause },
      )
    }
  }

  async unitOf(pid: number): Promise<string | null> {
    const { bus } = this.#connected
    try {
      const path = String(await bus.call(MANAGER, 'GetUnitByPID', 'u', [pid]))
      const id = String(
        await bus.property({ destination: SYSTEMD, path, interface: `${SYSTEMD}.Unit` }, 'Id'),
      )
      // What a person starts belongs to a session or to the person's own systemd: no service of the machine.
      return id.endsWith(SUFFIX) && !id.startsWith('user@') ? id.slice(0, -SUFFIX.length) : null
    } catch (error) {
      if (error instanceof BusError) return null
      throw error
    }
  }

  async #checkRights(bus: SystemBus): Promise<void> {
    const { core, shutdownAction, signal, sudo } = this.#parts
    const warn = (text: string) => core.warnings.add(text, 'machine: polkit')
    try {
      const missing = await missingRights(bus, allRights([shutdownAction]))
      if (missing.length === 0) return
      warn(
        `polkit does not grant the user ${sudo.user} ${missing.join(', ')}: services or the machine's power cannot ` +
          'be managed. Install the polkit rule of docs/machine.md, or set validate_service: False in [machine]',
      )
    } catch (error) {
      // systemd and logind allow root everything without polkit.
      if (process.geteuid?.() === 0 || signal.aborted) return
      warn(`polkit does not answer what this server may do (${messageOf(error)}); is it installed?`)
    }
  }

  stop(): void {
    this.#retry?.stop()
    this.#warning?.remove()
    this.#line?.jobs.end()
    this.#line?.scope.close()
    this.#line = null
  }
}

/** Without a subscriber systemd does not send most of its signals. */
async function subscribe(bus: SystemBus): Promise<void> {
  try {
    await bus.call(MANAGER, 'Subscribe')
  } catch (error) {
    // Another printer has subscribed on the same connection.
    if (!(error instanceof BusError) || error.busName !== `${SYSTEMD}.AlreadySubscribed`) throw error
  }
}

/** The answer of ListUnits: name, description, load state, active state, sub state, followed unit, path, … */
function readUnits(answer: unknown): ListedUnit[] {
  return asList(answer).map(row => {
    const [unit, , , active, sub, , path] = asList(row)
    return { unit: asText(unit), state: readState(active, sub), path: asText(path) }
  })
}

function readState(active: unknown, sub: unknown): ServiceState {
  return { active_state: asText(active), sub_state: asText(sub) }
}

function asText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('systemd answers what is not understood')
  return value
}

function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('systemd answers what is not understood')
  return value
}
