// apt, the package manager of Debian and its derivatives, through its programs.
import { commandFailure } from '../../../core/command-failure.ts'
import { ApiError } from '../../../core/errors.ts'
import {
  CommandError,
  type CommandOptions,
  type CommandResult,
  runCommand,
} from '../../../core/run-command.ts'
import type { Sudo } from '../../machine/services/sudo.ts'
import { PackageError, type PackageProvider, type PackageRun } from './provider.ts'

const READ_SECONDS = 60
const REFRESH_SECONDS = 600
const INSTALL_SECONDS = 3600
/** Seconds that apt waits for another program that changes packages. */
const LOCK_SECONDS = 120
/** Changed configuration files of the user stay; without these options dpkg fails, since no user can answer. */
const UNATTENDED = [
  '-o',
  `DPkg::Lock::Timeout=${LOCK_SECONDS}`,
  '-o',
  'Dpkg::Options::=--force-confdef',
  '-o',
  'Dpkg::Options::=--force-confold',
]
/** Repairs before a change is given up. */
const MAX_REPAIRS = 3
/** The messages of apt after a crash in the middle of an installation. */
const INTERRUPTED = /dpkg was interrupted|dpkg --configure -a/
/** Packages that dpkg or apt can only install again. */
const REINSTALL =
  /error processing package (\S+) \(--configure\):\s+package is in a very bad|The package (\S+) needs to be reinstalled/g
const UNMET = /--fix-broken|apt -f install|Unmet dependencies/
/** A name that is no option; Debian's names have lower case letters. */
const PACKAGE_NAME = /^[a-z0-9][\w+.:~-]*$/i

export class Apt implements PackageProvider {
  readonly #sudo: Pick<Sudo, 'run'>

  constructor(sudo: Pick<Sudo, 'run'>) {
    this.#sudo = sudo
  }

  async refresh(run: PackageRun): Promise<void> {
    await this.#change(['apt-get', 'update'], run, REFRESH_SECONDS)
  }

  async upgradable(signal: AbortSignal): Promise<string[]> {
    const { stdout } = await read('apt', ['list', '--upgradable'], signal)
    // `bash/stable 5.2-2 amd64 [upgradable from: 5.2-1]`; the first line is `Listing...`.
    return stdout.split('\n').flatMap(line => /^([^\s/]+)\//.exec(line)?.[1] ?? [])
  }

  async upgrade(run: PackageRun): Promise<void> {
    await this.#install(['upgrade', '--yes'], run)
  }

  async known(names: readonly string[], signal: AbortSignal): Promise<string[]> {
    const valid = names.filter(name => PACKAGE_NAME.test(name))
    if (valid.length === 0) return []
    const pattern = valid.map(name => `^${name.replace(/[.+]/g, '\\$&')}$`).join('|')
    const { stdout } = await read('apt-cache', ['search', '--names-only', pattern], signal)
    const found = new Set(stdout.split('\n').map(line => line.split(' ', 1)[0]))
    return valid.filter(name => found.has(name))
  }

  async install(names: readonly string[], run: PackageRun): Promise<void> {
    await this.#install(['install', '--yes', ...names.filter(name => PACKAGE_NAME.test(name))], run)
  }

  /** Repairs what a crash left, and tries again. */
  async #install(args: readonly string[], run: PackageRun): Promise<void> {
    for (let repairs = 0; ; repairs += 1) {
      try {
        return await this.#change(['apt-get', ...args, ...UNATTENDED], run)
      } catch (error) {
        if (!(error instanceof AptFailure) || repairs === MAX_REPAIRS) throw error
        await this.#repair(error, run)
      }
    }
  }

  /** Rejects with the failure if it is no consequence of a crash. */
  async #repair(failure: AptFailure, run: PackageRun): Promise<void> {
    const { output } = failure
    if (INTERRUPTED.test(output)) await this.#configure(run)
    else if (output.search(REINSTALL) >= 0) await this.#reinstall(failure, run)
    else if (UNMET.test(output)) {
      run.message('Repairing packages whose dependencies are missing...')
      await this.#change(['apt-get', 'install', '--fix-broken', '--yes', ...UNATTENDED], run)
    } else throw failure
  }

  async #configure(run: PackageRun): Promise<void> {
    run.message('Finishing an installation that was interrupted...')
    try {
      await this.#change(['dpkg', '--configure', '-a', '--force-confdef', '--force-confold'], run)
    } catch (error) {
      if (!(error instanceof AptFailure)) throw error
      await this.#reinstall(error, run)
    }
  }

  /** The files of these packages were being replaced at the crash. */
  async #reinstall(failure: AptFailure, run: PackageRun): Promise<void> {
    const found = failure.output.matchAll(REINSTALL)
    const names = new Set([...found].map(([, configured, named]) => configured ?? named ?? ''))
    if (names.size === 0) throw failure
    run.message('Installing packages again whose installation was interrupted...')
    await this.#change(['apt-get', 'install', '--reinstall', '--yes', ...names, ...UNATTENDED], run)
  }

  /** Runs a command as root. */
  async #change(
    command: readonly string[],
    run: PackageRun,
    timeoutSeconds = INSTALL_SECONDS,
  ): Promise<void> {
    const { signal } = run
    const options = { timeoutSeconds, signal, onLine: (line: string) => run.message(line.trim()) }
    const [program = ''] = command
    const args = ['DEBIAN_FRONTEND=noninteractive', ...command]
    await checked(program, options, () => this.#sudo.run('env', args, options))
  }
}

/** A command failed; `output` is what it printed. */
class AptFailure extends PackageError {
  override readonly name = 'AptFailure'
  readonly output: string

  constructor(message: string, output: string) {
    super(message)
    this.output = output
  }
}

function read(program: string, args: readonly string[], signal: AbortSignal): Promise<CommandResult> {
  const options = { timeoutSeconds: READ_SECONDS, signal }
  return checked(program, options, () => runCommand(program, args, options))
}

async function checked(
  program: string,
  { signal }: CommandOptions,
  run: () => Promise<CommandResult>,
): Promise<CommandResult> {
  try {
    const result = await run()
    if (result.code === 0) return result
    throw new AptFailure(commandFailure(program, result), result.stdout + result.stderr)
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof CommandError) && !(error instanceof ApiError)) throw error
    throw new PackageError(error.message, { cause: error })
  }
}
