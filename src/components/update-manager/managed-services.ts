// The services that an entry restarts after an update: those of its section, as far as they are allowed.
import type { ServiceOptions } from './options.ts'
import type { UpdaterParts } from './updater.ts'

/** Services that every section may name. */
const SHARED = ['klipper', 'moonraker'] as const

/** The services of a section in the order in which they restart. What is not allowed becomes a warning. */
export async function managedServices({
  core,
  machine,
  name,
  options,
}: Pick<UpdaterParts<Record<never, never>>, 'core' | 'machine' | 'name'> & {
  readonly options: ServiceOptions
}): Promise<string[]> {
  const { is_system_service, managed_services } = options
  const wanted = managed_services ?? (is_system_service ? [name] : [])
  if (wanted.includes(name) && !(await machine.allows(name))) {
    core.warnings.add(notAllowed(name, core.paths.allowedServices))
    return []
  }
  const choices = [name, ...SHARED]
  for (const invalid of wanted.filter(service => !choices.includes(service))) {
    core.warnings.add(
      `[update_manager ${name}]: Option 'managed_services: ${wanted.join(' ')}' contains an invalid value ` +
        `'${invalid}'.  All values must be one of the following choices: ['${choices.join("', '")}']`,
    )
  }
  return choices.filter((service, index) => wanted.includes(service) && choices.indexOf(service) === index)
}

function notAllowed(name: string, file: string): string {
  return (
    `[update_manager ${name}]: Moonraker is not permitted to restart service '${name}'.  To enable management of ` +
    `this service add ${name} to the bottom of the file ${file}.  To disable management for this service set ` +
    "'is_system_service: False' in the configuration for this section."
  )
}
