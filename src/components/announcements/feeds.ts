// The followed feeds: those of the configuration, of components in use, and those that clients added.
import { ApiError } from '../../core/errors.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import type { Namespaces } from '../../storage/index.ts'

/** Feeds that the server always follows, as Moonraker does. */
const ALWAYS = ['moonraker', 'klipper']
/** Where the original stores the feeds that clients added. */
const NAMESPACE = 'moonraker'
const KEY = ['announcements', 'stored_feeds']
/** The server sends a request for each feed every half hour. */
const MAX_FEEDS = 100

/** The name becomes a part of a URL, of a file name, and of a database key. */
export function isFeedName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(name) && !KEY.includes(name)
}

export class Feeds {
  readonly #namespaces: Namespaces
  readonly #configured: Set<string>
  #added: readonly string[] | null = null
  /** Runs concurrent changes one after the other. */
  readonly #queue = new SerialQueue()

  /** `subscriptions` are valid names. */
  constructor(namespaces: Namespaces, subscriptions: readonly string[]) {
    this.#namespaces = namespaces
    this.#configured = new Set([...ALWAYS, ...subscriptions])
  }

  /** All feeds, each once. */
  names(): string[] {
    return [...new Set([...this.#configured, ...this.#stored()])]
  }

  has(name: string): boolean {
    return this.#configured.has(name) || this.#stored().includes(name)
  }

  /** Follows a feed as if the configuration contained it. Returns whether it is new. */
  use(name: string): boolean {
    const isNew = !this.has(name)
    this.#configured.add(name)
    return isNew
  }

  /**
   * Follows a feed from now on, also after restarts. Resolves with whether it is new. Rejects with ApiError 400 for an
   * invalid name and for too many feeds.
   */
  add(given: string): Promise<boolean> {
    const name = given.toLowerCase()
    return this.#queue.run(async () => {
      if (this.has(name)) return false
      if (!isFeedName(name)) {
        throw new ApiError(
          400,
          `Feed '${given.slice(0, 64)}' cannot be added: a name has up to 64 letters, digits, '.', '-' and '_'`,
        )
      }
      if (this.names().length >= MAX_FEEDS) {
        throw new ApiError(400, `Feed '${name}' cannot be added: there are ${MAX_FEEDS} already`)
      }
      await this.#store([...this.#stored(), name])
      return true
    })
  }

  /** Stops following a feed that a client added. Rejects with ApiError 400 for all others. */
  remove(given: string): Promise<void> {
    const name = given.toLowerCase()
    return this.#queue.run(async () => {
      const stored = this.#stored()
      if (!stored.includes(name)) throw new ApiError(400, `Feed '${name.slice(0, 64)}' not stored`)
      if (this.#configured.has(name)) {
        throw new ApiError(400, `Feed '${name}' exists in the configuration, cannot remove`)
      }
      await this.#store(stored.filter(each => each !== name))
    })
  }

  #stored(): readonly string[] {
    this.#added ??= storedNames(this.#namespaces).filter(isFeedName).slice(0, MAX_FEEDS)
    return this.#added
  }

  async #store(names: readonly string[]): Promise<void> {
    await this.#namespaces.post(NAMESPACE, KEY, names)
    this.#added = names
  }
}

/** A damaged record contains no names; the storage reports it. */
function storedNames(namespaces: Namespaces): string[] {
  try {
    const found = namespaces.find(NAMESPACE, KEY)
    return Array.isArray(found) ? found.map(String) : []
  } catch {
    return []
  }
}
