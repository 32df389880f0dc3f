// The commands `moonraker-ts doctor`, `switch` and `restart`: what is installed on this machine, and which server runs.
import { realpathSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { StartError } from '../../core/errors.ts'
import { readInstalledPackage } from '../../core/installed-package.ts'
import { type Inspection, inspect, type Level } from './findings.ts'
import { findInstances, type Instance } from './instances.ts'
import { restartIfIdle } from './restart.ts'
import { type Change, dropInText, isSwitched, switchBack, switchOver } from './switch.ts'

const HELP = `moonraker-ts doctor, switch, restart: this server in place of Moonraker, and in its services

Usage: moonraker-ts doctor [options]        print what is installed, and what would hinder the switch
       moonraker-ts switch [options]        make Moonraker's services run this server
       moonraker-ts switch back [options]   make them run Moonraker again
       moonraker-ts restart [options]       restart the services that run this server, except during a print

None of them touches the data folder. A switch is refused during a print, and goes back by itself if the server does not
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

/** The first word of the command. */
type Name = 'doctor' | 'switch' | 'restart'

/** The arguments, as values. */
interface Command {
  readonly name: Name | 'back' | 'help'
  readonly service: string | undefined
  readonly dryRun: boolean
  readonly timeout: number
  readonly root: string
}

/** Runs `name` with the arguments after it. Rejects with StartError where something is wrong. */
export async function runInstallation(name: Name, args: readonly string[]): Promise<void> {
  const command = readArguments(name, args)
  if (command.name === 'help') return void process.stdout.write(HELP)
  const found = findInstances(command.root)
  const instances = found.filter(
    ({ service }) => command.service === undefined || command.service === service,
  )
  if (instances.length === 0) throw new StartError(noService(command, found))
  let problems = 0
  for (const instance of instances) problems += await runFor(instance, command)
  if (problems > 0) throw new StartError(`${problems} problem${problems === 1 ? '' : 's'} found`)
}

function noService({ service }: Command, found: readonly Instance[]): string {
  if (found.length === 0)
    return 'there is no service of Moonraker on this machine; docs/install.md explains how to add one'
  return `there is no service ${service}: this machine has ${found.map(each => each.service).join(', ')}`
}

function readArguments(name: Name, args: readonly string[]): Command {
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
  // `~` in moonraker.conf is the home folder of the service's user, not that of who runs this command with sudo.
  process.env.HOME = instance.home
  if (command.name === 'restart') {
    await restartIfIdle(instance, command.root, text => report(`moonraker-ts: ${text}`))
    return 0
  }
  const isOwn = instance.isOurs || instance.isOwnRepository
  report(`${instance.service}.service: ${isOwn ? 'moonraker-ts' : 'Moonraker'}, ${instance.dataPath}`)
  const inspection = await inspect(instance, command.root)
  for (const { level, text } of inspection.findings) report(`  ${MARKS[level]}${text}`)
  const problems = inspection.findings.filter(({ level }) => level === 'problem').length
  const isHindered = command.name === 'back' ? (inspection.klipper?.printing ?? false) : problems > 0
  if (command.name === 'doctor' || isHindered) return problems
  await change(instance, inspection, command, text => report(`  ${text}`))
  return 0
}

async function change(
  instance: Instance,
  { address, klipper }: Inspection,
  command: Command,
  report: (text: string) => void,
): Promise<void> {
  const { timeout } = command
  const planned: Change = { instance, address, klipperReady: klipper?.ready ?? false, timeout, report }
  const isBack = command.name === 'back'
  if (instance.isOurs && !isSwitched(instance)) {
    return report(`${instance.service} is a service of this server`)
  }
  const program = isBack ? null : ownCommand()
  if (command.dryRun) return describe(planned, program)
  // Half of a change would leave the printer without a server.
  const ignore = () => report('please wait: the change is not finished')
  process.on('SIGINT', ignore).on('SIGTERM', ignore)
  try {
    if (program === null) await switchBack(planned)
    else await switchOver(planned, program)
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', ignore)
  }
}

function describe({ instance, report }: Change, program: readonly string[] | null): void {
  if (program === null) report(`would remove ${instance.dropIn}`)
  else report(`would write ${instance.dropIn}:\n\n${dropInText(instance, program).replace(/^/gm, '      ')}`)
  report(`would restart ${instance.service}, and wait until it replies`)
}

/** What starts this server: the command of its package, or its files. Throws StartError for one that runs from its sources. */
function ownCommand(): string[] {
  const installed = readInstalledPackage()
  if (installed !== null) return [installed.command]
  const server = realpathSync(process.argv[1] ?? '')
  if (basename(server) !== 'moonraker.cjs') {
    throw new StartError('this is not the built program: run `npm run build`, then dist/moonraker.cjs')
  }
  return [realpathSync(process.execPath), server]
}
