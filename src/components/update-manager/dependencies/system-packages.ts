// Installs packages of the operating system with apt.
import { findProgram } from '../../../core/find-program.ts'
import {
  CommandError,
  type CommandOptions,
  type CommandResult,
  runCommand,
} from '../../../core/run-command.ts'
import type { UpdateRun } from '../updater.ts'

/** Runs a program as root. */
export type RunAsRoot = (
  program: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<CommandResult>

const UPDATE_SECONDS = 600
const INSTALL_SECONDS = 3600
const SEARCH_SECONDS = 60
const INSTALL_ATTEMPTS = 3
/** sudo passes no environment on, so that env sets it. */
const APT = ['DEBIAN_FRONTEND=noninteractive', 'apt-get']

/** Installs those of the packages that the system's sources have. Rejects with CommandError and ApiError. */
export async function installSystemPackages(
  asRoot: RunAsRoot,
  packages: readonly string[],
  run: UpdateRun,
): Promise<void> {
  if ((await findProgram('apt-get')) === null) {
    throw new CommandError(`apt is not installed; install these packages by hand: ${packages.join(', ')}`)
  }
  const onLine = (line: string) => run.message(line)
  const apt = async (args: readonly string[], timeoutSeconds: number) => {
    const { code } = await asRoot('env', [...APT, ...args], { timeoutSeconds, signal: run.signal, onLine })
    if (code !== 0) throw new CommandError(`apt-get ${args.join(' ')} failed`)
  }
  await apt(['update'], UPDATE_SECONDS)
  run.message('Resolving packages...')
  const known = await findPackages(packages, run.signal)
  if (known.length === 0) return run.message('No packages detected')
  for (let left = INSTALL_ATTEMPTS - 1; ; left -= 1) {
    try {
      return await apt(['install', '--yes', ...known], INSTALL_SECONDS)
    } catch (error) {
      if (left === 0 || !(error instanceof CommandError)) throw error
    }
  }
}

/** Lists differ by release of the distribution: packages that it does not have are left out. */
async function findPackages(packages: readonly string[], signal: AbortSignal): Promise<string[]> {
  const pattern = packages.map(name => `^${name.replaceAll(/[.+]/g, '\\$&')}$`).join('|')
  const { stdout } = await runCommand('apt-cache', ['search', '--names-only', pattern], {
    timeoutSeconds: SEARCH_SECONDS,
    signal,
  })
  const found = new Set(stdout.split('\n').map(line => line.split(' - ')[0]?.trim()))
  return packages.filter(name => found.has(name))
}
