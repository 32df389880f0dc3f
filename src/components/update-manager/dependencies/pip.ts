// pip of a Python environment.
import { join } from 'node:path'
import { commandFailure } from '../../../core/command-failure.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { findProgram } from '../../../core/find-program.ts'
import { CommandError, type CommandResult, runCommand } from '../../../core/run-command.ts'
import type { UpdateRun } from '../updater.ts'

/** The versions of pip and Python, and when they were read, in seconds since the epoch. */
export type PipVersions = readonly [pip: string, python: string, readAt: number]

const VERSION_SECONDS = 30
const INSTALL_SECONDS = 1200
const INSTALL_ATTEMPTS = 3
/** Seconds until the version is read again. */
const VERSION_AGE = 30 * 86_400
/** The newest pip that is tested with applications, and those of old Pythons, by the first version that it is not for. */
const NEWEST = '25.2'
const OLD_PYTHONS = [
  ['3.7', '20.3.4'],
  ['3.8', '24.0'],
  ['3.9', '25.0.1'],
] as const

/** Reads stored versions; null for another value. */
export function readPipVersions(value: unknown): PipVersions | null {
  const [pip, python, readAt] = Array.isArray(value) ? (value as readonly unknown[]) : []
  if (typeof pip !== 'string' || typeof python !== 'string' || typeof readAt !== 'number') return null
  return [pip, python, readAt]
}

/** pip of one environment. */
export class Pip {
  readonly #python: string
  readonly #environment: Readonly<Record<string, string>>
  versions: PipVersions | null = null

  /** `virtualenv` is the folder of the environment. */
  constructor(virtualenv: string, environment: Readonly<Record<string, string>>) {
    this.#python = join(virtualenv, 'bin', 'python')
    this.#environment = environment
  }

  /** Whether the environment has pip. */
  async exists(): Promise<boolean> {
    return (await findProgram(join(this.#python, '..', 'pip'))) !== null
  }

  /** Installs packages. Rejects with CommandError after three attempts. */
  async install(
    args: readonly string[],
    { signal, message }: Pick<UpdateRun, 'signal' | 'message'>,
  ): Promise<void> {
    for (let left = INSTALL_ATTEMPTS - 1; ; left -= 1) {
      const onLine = (line: string) => message(line)
      const { code } = await this.#run(['install', '-U', ...args], INSTALL_SECONDS, signal, onLine)
      if (code === 0) return
      if (left === 0) throw new CommandError(`pip install ${args.join(' ')} failed`)
    }
  }

  /** Updates pip itself if it is older than the newest for its Python. A failure becomes a message. */
  async update(run: UpdateRun, label: string): Promise<void> {
    run.message(`${label}: Checking pip version...`)
    try {
      const [pip, python] = await this.#readVersions(run.signal)
      const wanted = OLD_PYTHONS.find(([first]) => isOlder(python, first))?.[1] ?? NEWEST
      if (!isOlder(pip, wanted)) return run.message(`${label}: Pip version up to date`)
      run.message(`${label}: Updating pip from version ${pip} to ${wanted}...`)
      await this.install([`pip<=${wanted}`], run)
      this.versions = null
      await this.#readVersions(run.signal)
    } catch (error) {
      if (!(error instanceof CommandError) && !(error instanceof ApiError)) throw error
      run.message(`${label}: Pip Version Check Error: ${messageOf(error)}`)
    }
  }

  /** The version of a package that pip would install; null if that is the installed one. Rejects with CommandError. */
  async newest(project: string, withPreviews: boolean, signal: AbortSignal): Promise<string | null> {
    const previews = withPreviews ? ['--pre'] : []
    const report = ['--dry-run', '--no-deps', '--report', '-', project]
    const args = ['install', '-U', '--quiet', ...previews, ...report]
    const result = await this.#run(args, INSTALL_SECONDS, signal)
    if (result.code !== 0) throw new CommandError(commandFailure('pip', result))
    return versionOfReport(result.stdout)
  }

  async #readVersions(signal: AbortSignal): Promise<PipVersions> {
    const now = Date.now() / 1000
    if (this.versions !== null && now - this.versions[2] < VERSION_AGE) return this.versions
    const { stdout } = await this.#run(['--version'], VERSION_SECONDS, signal)
    const [, pip, python] = /^pip (\S+) .*\(python (\S+)\)/.exec(stdout.trim()) ?? []
    if (pip === undefined || python === undefined)
      throw new CommandError('Unable to parse pip version from response')
    this.versions = [pip, python, now]
    return this.versions
  }

  #run(
    args: readonly string[],
    timeoutSeconds: number,
    signal: AbortSignal,
    onLine?: (line: string) => void,
  ): Promise<CommandResult> {
    return runCommand(this.#python, ['-m', 'pip', ...args], {
      timeoutSeconds,
      signal,
      env: this.#environment,
      ...(onLine !== undefined && { onLine }),
    })
  }
}

/** The report of pip (PyPA's "installation report" specification, version 1). */
function versionOfReport(text: string): string | null {
  try {
    const { install } = JSON.parse(text) as { readonly install?: readonly PipInstall[] }
    return install?.[0]?.metadata?.version ?? null
  } catch (cause) {
    throw new CommandError('pip sends a report that cannot be read', { cause })
  }
}

interface PipInstall {
  readonly metadata?: { readonly version?: string }
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}
