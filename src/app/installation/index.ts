// The commands `moonraker-ts doctor` and `moonraker-ts switch`: what is installed on this machine, and which server runs.
import { realpathSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { StartError } from '../../core/errors.ts'
import { type Inspection, inspect, type Level } from './findings.ts'
import { findInstances, type Instance } from './instances.ts'
import { type Change, dropInText, isSwitched, type Programs, switchBack, switchOver } from './switch.ts'

const HELP = `moonraker-ts doctor, moonraker-ts switch: this server in place of Moonraker

Usage: moonraker-ts doctor [options]        print what is installed, and what would hinder the switch
       moonraker-ts switch [options]        make Moonraker's services run this server
       moonraker-ts switch back [options]   make them run Moonraker again

Neither touches the data folder. A switch is refused during a print, and goes back by itself if the server does not
reply or Klipper is not ready in time.

      --service NAME   only this service, such as moonraker-1; by default all
      --dry-run        print what a switch would do
      --wait SECONDS   how long the new server may take (default 60)
      --root DIR       the root of the system that is inspected (default /)
  -h, --help           print this
`

const MARKS: Readonly<Record<Level, string>> = {
  ok: 'ok      ',
  note: 'note    ',
  warning: 'WARNING ',
  problem: 'PROBLEM ',
}

/** The arguments, as values. */
interface Command {
  readonly name: 'doctor' | 'switch' | 'back' | 'help'
  readonly service: string | undefined
  readonly dryRun: boolean
  readonly timeout: number
  readonly root: string
}

/** Runs `name` with the arguments after it. Rejects with StartError where something is wrong. */
export async function runInstallation(name: 'doctor' | 'switch', args: readonly string[]): Promise<void> {
  const command = readArguments(name, args)
  if (command.name === 'help') return void process.stdout.write(HELP)
  const instances = findInstances(command.root).filter(
    ({ service }) => command.service === undefined || command.service === service,
  )
  if (instances.length === 0) {
    throw new StartError(
      `there is no service ${command.service ?? 'of Moonraker'} in /etc/systemd/system; docs/install.md has one`,
    )
  }
  let problems = 0
  for (const instance of instances) problems += await runFor(instance, command)
  if (problems > 0) throw new StartError(`${problems} problem${problems === 1 ? '' : 's'} found`)
}

function readArguments(name: 'doctor' | 'switch', args: readonly string[]): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: name === 'switch',
      options: {
        service: { type: 'string' },
        'dry-run': { type: 'boolean' },
        wait: { type: 'string' },
        root: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const [direction, ...more] = positionals
    if (more.length > 0 || (direction !== undefined && direction !== 'back')) {
      throw new Error(`unknown argument '${more[0] ?? direction}'`)
    }
    return {
      name: values.help ? 'help' : direction === 'back' ? 'back' : name,
      service: values.service?.replace(/\.service$/, ''),
      dryRun: values['dry-run'] ?? false,
      timeout: readSeconds(values.wait),
      root: resolve(values.root ?? '/'),
    }
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('. ')[0]}; --help lists the options`)
  }
}

function readSeconds(text = '60'): number {
  const seconds = Number(text)
  if (!(seconds >= 1 && seconds <= 3600)) throw new Error(`--wait ${text}: give a number from 1 to 3600`)
  return seconds
}

/** Returns the number of problems. */
async function runFor(instance: Instance, command: Command): Promise<number> {
  const report = (text: string) => void process.stdout.write(`${text}\n`)
  const isOwn = isSwitched(instance) || instance.isOwnRepository
  report(`${instance.service}.service: ${isOwn ? 'moonraker-ts' : 'Moonraker'}, ${instance.dataPath}`)
  // `~` in moonraker.conf is the home folder of the service's user, not that of who runs this command with sudo.
  process.env.HOME = instance.home
  const inspection = await inspect(instance, command.root)
  for (const { level, text } of inspection.findings) report(`  ${MARKS[level]}${text}`)
  const problems = inspection.findings.filter(({ level }) => level === 'problem')
  if (command.name === 'doctor' || problems.length > 0) return problems.length
  await change(instance, inspection, command, text => report(`  ${text}`))
  return 0
}

async function change(
  instance: Instance,
  { address, klipper }: Inspection,
  command: Command,
  report: (text: string) => void,
): Promise<void> {
  if (address === null) return
  const { timeout } = command
  const planned: Change = { instance, address, klipperReady: klipper?.ready ?? false, timeout, report }
  const isBack = command.name === 'back'
  const programs = isBack ? null : ownPrograms()
  if (command.dryRun) return describe(planned, programs)
  // Half of a change would leave the printer without a server.
  const ignore = () => report('please wait: the change is not finished')
  process.on('SIGINT', ignore).on('SIGTERM', ignore)
  try {
    if (programs === null) await switchBack(planned)
    else await switchOver(planned, programs)
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', ignore)
  }
}

function describe({ instance, report }: Change, programs: Programs | null): void {
  if (programs === null) report(`would remove ${instance.dropIn}`)
  else report(`would write ${instance.dropIn}:\n\n${dropInText(instance, programs).replace(/^/gm, '      ')}`)
  report(`would restart ${instance.service}, and wait until it replies`)
}

/** The programs that run now. Throws StartError for a server that runs from its sources. */
function ownPrograms(): Programs {
  const server = realpathSync(process.argv[1] ?? '')
  if (basename(server) !== 'moonraker.cjs') {
    throw new StartError('this is not the built program: run `npm run build`, then dist/moonraker.cjs')
  }
  return { node: realpathSync(process.execPath), server }
}
