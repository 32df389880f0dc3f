// Starts a new log of Klipper: stops its service, renames the log file, starts the service again.
import { rename, stat } from 'node:fs/promises'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { singleFlight } from '../../core/single-flight.ts'
import type { MachineServices } from '../machine/service.ts'

/** Starts a new log. Resolves with undefined, or with the reason why the log was not rolled over. */
export type RollOver = () => Promise<string | undefined>

/** Concurrent calls share one rollover. `services` returns null while the machine component does not work. */
export function klipperLog(core: Core, services: () => MachineServices | null): RollOver {
  return singleFlight(() => rollOver(core, services()))
}

async function rollOver(core: Core, services: MachineServices | null): Promise<string | undefined> {
  const unit = services?.klipperUnit ?? null
  if (services === null || unit === null) return "Klipper's service is not known to this server"
  const file: unknown = core.printer.session.info?.log_file
  if (typeof file !== 'string') return 'Klipper does not log to a file'
  try {
    if (!(await stat(file)).isFile()) return "Klipper's log is not a regular file"
  } catch {
    return "Klipper's log file does not exist"
  }
  if (await core.printer.isBusy()) return 'Cannot rollover log while printing'
  try {
    try {
      await services.act('stop', unit)
      await rename(file, `${file}.${timeStamp(core.clock.now())}`)
    } finally {
      // Also after a stop that failed: a slow stop may still complete after its timeout.
      await services.act('start', unit)
    }
    return undefined
  } catch (error) {
    core.log.error("Klipper's log cannot be rolled over", error)
    const { code } = error as NodeJS.ErrnoException
    return code === undefined ? messageOf(error) : `The log file cannot be renamed (${code}); see the log`
  }
}

/** The suffix that Klipper gives its own old logs, in local time: 2024-05-01_13-45-00. */
function timeStamp(seconds: number): string {
  const minutesAhead = -new Date(seconds * 1000).getTimezoneOffset()
  const local = new Date((seconds + minutesAhead * 60) * 1000)
  return local.toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-')
}
