// Restarts the services that run this server, so that they run its newest version: those whose printer is idle.
import { readFileSync } from 'node:fs'
import { runCommand } from '../../core/run-command.ts'
import { inspect } from './findings.ts'
import type { Instance } from './instances.ts'
import { systemctl } from './switch.ts'

/** Seconds for systemd to reply. */
const STATE_SECONDS = 10

/**
 * Restarts the service if it runs this server and its printer is idle. `root` is the root of the system, `report` receives
 * what was done, in words. Rejects with StartError if the restart fails.
 */
export async function restartIfIdle(
  instance: Instance,
  root: string,
  report: (text: string) => void,
): Promise<void> {
  const { service, isOurs } = instance
  if (!isOurs || !(await isActive(service))) return
  const obstacle = isPartOf(service) ? 'this command is part of it' : await printInProgress(instance, root)
  if (obstacle === null) {
    await systemctl('restart', service)
    return report(`${service} has been restarted`)
  }
  report(`${service} goes on with its version, because ${obstacle}. Later: sudo systemctl restart ${service}`)
}

async function isActive(service: string): Promise<boolean> {
  const args = ['is-active', '--quiet', service]
  return (await runCommand('systemctl', args, { timeoutSeconds: STATE_SECONDS })).code === 0
}

/** Whether this process belongs to the service, such as an apt that the server started: the restart would kill it. */
function isPartOf(service: string): boolean {
  const groups = readFileSync('/proc/self/cgroup', 'utf8').split('\n')
  return groups.some(line => `${line}/`.includes(`/${service}.service/`))
}

/** Why the printer may not be idle; null if it is. */
async function printInProgress(instance: Instance, root: string): Promise<string | null> {
  const { address, klipper } = await inspect(instance, root)
  if (address === null) return 'its moonraker.conf cannot be read'
  return klipper?.printing ? 'a print is in progress' : null
}
