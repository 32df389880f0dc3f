// Installs releases from GitHub: front-ends (web), programs in archives (zip), and single programs (executable). The new
// version is complete on the disk before it replaces the running one, and the previous one is kept for a rollback.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { EntryStatus } from '../../../api/update-manager.ts'
import type { Core } from '../../../component/component.ts'
import { ApiError } from '../../../core/errors.ts'
import type { PlainData } from '../../../core/plain-data.ts'
import { isPlainObject } from '../../../schema/index.ts'
import type { Dependencies } from '../dependencies/index.ts'
import { plainRequirements, type Requirements, readPlainRequirements } from '../dependencies/requirements.ts'
import type { CommonOptions } from '../options.ts'
import { isNewer, type Release } from '../releases/release.ts'
import { RateLimitReached, type ReleaseApi, ReleaseApiError } from '../releases/release-api.ts'
import type { StoredState, UpdateRun, Updater } from '../updater.ts'
import type { AssetSource } from './fetch-asset.ts'
import { readInstallInfo } from './install-info.ts'
import type { InstallTarget, Replace } from './install-version.ts'
import { type Installation, type ReleaseType, readInstallation } from './installation.ts'

/** What messages call an installation of the type. */
const LABELS: Readonly<Record<ReleaseType, string>> = {
  web: 'Web Client',
  zip: 'Zip Application',
  executable: 'Executable',
}

/** What an updater of releases is made from. */
export interface ReleaseUpdaterParts extends InstallTarget {
  readonly core: Core
  readonly name: string
  readonly common: CommonOptions
  readonly channel: 'stable' | 'beta'
  readonly releases: ReleaseApi
  /** The packages that the installation needs; null for none. */
  readonly dependencies: Dependencies | null
  /** The services that restart after an update. */
  readonly services: readonly string[]
  /** Called when the new version is in place, before the services restart. */
  readonly beforeRestart?: () => Promise<void>
}

export class ReleaseUpdater implements Updater {
  readonly name: string
  readonly #parts: ReleaseUpdaterParts
  readonly label: string
  readonly services: readonly string[]
  readonly folder: string
  #installed: Installation
  #remoteVersion = '?'
  #asset: AssetSource | null = null
  #rollbackVersion: string
  #rollbackRepo: string
  #lastError = ''

  /** `installed` is what was read from the disk. */
  constructor(parts: ReleaseUpdaterParts, installed: Installation) {
    this.name = parts.name
    this.#parts = parts
    this.services = parts.services
    this.folder = parts.place.path
    this.label = `${LABELS[parts.place.type]} ${parts.name}`
    this.#installed = installed
    this.#rollbackVersion = installed.version
    this.#rollbackRepo = this.#repo
  }

  get #repo(): string {
    return `${this.#installed.owner}/${this.#installed.repo}`
  }

  get #isValid(): boolean {
    return this.#installed.warnings.length === 0
  }

  get #hasUpdate(): boolean {
    return this.#isValid && isNewer(this.#remoteVersion, this.#installed.version)
  }

  status(): EntryStatus {
    const { common, place, channel, core } = this.#parts
    const { version, owner, repo, warnings, anomalies } = this.#installed
    return {
      name: this.name,
      configured_type: place.type,
      channel,
      channel_invalid: common.channel === 'dev',
      debug_enabled: core.debug,
      is_valid: this.#isValid,
      info_tags: common.info_tags,
      owner,
      repo_name: repo,
      version,
      remote_version: this.#remoteVersion,
      rollback_version: this.#rollbackVersion,
      last_error: this.#lastError,
      warnings: [...warnings],
      anomalies: common.report_anomalies ? [...anomalies] : [],
      preview: this.#hasUpdate
        ? {
            version: this.#remoteVersion,
            commits: null,
            size: this.#asset?.size ?? null,
            packages: [],
            services: [...this.services],
          }
        : null,
    }
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.#readDisk()
    if (this.#isValid) await this.#findRelease(signal)
  }

  async #readDisk(): Promise<void> {
    this.#installed = await readInstallation(this.#parts.place)
    if (this.#rollbackVersion === '?') this.#rollBackTo(this.#installed.version, this.#repo)
  }

  async #findRelease(signal: AbortSignal): Promise<void> {
    const { releases, channel, core } = this.#parts
    try {
      const release = await releases.newest(this.#repo, channel, signal)
      this.#lastError = ''
      if (release === null) return
      this.#remoteVersion = release.tag_name
      this.#asset = this.#assetOf(release)
    } catch (error) {
      if (!(error instanceof ReleaseApiError)) throw error
      core.log.info(`${this.name}: ${error.message}`)
      // It is not a property of this entry, and the status has the quota.
      if (!(error instanceof RateLimitReached)) this.#lastError = error.message
    }
  }

  /** The asset that the installation came from; null if the release does not have it. */
  #assetOf({ assets }: Release): AssetSource | null {
    const { assetName } = this.#installed
    const named = assets.find(({ name }) => name === assetName)
    const zip = assets.find(({ name }) => name.toLowerCase().endsWith('.zip'))
    // Another program is no replacement for an executable.
    const asset = this.#parts.place.type === 'executable' ? named : (named ?? zip ?? assets[0])
    if (asset === undefined) return null
    const { browser_download_url: url, content_type: contentType, size, digest } = asset
    return { url, contentType, size, digest }
  }

  async update(run: UpdateRun): Promise<void> {
    if (this.#remoteVersion !== '?' && this.#remoteVersion === this.#installed.version) return
    if (!this.#isValid) throw this.#error('Invalid install detected, aborting update')
    if (this.#remoteVersion === '?') await this.#findRelease(run.signal)
    if (this.#remoteVersion === '?') throw this.#error('Unable to locate update')
    if (!this.#hasUpdate) return
    if (this.#asset === null) throw this.#error('Invalid download url')
    run.message(`${this.label}: Updating...`)
    const { version } = this.#installed
    const repo = this.#repo
    await this.#fetchAndInstall(run, this.#asset, this.#remoteVersion)
    this.#rollBackTo(version, repo)
    run.message(`${this.label}: Update Finished...`, true)
  }

  #rollBackTo(version: string, repo: string): void {
    this.#rollbackVersion = version
    this.#rollbackRepo = repo
  }

  async rollback(run: UpdateRun): Promise<void> {
    if (this.#rollbackVersion === '?') throw new ApiError(400, 'Incomplete Rollback Data')
    if (this.#rollbackVersion === this.#installed.version) return
    const source = (await this.#hasPrevious()) ? null : await this.#findRollback(run.signal)
    run.message(`${this.label}: Rolling Back...`)
    if (source === null) {
      run.message(`${this.label}: Restoring version ${this.#rollbackVersion} from the disk`)
      const { preparePrevious } = await import('./install-version.ts')
      await this.#install(run, () => preparePrevious(this.#parts, this.#installed.assetName))
    } else await this.#fetchAndInstall(run, source, this.#rollbackVersion)
    run.message(`${this.label}: Rollback Complete`, true)
  }

  /** Whether the version of the rollback is on the disk. */
  async #hasPrevious(): Promise<boolean> {
    const previous = await readInstallInfo(this.#parts.replacement.previous, this.#parts.place.type === 'web')
    return previous?.version === this.#rollbackVersion
  }

  async #findRollback(signal: AbortSignal): Promise<AssetSource> {
    try {
      const release = await this.#parts.releases.ofVersion(this.#rollbackRepo, this.#rollbackVersion, signal)
      const asset = this.#assetOf(release)
      if (asset !== null) return asset
    } catch (error) {
      if (error instanceof RateLimitReached) throw new ApiError(400, error.message)
      if (!(error instanceof ReleaseApiError)) throw error
    }
    throw new ApiError(400, 'Failed to retrieve release asset data')
  }

  async #fetchAndInstall(run: UpdateRun, source: AssetSource, version: string): Promise<void> {
    const { replacement, place, core } = this.#parts
    const { assetName } = this.#installed
    const file = join(replacement.folder, 'download')
    const { fetchAsset } = await import('./fetch-asset.ts')
    const { prepareArchive, prepareProgram } = await import('./install-version.ts')
    run.message(`${this.label}: Downloading Release...`)
    await this.#install(run, async () => {
      await replacement.prepare()
      try {
        await fetchAsset(core.host.http, source, file, run)
        run.message(`${this.label}: Download Complete, extracting release to '${place.path}'`)
        return place.type === 'executable' && assetName !== null
          ? await prepareProgram(this.#parts, file, assetName, version)
          : await prepareArchive(this.#parts, file, run.signal)
      } finally {
        await rm(file, { force: true })
      }
    })
  }

  /** Replaces the installed version, and installs the packages that the new one needs. */
  async #install(run: UpdateRun, prepare: () => Promise<Replace>): Promise<void> {
    const { dependencies, replacement } = this.#parts
    let before: Requirements | null = null
    try {
      const replace = await prepare()
      before = (await dependencies?.read()) ?? null
      // After a crash, the next start installs the packages of the new version.
      const { version } = this.#installed
      await run.note({ version, before: before === null ? null : plainRequirements(before) })
      await run.uninterrupted(replace)
    } catch (error) {
      // What was prepared may fill the disk.
      await replacement.repair()
      run.signal.throwIfAborted()
      const { installError } = await import('./install-version.ts')
      throw installError(error)
    }
    await this.#readDisk()
    await dependencies?.install(run, this.label, before)
    await this.#parts.beforeRestart?.()
    if (this.services.length > 0) await run.restartServices(this.label)
  }

  #error(text: string): ApiError {
    return new ApiError(400, `${this.label}: ${text}`)
  }

  async repair(run: UpdateRun, details: PlainData): Promise<string> {
    const { replacement, dependencies } = this.#parts
    await replacement.repair()
    await this.#readDisk()
    const { version } = this.#installed
    const { version: versionBefore, before } = isPlainObject(details) ? details : {}
    if (typeof versionBefore === 'string' && versionBefore !== version) {
      // A rollback has changed to that version itself.
      if (this.#rollbackVersion !== version) this.#rollBackTo(versionBefore, this.#repo)
      // It is the new version, perhaps without its packages.
      await dependencies?.install(run, this.label, readPlainRequirements(before))
    }
    return `version ${version} is installed, and complete`
  }

  stored(): StoredState {
    const { url = '?', contentType = '?', size = 0, digest = null } = this.#asset ?? {}
    return {
      is_valid: this.#isValid,
      version: this.#installed.version,
      remote_version: this.#remoteVersion,
      rollback_version: this.#rollbackVersion,
      rollback_repo: this.#rollbackRepo,
      dl_info: [url, contentType, size],
      digest,
      last_error: this.#lastError,
    }
  }

  restore(state: StoredState): void {
    const text = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise)
    this.#remoteVersion = text(state.remote_version, '?')
    this.#rollbackVersion = text(state.rollback_version, this.#rollbackVersion)
    this.#rollbackRepo = text(state.rollback_repo, this.#rollbackRepo)
    this.#lastError = text(state.last_error, '')
    const [url, contentType, size] = Array.isArray(state.dl_info) ? (state.dl_info as unknown[]) : []
    if (typeof url !== 'string' || url === '?') return
    this.#asset = {
      url,
      contentType: text(contentType, '*/*'),
      size: typeof size === 'number' ? size : 0,
      digest: typeof state.digest === 'string' ? state.digest : null,
    }
  }
}
