// Updates a Python package in an environment with pip. A copy of the environment, made before, returns if that fails.

import type { EntryStatus } from '../../../api/update-manager.ts'
import type { Core } from '../../../component/component.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { CommandError } from '../../../core/run-command.ts'
import type { Replacement } from '../archive/replacement.ts'
import { copyForChange, makeTreeDurable } from '../archive/tree.ts'
import { type Pip, readPipVersions } from '../dependencies/pip.ts'
import type { Channel, CommonOptions } from '../options.ts'
import { isNewer } from '../releases/release.ts'
import { type ReleaseApi, ReleaseApiError } from '../releases/release-api.ts'
import type { StoredState, UpdateRun, Updater } from '../updater.ts'
import { type Distribution, readDistribution } from './distribution.ts'

/** What messages and errors call what is not known. */
const UNKNOWN = '?'
const NO_COMMIT = 'not-specified'

/** What the updater is made from. */
export interface PythonUpdaterParts {
  readonly core: Core
  readonly name: string
  readonly common: CommonOptions
  readonly channel: Channel
  readonly releases: ReleaseApi
  readonly services: readonly string[]
  /** The folder of the environment, with all links resolved. */
  readonly virtualenv: string
  readonly pip: Pip
  /** The name of the package, and its extras as `[a,b]` or ''. */
  readonly project: { readonly name: string; readonly extras: string }
  /** Of the channel dev; null for the default one. */
  readonly branch: string | null
  /** The URL before OWNER/NAME of repositories on GitHub, or of a mirror. */
  readonly repositories: string
}

export class PythonUpdater implements Updater {
  readonly name: string
  readonly label: string
  readonly services: readonly string[]
  readonly folder: string
  readonly #parts: PythonUpdaterParts
  readonly #replacement: Replacement
  #installed: Distribution
  #remoteVersion = UNKNOWN
  /** On the channel dev. */
  #remoteCommit: string | null = null
  #rollbackVersion = UNKNOWN
  #rollbackRef: string | null = null

  /** `installed` is what was read from the environment. */
  constructor(parts: PythonUpdaterParts, replacement: Replacement, installed: Distribution) {
    this.name = parts.name
    this.label = `Python Package ${parts.name}`
    this.services = parts.services
    this.folder = parts.virtualenv
    this.#parts = parts
    this.#replacement = replacement
    this.#installed = installed
  }

  get #commit(): string {
    const { source, commit } = this.#installed
    return (source.kind === 'github' ? source.commit : null) ?? commit ?? NO_COMMIT
  }

  get #isDev(): boolean {
    return this.#parts.channel === 'dev' && this.#installed.source.kind === 'github'
  }

  get #isValid(): boolean {
    return this.#installed.source.kind !== 'other'
  }

  get #hasUpdate(): boolean {
    if (!this.#isValid) return false
    if (this.#isDev) return this.#remoteCommit !== null && this.#remoteCommit !== this.#commit
    return isNewer(this.#remoteVersion, this.#installed.version)
  }

  status(): EntryStatus {
    const { common, channel, core, branch } = this.#parts
    const { version, source, owner, repo, changelogUrl } = this.#installed
    const isDirty = /dirty|\.d\d{8}/.test(version.split('+')[1] ?? '')
    return {
      name: this.name,
      configured_type: 'python',
      detected_type: 'python_package',
      channel,
      channel_invalid: false,
      debug_enabled: core.debug,
      is_valid: this.#isValid,
      info_tags: common.info_tags,
      branch,
      owner: (source.kind === 'github' ? source.owner : owner) ?? UNKNOWN,
      repo_name: (source.kind === 'github' ? source.repo : repo) ?? this.#parts.project.name,
      version: shortVersion(version),
      remote_version: this.#remoteVersion,
      rollback_version: this.#rollbackVersion,
      current_hash: this.#commit,
      remote_hash: this.#remoteHash(),
      is_dirty: isDirty,
      pristine: !isDirty,
      changelog_url: changelogUrl,
      full_version_string: version,
      warnings:
        source.kind === 'other'
          ? [`Package installed from source other than pypi or git: ${source.url}`]
          : [],
      preview: this.#hasUpdate
        ? {
            version: this.#remoteVersion,
            commits: null,
            size: null,
            packages: [],
            services: [...this.services],
          }
        : null,
    }
  }

  #remoteHash(): string {
    if (this.#isDev) return this.#remoteCommit ?? UNKNOWN
    return this.#hasUpdate ? 'update-available' : this.#commit
  }

  /** The environment stays as it is. */
  async refresh(signal: AbortSignal): Promise<void> {
    await this.#readInstalled()
    if (!this.#isValid) return
    try {
      await this.#findNewest(signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof ReleaseApiError) && !(error instanceof CommandError)) throw error
      this.#parts.core.log.info(`${this.name}: ${error.message}`)
    }
  }

  async #readInstalled(): Promise<void> {
    const { virtualenv, project } = this.#parts
    const installed = await readDistribution(virtualenv, project.name)
    if (installed !== null) this.#installed = installed
  }

  async #findNewest(signal: AbortSignal): Promise<void> {
    const { channel, releases, pip, project, branch } = this.#parts
    const { source, version } = this.#installed
    if (source.kind === 'github') {
      const repo = `${source.owner}/${source.repo}`
      if (channel === 'dev') {
        this.#remoteCommit = await releases.newestCommit(repo, branch, signal)
        this.#remoteVersion = this.#hasUpdate ? nextVersion(version) : shortVersion(version)
      } else this.#remoteVersion = (await releases.newest(repo, channel, signal))?.tag_name ?? UNKNOWN
    } else {
      // pip names a newer version only.
      this.#remoteVersion = (await pip.newest(project.name, channel !== 'stable', signal)) ?? version
    }
  }

  async update(run: UpdateRun): Promise<void> {
    if (this.#remoteVersion === UNKNOWN) await this.refresh(run.signal)
    if (!this.#hasUpdate) return
    const { version } = this.#installed
    const commit = this.#commit
    await this.#install(run, this.#requirement(this.#isDev ? this.#parts.branch : this.#remoteVersion))
    this.#rollbackVersion = shortVersion(version)
    this.#rollbackRef = this.#isDev ? commit : version
    await this.#finish(run)
  }

  /** What pip is to install; `ref` is a tag, a branch, a commit, or for packages of an index a version. */
  #requirement(ref: string | null): string {
    const { project, repositories } = this.#parts
    const { source } = this.#installed
    const name = project.name + project.extras
    if (source.kind !== 'github') return ref === null ? name : `${name}==${ref}`
    const url = `${name} @ git+${repositories}${source.owner}/${source.repo}`
    return ref === null ? url : `${url}@${ref}`
  }

  async rollback(run: UpdateRun): Promise<void> {
    if (this.#rollbackRef === null || this.#rollbackVersion === shortVersion(this.#installed.version)) return
    const previous = await readDistribution(this.#replacement.previous, this.#parts.project.name)
    if (previous !== null && shortVersion(previous.version) === this.#rollbackVersion) {
      run.message(`${this.label}: Restoring version ${this.#rollbackVersion} from the disk`)
      await run.uninterrupted(async () => {
        await this.#replacement.prepare()
        await this.#replacement.replaceFolder('previous')
      })
      await this.#readInstalled()
    } else await this.#install(run, this.#requirement(await this.#rollbackTag(run.signal)))
    await this.#finish(run)
  }

  /** The tag of the version, which may have a `v` before it. */
  async #rollbackTag(signal: AbortSignal): Promise<string | null> {
    const { source } = this.#installed
    const ref = this.#rollbackRef
    if (source.kind !== 'github' || this.#isDev || ref === null) return ref
    try {
      return (await this.#parts.releases.ofVersion(`${source.owner}/${source.repo}`, ref, signal)).tag_name
    } catch (error) {
      if (!(error instanceof ReleaseApiError)) throw error
      throw new ApiError(400, `No release of version ${ref} is found: ${error.message}`, { cause: error })
    }
  }

  async #install(run: UpdateRun, requirement: string): Promise<void> {
    const { pip, virtualenv, project } = this.#parts
    const { incoming } = this.#replacement
    const origin = this.#installed.source.kind === 'github' ? 'GITHUB' : 'PIP'
    try {
      await this.#replacement.prepare()
      await copyForChange(virtualenv, incoming, run.signal)
      await makeTreeDurable(incoming)
      await this.#replacement.changeInPlace(async () => {
        await pip.update(run, this.label)
        run.message(`${this.label}: Updating Python Package ${project.name} from ${origin}...`)
        await pip.install(['--upgrade-strategy', 'eager', requirement], run)
        if ((await readDistribution(virtualenv, project.name)) === null)
          throw new CommandError(`pip has not installed ${project.name}`)
      })
      await this.#readInstalled()
    } catch (error) {
      // What was prepared may fill the disk.
      await this.#replacement.repair()
      await this.#readInstalled()
      run.signal.throwIfAborted()
      const { version } = this.#installed
      throw new ApiError(500, `${messageOf(error)}; version ${version} is installed as before`, {
        cause: error,
      })
    }
  }

  async #finish(run: UpdateRun): Promise<void> {
    if (this.services.length > 0) await run.restartServices(this.label)
    run.message(`${this.label}: Update Finished...`, true)
  }

  async repair(): Promise<string> {
    await this.#replacement.repair()
    await this.#readInstalled()
    return `version ${this.#installed.version} is installed, and complete`
  }

  stored(): StoredState {
    return {
      is_valid: this.#isValid,
      pip_version_info: this.#parts.pip.versions,
      upstream_commit: this.#remoteCommit ?? UNKNOWN,
      upstream_version: this.#remoteVersion,
      rollback_ref: this.#rollbackRef ?? UNKNOWN,
      rollback_version: this.#rollbackVersion,
    }
  }

  restore(state: StoredState): void {
    const text = (value: unknown) => (typeof value === 'string' && value !== UNKNOWN ? value : null)
    this.#parts.pip.versions = readPipVersions(state.pip_version_info)
    this.#remoteCommit = text(state.upstream_commit)
    this.#remoteVersion = text(state.upstream_version) ?? UNKNOWN
    this.#rollbackRef = text(state.rollback_ref)
    this.#rollbackVersion = text(state.rollback_version) ?? UNKNOWN
  }
}

/** As Moonraker shows it: `1.0.0.dev3+g1234567` is `1.0.0-3`. */
function shortVersion(version: string): string {
  const [, base, count] = /^(.+?)\.dev(\d+)/.exec(version) ?? []
  return base === undefined ? (version.split('+', 1)[0] ?? version) : `${base}-${count}`
}

/** The version of a newer commit: it cannot be known before it is installed. */
function nextVersion(version: string): string {
  const [, base, count] = /^(.+)-(\d+)$/.exec(shortVersion(version)) ?? []
  return base === undefined ? `${shortVersion(version)}-1` : `${base}-${Number(count) + 1}`
}
