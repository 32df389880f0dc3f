// POST /api/printer/command: G-code, line by line.
import type { ParamsOf } from '../../api/endpoint.ts'
import type { octoprintEndpoints } from '../../api/octoprint.ts'
import type { Core } from '../../component/component.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import { runLongCommand } from './run-long-command.ts'

type Params = ParamsOf<(typeof octoprintEndpoints)['octoprint.printer.command']>

/**
 * Runs commands one after the other. A failed command does not stop the following ones, as they may undo what came before
 * (`G91`, `G0 X5`, `G90`); Klipper reports it on the console. Throws ApiError 400 without commands, 409 without a
 * printer, 503 if Klippy disconnects: the remaining commands are not run when it returns.
 */
export async function runCommands(core: Core, { command, commands }: Params): Promise<void> {
  const given = commands ?? command
  if (given === undefined) throw new ApiError(400, 'No data for argument: commands')
  if (!core.printer.link.connected) throw new ApiError(409, 'The printer is not operational: Offline')
  const all = typeof given === 'string' ? [given] : given
  await runLongCommand(core, async () => {
    for (const each of all) await runOne(core, each)
  })
}

async function runOne({ printer, log }: Core, command: string): Promise<void> {
  // As a script it would wait for what Klipper is doing.
  const isEmergency = /^\s*M112\s*$/i.test(command)
  try {
    await (isEmergency ? printer.call('emergency_stop') : printer.runGcode(command))
  } catch (error) {
    if (!printer.link.connected) throw error
    log.warning(`the G-code '${command.slice(0, 200)}' failed: ${messageOf(error)}`)
  }
}
