// The entry moonraker: this server, where a package of the operating system installed it. Its files belong to the package
// manager: the entry shows the version, and how it is updated.
import type { EntryStatus } from '../../../api/update-manager.ts'
import { type InstalledPackage, readInstalledPackage } from '../../../core/installed-package.ts'
import type { StoredState, UpdateRun, Updater } from '../updater.ts'

const NAME = 'moonraker'

export class OwnPackage implements Updater {
  readonly name = NAME
  readonly label: string
  readonly services: readonly string[] = []
  readonly #running: InstalledPackage
  /** The version on the disk. */
  #newest: string
  readonly #debug: boolean

  constructor(running: InstalledPackage, debug: boolean) {
    this.label = `Debian package ${running.package}`
    this.#running = running
    this.#newest = running.version
    this.#debug = debug
  }

  get #advice(): string {
    return (
      `Installed by the ${this.label}: it is updated with the packages of the system, or by ` +
      `'sudo apt install ./FILE.deb' with the file of a newer version`
    )
  }

  status(): EntryStatus {
    const { package: name, version } = this.#running
    const restart = `Version ${this.#newest} is installed: it runs after a restart of the service`
    return {
      name: NAME,
      configured_type: 'zip',
      channel: 'stable',
      channel_invalid: false,
      debug_enabled: this.#debug,
      is_valid: true,
      info_tags: [],
      owner: '?',
      repo_name: name,
      version,
      // Front-ends offer a button for a newer version.
      remote_version: version,
      rollback_version: version,
      last_error: '',
      warnings: [],
      anomalies: this.#newest === version ? [this.#advice] : [restart, this.#advice],
      preview: null,
    }
  }

  refresh(): Promise<void> {
    this.#newest = readInstalledPackage(this.#running.current)?.version ?? this.#running.version
    return Promise.resolve()
  }

  update(run: UpdateRun): Promise<void> {
    run.message(`${this.label}: ${this.#advice}`, true)
    return Promise.resolve()
  }

  stored(): StoredState {
    return {}
  }

  restore(): void {
    // Everything is read from the disk.
  }
}
