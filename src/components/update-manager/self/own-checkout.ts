// The entry moonraker: this server, where it runs from a git repository. An update builds the new version before it takes
// the place of the present one.
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { makeDurable } from '../../../core/make-durable.ts'
import { CommandError, runCommand } from '../../../core/run-command.ts'
import { isPlainObject } from '../../../schema/index.ts'
import { type Requirements, readRequirements } from '../dependencies/requirements.ts'
import { Git } from '../git/git.ts'
import { GitUpdater } from '../git/git-updater.ts'
import { kindOf } from '../git/read-repo.ts'
import type { GeneralOptions } from '../options.ts'
import type { BuiltInOptions } from '../sections.ts'
import type { UpdateRun, Updater } from '../updater.ts'

const NAME = 'moonraker'
/** The name in package.json of this server. */
const PACKAGE = 'moonraker-ts'
/** Seconds for npm, and for a build, on a slow computer. */
const INSTALL_SECONDS = 1800
const BUILD_SECONDS = 600

/** What the entry needs. */
export interface OwnCheckoutParts {
  readonly core: Pick<Core, 'clock' | 'debug'>
  readonly general: GeneralOptions
  /** Of [update_manager moonraker]; undefined without that section. */
  readonly options: BuiltInOptions | undefined
}

/** The entry for the server in the folder `path`; null where that is no git repository. */
export async function openOwnCheckout(
  path: string,
  { core, general, options }: OwnCheckoutParts,
): Promise<Updater | null> {
  if ((await kindOf(path)) !== 'repository') return null
  const { clock, debug } = core
  const git = new Git({ path, clock, mirror: general.git_mirror ?? null })
  return new GitUpdater({
    git,
    clock,
    spec: {
      name: NAME,
      channel: options?.channel ?? general.channel ?? 'dev',
      primaryBranch: 'main',
      origin: null,
      pin: options?.pin ?? null,
      services: [NAME],
      infoTags: [],
      reportAnomalies: options?.report_anomalies ?? true,
      debug,
    },
    dependencies: new OwnBuild(path),
    check: (commit, signal) => demandThisServer(git, commit, signal),
    findUrl: url => Promise.resolve(url),
  })
}

/** Rejects with ApiError for a commit of another program: a repository of the original must not replace this server. */
async function demandThisServer(git: Git, commit: string, signal: AbortSignal): Promise<void> {
  const { stdout } = await git.run(['show', `${commit}:package.json`], signal)
  if (nameOf(stdout) === PACKAGE) return
  throw new ApiError(400, `The new version is not this server, ${PACKAGE}: it is not installed`)
}

function nameOf(manifest: string): unknown {
  try {
    const parsed: unknown = JSON.parse(manifest)
    return isPlainObject(parsed) ? parsed.name : null
  } catch {
    return null
  }
}

/** Installs the packages that the server is built with, and builds it. */
class OwnBuild {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  read(): Promise<Requirements> {
    return readRequirements({ path: this.#path, python: null, system: null, script: null, node: true })
  }

  /** Rejects with ApiError if the build fails; the present build stays then. */
  async install(run: UpdateRun, label: string, before: Requirements | null): Promise<void> {
    try {
      const { nodeHash } = await this.read()
      const isInstalled = existsSync(join(this.#path, 'node_modules'))
      if (!isInstalled || before === null || before.nodeHash !== nodeHash)
        await this.#installPackages(run, label)
      await this.#build(run, label)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      const advice = 'the version before it goes on; roll back, or correct the cause and recover'
      throw new ApiError(500, `The new version cannot be built: ${messageOf(error)}; ${advice}`, {
        cause: error,
      })
    }
  }

  async #installPackages(run: UpdateRun, label: string): Promise<void> {
    run.message(`${label}: Updating Node Packages...`)
    await this.#run('npm', ['ci', '--ignore-scripts'], INSTALL_SECONDS, run)
  }

  async #build(run: UpdateRun, label: string): Promise<void> {
    run.message(`${label}: Building...`)
    const folder = (name: string) => join(this.#path, name)
    const [present, fresh, previous] = [folder('dist'), folder('dist.new'), folder('dist.previous')]
    await rm(fresh, { recursive: true, force: true })
    await this.#run(process.execPath, ['scripts/build.mjs', fresh], BUILD_SECONDS, run)
    await this.#run(process.execPath, [join(fresh, 'moonraker.cjs'), '--version'], BUILD_SECONDS, run)
    await rm(previous, { recursive: true, force: true })
    if (existsSync(present)) await rename(present, previous)
    await rename(fresh, present)
    await makeDurable(this.#path)
  }

  async #run(
    program: string,
    args: readonly string[],
    timeoutSeconds: number,
    run: UpdateRun,
  ): Promise<void> {
    const { signal } = run
    const options = { cwd: this.#path, timeoutSeconds, signal, onLine: (line: string) => run.message(line) }
    const { code } = await runCommand(program, args, options)
    if (code !== 0) throw new CommandError(`${program} ${args.join(' ')} failed`)
  }
}
