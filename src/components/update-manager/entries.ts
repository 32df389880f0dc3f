// Everything that can be updated, in the order in which clients show it, and its stored state.
import type { EntryStatus } from '../../api/update-manager.ts'
import type { Clock } from '../../core/clock.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { isPlainObject } from '../../schema/index.ts'
import type { Namespaces } from '../../storage/index.ts'
import type { Updater } from './updater.ts'

/** Moonraker's; one record for each entry. */
const NAMESPACE = 'update_manager'

/** An entry with its schedule. */
export interface Entry {
  readonly updater: Updater
  /** Of the configuration: a refresh is due when it changes. */
  readonly hash: string
  /** Seconds between two refreshes. */
  readonly refreshSeconds: number
  /** Seconds since the epoch; 0 for never, and after a change of the configuration. */
  refreshedAt: number
}

export class Entries {
  readonly #namespaces: Namespaces
  readonly #clock: Clock
  readonly #log: Log
  #entries: readonly Entry[] = []

  constructor(namespaces: Namespaces, clock: Clock, log: Log) {
    this.#namespaces = namespaces
    this.#clock = clock
    this.#log = log
  }

  list(): readonly Entry[] {
    return this.#entries
  }

  find(name: string): Entry | undefined {
    return this.#entries.find(({ updater }) => updater.name === name)
  }

  /** Throws ApiError 404 for an unknown name. */
  get(name: string): Entry {
    const found = this.find(name)
    if (found === undefined) throw new ApiError(404, `Updater ${name.slice(0, 100)} not available`)
    return found
  }

  /** Adds an entry, or replaces the one of its name; with the stored state, if `isSame` or not there. */
  put(updater: Updater, { config, refreshSeconds }: { config: unknown; refreshSeconds: number }): Entry {
    const hash = hashOf(JSON.stringify(config))
    const stored = this.stored(updater.name)
    const record = isPlainObject(stored) ? stored : null
    if (record !== null) updater.restore(record)
    const time = record?.last_config_hash === hash ? record.last_refresh_time : 0
    const entry = { updater, hash, refreshSeconds, refreshedAt: typeof time === 'number' ? time : 0 }
    const isKnown = this.find(updater.name) !== undefined
    this.#entries = isKnown
      ? this.#entries.map(each => (each.updater.name === updater.name ? entry : each))
      : [...this.#entries, entry]
    return entry
  }

  /** The stored record of an entry. */
  stored(name: string): unknown {
    return this.#namespaces.find(NAMESPACE, [name])
  }

  /** Whether the time for a refresh has come. A clock that was set back counts too. */
  isDue({ refreshedAt, refreshSeconds }: Entry): boolean {
    const now = this.#clock.now()
    return refreshedAt + refreshSeconds <= now || refreshedAt > now
  }

  /** Stores the state of an entry. On a full disk the state stays in memory: what was done is not a failure then. */
  async save({ updater, hash, refreshedAt }: Entry): Promise<void> {
    const record = { ...updater.stored(), last_config_hash: hash, last_refresh_time: refreshedAt }
    try {
      await this.#namespaces.post(NAMESPACE, [updater.name], record)
    } catch (error) {
      this.#log.warning(`the state of ${updater.name} cannot be stored: ${messageOf(error)}`)
    }
  }

  /** Removes the records of entries that are not configured any more. */
  async removeOthers(): Promise<void> {
    this.#namespaces.keep(NAMESPACE)
    const others = this.#namespaces.keys(NAMESPACE).filter(name => this.find(name) === undefined)
    await this.#namespaces.deleteAll(NAMESPACE, others)
  }

  /** Removes the record of an entry: the installation is another one now. */
  async forget(name: string): Promise<void> {
    await this.#namespaces.deleteAll(NAMESPACE, [name])
  }

  /** The status of every entry by its name. */
  status(): Record<string, EntryStatus> {
    const shown = this.#entries.filter(({ updater }) => updater.isHidden !== true)
    return Object.fromEntries(shown.map(({ updater }) => [updater.name, updater.status()]))
  }
}

/** FNV-1a with 64 bits: node:crypto would take a megabyte of memory, only to recognize a change. */
function hashOf(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash.toString(16)
}
