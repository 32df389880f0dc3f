// Named API keys for programs, each with a role and optionally an expiry. Only their hashes are stored.
import { createHash, randomBytes } from 'node:crypto'
import type { Role } from '../../api/endpoint.ts'
import type { Clock } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import type { User } from '../../rpc/user.ts'
import { API_KEY_USER } from '../../storage/index.ts'

const MAX_KEYS = 200
const MAX_NAME = 100

/** A key without its secret. Times are in seconds since the epoch. */
export interface NamedKey {
  readonly name: string
  readonly role: Role
  readonly created_on: number
  readonly expires_on: number | null
}

/** The user name of a key's requests; no user can have it. */
export function keyUserName(name: string): string {
  return `${API_KEY_USER}/${name}`
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

/** Where keys are stored, by the hashes of their secrets. */
export interface KeyStore {
  /** Those of the start. */
  all(): Iterable<readonly [hash: string, key: NamedKey]>
  /** Rejects with ApiError. */
  add(hash: string, key: NamedKey): Promise<void>
  /** Rejects with ApiError. */
  delete(hash: string): Promise<void>
}

export class NamedKeys {
  readonly #store: KeyStore
  readonly #clock: Clock
  readonly #byHash = new Map<string, NamedKey>()

  constructor(store: KeyStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
    for (const [hash, key] of store.all()) this.#byHash.set(hash, key)
  }

  /** Another server has stored a key, or deleted it. */
  refresh(hash: string, key: NamedKey | undefined): void {
    if (key === undefined) this.#byHash.delete(hash)
    else this.#byHash.set(hash, key)
  }

  list(): NamedKey[] {
    return [...this.#byHash.values()]
  }

  /** The user of a key; undefined for a key that is unknown or has expired. */
  userOf(key: string): User | undefined {
    const found = this.#byHash.get(hashOf(key))
    if (found === undefined || this.#isExpired(found)) return undefined
    const { name, role, created_on } = found
    return { username: keyUserName(name), source: 'moonraker', created_on, role }
  }

  /** Names of the expired keys. */
  expired(): string[] {
    return this.list()
      .filter(key => this.#isExpired(key))
      .map(({ name }) => name)
  }

  #isExpired({ expires_on }: NamedKey): boolean {
    return expires_on !== null && expires_on <= this.#clock.now()
  }

  /** Creates a key that expires after `days`. Rejects with ApiError 400 for a name in use or of a wrong length. */
  async create(name: string, role: Role, days?: number): Promise<NamedKey & { readonly api_key: string }> {
    if (name === '' || name.length > MAX_NAME)
      throw new ApiError(400, `A name has 1 to ${MAX_NAME} characters`)
    if (this.list().some(key => key.name === name)) throw new ApiError(400, `API key ${name} already exists`)
    if (this.#byHash.size >= MAX_KEYS)
      throw new ApiError(400, `There are ${MAX_KEYS} API keys already; delete some`)
    const api_key = randomBytes(32).toString('base64url')
    const created_on = this.#clock.now()
    const key = { name, role, created_on, expires_on: days === undefined ? null : created_on + days * 86_400 }
    const hash = hashOf(api_key)
    this.#byHash.set(hash, key)
    try {
      await this.#store.add(hash, key)
    } catch (error) {
      this.#byHash.delete(hash)
      throw error
    }
    return { ...key, api_key }
  }

  /** Deletes a key. Rejects with ApiError 404 for an unknown name. */
  async delete(name: string): Promise<void> {
    const found = [...this.#byHash].find(([, key]) => key.name === name)
    if (found === undefined) throw new ApiError(404, `No API key with the name ${name}`)
    await this.#store.delete(found[0])
    this.#byHash.delete(found[0])
  }
}
