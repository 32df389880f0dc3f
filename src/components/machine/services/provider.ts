// What a service manager can do for us, whichever it is.
import type { ServiceState as StateSchema } from '../../../api/services.ts'
import type { Core } from '../../../component/component.ts'
import type { Infer } from '../../../schema/index.ts'
import type { AllowedServices } from './allowed-services.ts'
import type { HostBus } from './host-bus.ts'
import type { Sudo } from './sudo.ts'

/** The ways to reach the machine's services, as [machine] provider names them. */
export const PROVIDERS = ['systemd_dbus', 'systemd_cli', 'supervisord_cli', 'none'] as const
export type ProviderName = (typeof PROVIDERS)[number]

/** What machine.shutdown does to the machine. */
export const SHUTDOWN_ACTIONS = ['poweroff', 'halt'] as const
export type ShutdownAction = (typeof SHUTDOWN_ACTIONS)[number]

export type ServiceState = Infer<typeof StateSchema>
/** States of services by their names, which have no `.service` at the end. */
export type ServiceStates = ReadonlyMap<string, ServiceState>
export type ServiceAction = 'start' | 'stop' | 'restart'
export type PowerAction = 'shutdown' | 'reboot'

/** What was done, for errors that report a failure. */
export const DONE = { start: 'started', stop: 'stopped', restart: 'restarted' } as const

/**
 * A service manager. Services are named without `.service`; a provider only receives names that it
 * listed or that it returned from `unitOf`. Refusals and failures reject with ApiError that contains the reason.
 */
export interface Provider {
  readonly name: ProviderName
  /** Starts to work and to report changes. Rejects with Error if the service manager does not answer. */
  open(): Promise<ServiceStates>
  /** The allowed services that exist, with their present states. */
  list(): Promise<ServiceStates>
  /** Resolves when it is done. */
  act(action: ServiceAction, service: string): Promise<void>
  /** Restarts the service that this server is; the server stops before the end. */
  restartOwn(service: string): Promise<void>
  power(action: PowerAction): Promise<void>
  /** The service that a process belongs to; null without one. */
  unitOf(pid: number): Promise<string | null>
  stop(): void
}

/** What providers work with. */
export interface ProviderParts {
  readonly core: Core
  /** The host's connection to the system bus. */
  readonly bus: HostBus
  readonly allowed: AllowedServices
  readonly sudo: Sudo
  readonly shutdownAction: ShutdownAction
  /** The configuration file for supervisorctl; null for its default. */
  readonly supervisordConfig: string | null
  /** Whether missing rights are a warning at the start. */
  readonly checkRights: boolean
  /** Aborted when the server stops: end everything that waits. */
  readonly signal: AbortSignal
  /** Receives states, also those that have not changed. */
  readonly report: (states: ServiceStates) => void
}
