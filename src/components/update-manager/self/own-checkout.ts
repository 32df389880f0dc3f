// The entry moonraker: this server, where it runs from a git repository. An update builds the new version before it takes
// the place of the present one.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { CommandError, runCommand } from '../../../core/run-command.ts'
import { exchangePaths } from '../archive/exchange.ts'
import { Replacement } from '../archive/replacement.ts'
import { makeTreeDurable } from '../archive/tree.ts'
import { type Requirements, readRequirements } from '../dependencies/requirements.ts'
import type { Git } from '../git/git.ts'
import { GitUpdater, type GitUpdaterParts } from '../git/git-updater.ts'
import { kindOf } from '../git/read-repo.ts'
import type { GeneralOptions } from '../options.ts'
import type { BuiltInOptions } from '../sections.ts'
import type { UpdateRun, Updater } from '../updater.ts'
import { folderChange } from './guard-starter.ts'
import { isThisServer, PACKAGE } from './this-server.ts'
import type { Trial } from './trial.ts'

const NAME = 'moonraker'
/** The sources have it; the repository that KIAUH installs has the built server instead. */
const BUILD_SCRIPT = 'scripts/build.mjs'
/** Seconds for npm, and for a build, on a slow computer. */
const INSTALL_SECONDS = 1800
const BUILD_SECONDS = 600

/** What the entry needs. */
export interface OwnCheckoutParts {
  readonly core: Pick<Core, 'clock' | 'debug'>
  readonly general: GeneralOptions
  /** Runs git in any folder. */
  readonly git: Git
  /** Of [update_manager moonraker]; undefined without that section. */
  readonly options: BuiltInOptions | undefined
  readonly guard: CheckoutGuard
}

/** What guards the server against a new version that does not answer. `folder` is that of its updates. */
export interface CheckoutGuard {
  /** Called before a change of the server. */
  prepare(folder: string, change: Trial['change']): Promise<void>
  /** Called after it, before the server restarts. */
  start(folder: string): Promise<void>
  /** Called at the start of the server. */
  confirm(folder: string): Promise<void>
}

/** The entry for the server in the folder `path`; null where that is no git repository. */
export async function openOwnCheckout(
  path: string,
  { core, general, git: anyGit, options, guard }: OwnCheckoutParts,
): Promise<Updater | null> {
  if ((await kindOf(path)) !== 'repository') return null
  const dist = join(path, 'dist')
  const build: Replacement = new Replacement(dist, exchangePaths, async from =>
    guard.prepare(build.folder, await folderChange(dist, from)),
  )
  const { folder } = build
  await build.repair()
  await guard.confirm(folder)
  const { clock, debug } = core
  const git = anyGit.at(path)
  const isBuiltHere = existsSync(join(path, BUILD_SCRIPT))
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
    dependencies: isBuiltHere
      ? new OwnBuild(path, build, () => guard.start(folder))
      : { ...BUILT, install: () => guard.start(folder) },
    check: async (to, signal) => {
      await demandThisServer(git, to, signal)
      if (isBuiltHere) return
      const from = await git.text(['rev-parse', 'HEAD'], signal)
      await guard.prepare(folder, { kind: 'commit', repository: path, from, to })
    },
    findUrl: url => Promise.resolve(url),
  })
}

/** Rejects with ApiError for a commit of another program: a repository of the original must not replace this server. */
async function demandThisServer(git: Git, commit: string, signal: AbortSignal): Promise<void> {
  const { stdout } = await git.run(['show', `${commit}:package.json`], signal)
  if (isThisServer(stdout)) return
  throw new ApiError(400, `The new version is not this server, ${PACKAGE}: it is not installed`)
}

/** What a repository with the built server needs: nothing. */
const BUILT: Pick<GitUpdaterParts['dependencies'], 'read'> = {
  read: () => Promise.resolve({ python: new Set(), system: new Set(), nodeHash: null }),
}

/** Installs the packages that the server is built with, and builds it. */
class OwnBuild {
  readonly #path: string
  /** Of the folder dist. */
  readonly #replacement: Replacement
  readonly #beforeRestart: () => Promise<void>

  constructor(path: string, replacement: Replacement, beforeRestart: () => Promise<void>) {
    this.#path = path
    this.#replacement = replacement
    this.#beforeRestart = beforeRestart
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
      await this.#replacement.repair()
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
    const replacement = this.#replacement
    const { incoming } = replacement
    await replacement.prepare()
    await this.#run(process.execPath, [BUILD_SCRIPT, incoming], BUILD_SECONDS, run)
    await this.#run(process.execPath, [join(incoming, 'moonraker.cjs'), '--version'], BUILD_SECONDS, run)
    await makeTreeDurable(incoming)
    await run.uninterrupted(() => replacement.replaceFolder('incoming'))
    await this.#beforeRestart()
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
