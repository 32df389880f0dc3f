// The machine's services, root access and system bus, for other components.
import { service } from '../../component/service.ts'
import type { HostBus } from './services/host-bus.ts'
import type { missingRights } from './services/rights.ts'
import type { Services } from './services/services.ts'
import type { Sudo } from './services/sudo.ts'

/** The services and the power of the machine. */
export type MachineServices = Pick<
  Services,
  'klipperUnit' | 'states' | 'act' | 'allows' | 'info' | 'problemOf' | 'request' | 'restartOwn' | 'power'
>

/** The services and the power of the machine. */
export const machineServices = service<MachineServices>('machine_services')

/** Runs programs as root. */
export type RootAccess = Pick<Sudo, 'run' | 'request' | 'checkAccess'>

/** Runs programs as root. */
export const sudoService = service<RootAccess>('sudo')

/** The connection to the system's D-Bus, and what polkit grants there. */
export interface SystemBusAccess extends Pick<HostBus, 'connect'> {
  readonly missingRights: typeof missingRights
}

/** The system's D-Bus. */
export const systemBusService = service<SystemBusAccess>('system_bus')
