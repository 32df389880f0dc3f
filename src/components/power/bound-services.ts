// Services of the machine that start and stop with a power device.
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { MachineServices } from '../machine/service.ts'
import type { DriverContext, Wanted } from './driver.ts'
import type { DeviceOptions, PowerType } from './options.ts'

/** The names of the services, without duplicates. Throws ConfigError for the server's own service. */
export function boundServices(
  { section }: Pick<DriverContext<PowerType>, 'section'>,
  { bound_services }: Pick<DeviceOptions, 'bound_services'>,
): string[] {
  const names = new Set(bound_services.map(name => name.replace(/\.service$/, '')))
  if (!names.has('moonraker')) return [...names]
  throw section.error(
    `the option "bound_services" of section [${section.section}] cannot contain the server's own service: moonraker`,
    'bound_services',
  )
}

/** Adds a warning for each service that the device could not start and stop. Waits for the service manager. */
export async function checkServices(
  { warnings }: Pick<Core, 'warnings'>,
  machine: Pick<MachineServices, 'problemOf'> | null,
  { section }: Pick<DriverContext<PowerType>['section'], 'section'>,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const problem =
      machine === null
        ? 'cannot be controlled: the component [machine] does not work'
        : await machine.problemOf(name)
    if (problem !== null) warnings.add(`Section [${section}], option "bound_services": ${name} ${problem}`)
  }
}

/** Starts or stops the services, one after the other. An error is logged, and the next service follows. */
export async function switchServices(
  { log }: Pick<Core, 'log'>,
  machine: Pick<MachineServices, 'request'> | null,
  names: readonly string[],
  to: Wanted,
): Promise<void> {
  const action = to === 'on' ? 'start' : 'stop'
  for (const name of names) {
    try {
      if (machine === null) throw new Error('the component [machine] does not work')
      await machine.request(action, name)
    } catch (error) {
      log.warning(`cannot ${action} the bound service ${name}: ${messageOf(error)}`)
    }
  }
}
