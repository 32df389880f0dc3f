// The entry system: the packages of the operating system.
import type { EntryStatus } from '../../../api/update-manager.ts'
import type { Core } from '../../../component/component.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Warnings } from '../../../core/warnings.ts'
import type { StoredState, UpdateRun, Updater } from '../updater.ts'
import { PackageError } from './provider.ts'
import type { SystemPackages } from './system-packages.ts'

export class SystemUpdater implements Updater {
  readonly name = 'system'
  readonly label = 'System'
  readonly services: readonly string[] = []
  readonly #system: SystemPackages
  readonly #log: Log
  readonly #warnings: Warnings
  #packages: readonly string[] = []

  constructor(system: SystemPackages, { log, warnings }: Pick<Core, 'log' | 'warnings'>) {
    this.#system = system
    this.#log = log
    this.#warnings = warnings
  }

  status(): EntryStatus {
    return {
      name: this.name,
      configured_type: 'system',
      package_count: this.#packages.length,
      package_list: [...this.#packages],
      preview:
        this.#packages.length === 0
          ? null
          : { version: '?', commits: null, size: null, packages: [...this.#packages], services: [] },
    }
  }

  /** After a failure the list is the one of before. */
  async refresh(signal: AbortSignal): Promise<void> {
    const provider = await this.#system.provider()
    if (provider === null) return this.#warn()
    try {
      await provider.refresh({ signal, message: text => this.#log.debug(text) })
      this.#packages = await provider.upgradable(signal)
    } catch (error) {
      signal.throwIfAborted()
      this.#log.warning(`the list of system packages cannot be refreshed: ${messageOf(error)}`)
    }
  }

  /** Once, under its own key. */
  #warn(): void {
    this.#warnings.add(
      'Unable to initialize System Update Provider: this machine has neither PackageKit nor apt; set ' +
        "'enable_system_updates: False' in [update_manager], and update the system by its own means",
      'update_manager: system packages',
    )
  }

  async update(run: UpdateRun): Promise<void> {
    if (this.#packages.length === 0) return
    const provider = await this.#system.provider()
    if (provider === null) return this.#warn()
    run.message('Updating packages...')
    try {
      await run.uninterrupted(async () => {
        await provider.refresh(run)
        await provider.upgrade(run)
      })
    } catch (error) {
      run.signal.throwIfAborted()
      if (!(error instanceof PackageError)) throw error
      this.#log.warning(`the system packages cannot be updated: ${error.message}`)
      throw new ApiError(400, 'Error updating system packages', { cause: error })
    }
    this.#packages = []
    run.message('Package update finished...', true)
  }

  /** apt finishes by itself what was interrupted, at the next update. */
  repair(): Promise<string> {
    return Promise.resolve(
      'The update of the system packages was interrupted; the next update of them finishes it',
    )
  }

  stored(): StoredState {
    return { packages: this.#packages }
  }

  restore({ packages }: StoredState): void {
    if (Array.isArray(packages)) this.#packages = packages.map(String)
  }
}
