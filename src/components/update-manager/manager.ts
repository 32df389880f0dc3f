// Everything that can be updated, in the order in which clients show it.
import type { EntryStatus } from '../../api/update-manager.ts'
import type { Core } from '../../component/component.ts'
import { ConfigError } from '../../config/index.ts'
import { messageOf } from '../../core/errors.ts'
import { type ConfiguredUpdater, sectionWarning } from './sections.ts'
import type { Updater } from './updater.ts'

export class UpdateManager {
  readonly #core: Core
  readonly #configured: readonly ConfiguredUpdater[]
  #updaters: readonly Updater[] = []

  constructor(core: Core, configured: readonly ConfiguredUpdater[]) {
    this.#core = core
    this.#configured = configured
  }

  /** Opens the installations. One that cannot be opened is left out, with a warning. */
  async start(): Promise<void> {
    const opened = await Promise.all(this.#configured.map(each => this.#open(each)))
    this.#updaters = opened.filter(updater => updater !== null)
  }

  async #open({ name, open }: ConfiguredUpdater): Promise<Updater | null> {
    const { warnings, log } = this.#core
    try {
      return await open()
    } catch (error) {
      warnings.add(sectionWarning(name, messageOf(error)))
      if (!(error instanceof ConfigError)) log.error(`the entry ${name} cannot be opened`, error)
      return null
    }
  }

  /** The status of every entry by its name. */
  status(): Record<string, EntryStatus> {
    return Object.fromEntries(this.#updaters.map(updater => [updater.name, updater.status()]))
  }
}
