// Powering the machine off and restarting it with the system's own commands.
import { existsSync } from 'node:fs'
import { commandFailure } from '../../../core/command-failure.ts'
import { ApiError } from '../../../core/errors.ts'
import type { PowerAction, ShutdownAction } from './provider.ts'
import type { Sudo } from './sudo.ts'

/** There where systemd is process 1 (sd_booted(3)). */
export const SYSTEMD_RUNS = '/run/systemd/system'
const TIMEOUT = 30

/** Powers the machine off or restarts it, as root. Rejects with ApiError that contains the reason. */
export async function powerByCommand(
  sudo: Sudo,
  action: PowerAction,
  shutdownAction: ShutdownAction,
): Promise<void> {
  const word = action === 'reboot' ? 'reboot' : shutdownAction
  const options = { timeoutSeconds: TIMEOUT }
  const result = existsSync(SYSTEMD_RUNS)
    ? await sudo.run('systemctl', [word], options)
    : await sudo.run(word, [], options)
  if (result.code !== 0) throw new ApiError(503, `The machine refuses: ${commandFailure(word, result)}`)
}
