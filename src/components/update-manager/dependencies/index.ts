// The packages that an installation needs, of the operating system, Python and Node.js: installed when they change.
import { join } from 'node:path'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { findProgram } from '../../../core/find-program.ts'
import type { Log } from '../../../core/log.ts'
import { CommandError, runCommand } from '../../../core/run-command.ts'
import { PackageError } from '../system/provider.ts'
import type { SystemPackages } from '../system/system-packages.ts'
import type { UpdateRun } from '../updater.ts'
import { Pip, type PipVersions } from './pip.ts'
import {
  addedRequirements,
  type RequirementFiles,
  type Requirements,
  readRequirements,
} from './requirements.ts'

/** Seconds for npm. */
const NPM_SECONDS = 600

/** What it needs. */
export interface DependencyParts {
  readonly files: RequirementFiles
  /** The folder of the Python environment; null where the application has none. */
  readonly virtualenv: string | null
  readonly pipEnvironment: Readonly<Record<string, string>>
  readonly packages: Pick<SystemPackages, 'provider'>
  readonly log: Log
}

/** The packages of one installation. */
export class Dependencies {
  readonly #parts: DependencyParts
  readonly #pip: Pip | null

  constructor(parts: DependencyParts) {
    this.#parts = parts
    this.#pip = parts.virtualenv === null ? null : new Pip(parts.virtualenv, parts.pipEnvironment)
  }

  /** The versions of pip and Python as far as they are known, for the stored state. */
  get pipVersions(): PipVersions | null {
    return this.#pip?.versions ?? null
  }

  set pipVersions(versions: PipVersions | null) {
    if (this.#pip !== null) this.#pip.versions = versions
  }

  /** Reads what the installation needs now. */
  read(): Promise<Requirements> {
    return readRequirements(this.#parts.files)
  }

  /**
   * Installs what was added or changed since `before`; everything if that is null. A failure becomes a message, and the
   * rest continues. Rejects only with the reason of the run's signal.
   */
  async install(run: UpdateRun, label: string, before: Requirements | null): Promise<void> {
    const { python, system, node } = addedRequirements(before, await this.read())
    if (system.length > 0)
      await this.#step(run, label, 'System packages', () => this.#installSystem(run, label, system))
    if (python.length > 0)
      await this.#step(run, label, 'Python packages', () => this.#installPython(run, label))
    if (node) await this.#step(run, label, 'Node packages', () => this.#installNode(run, label))
  }

  async #step(run: UpdateRun, label: string, what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      run.signal.throwIfAborted()
      if (![CommandError, ApiError, PackageError].some(known => error instanceof known))
        this.#parts.log.error(`${label}: ${what}`, error)
      run.message(`${label}: ${what} were not updated: ${messageOf(error)}`)
    }
  }

  async #installSystem(run: UpdateRun, label: string, names: readonly string[]): Promise<void> {
    run.message(`${label}: Installing system dependencies...`)
    const provider = await this.#parts.packages.provider()
    if (provider === null)
      throw new PackageError(`this machine has no package manager; install them by hand: ${names.join(', ')}`)
    await provider.refresh(run)
    run.message('Resolving packages...')
    // Lists differ by release of the distribution: packages that it does not have are left out.
    const known = await provider.known(names, run.signal)
    if (known.length === 0) run.message('No packages detected')
    else await provider.install(known, run)
  }

  async #installPython(run: UpdateRun, label: string): Promise<void> {
    const { path, python } = this.#parts.files
    if (this.#pip === null || python === null || !(await this.#pip.exists())) return
    await this.#pip.update(run, label)
    run.message(`${label}: Updating python packages...`)
    await this.#pip.install(['-r', join(path, python)], run)
  }

  async #installNode(run: UpdateRun, label: string): Promise<void> {
    run.message(`${label}: Updating Node Packages...`)
    if ((await findProgram('npm')) === null) throw new CommandError('npm is not installed')
    const { code } = await runCommand('npm', ['ci', '--only=prod'], {
      cwd: this.#parts.files.path,
      timeoutSeconds: NPM_SECONDS,
      signal: run.signal,
      onLine: line => run.message(line),
    })
    if (code !== 0) run.message(`${label}: Node Package update failed`)
  }
}
