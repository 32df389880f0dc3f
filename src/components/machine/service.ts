// The machine's services and root access, for other components.
import { service } from '../../component/service.ts'
import type { Services } from './services/services.ts'
import type { Sudo } from './services/sudo.ts'

/** The services and the power of the machine. */
export type MachineServices = Pick<Services, 'klipperUnit' | 'act' | 'request' | 'restartOwn' | 'power'>

/** The services and the power of the machine. */
export const machineServices = service<MachineServices>('machine_services')

/** Runs programs as root. */
export const sudoService = service<Pick<Sudo, 'run' | 'request' | 'checkAccess'>>('sudo')
