// The users and API keys of a fleet, in the bucket `fleet_users`, which all hubs follow.
import { ROLES } from '../../../api/endpoint.ts'
import type { KeyStore, NamedKey } from '../../../components/access/named-keys.ts'
import type { StoredUser, UserStore } from '../../../components/access/user-cache.ts'
import { ApiError } from '../../../core/errors.ts'
import { choice, float, list, object, string } from '../../../schema/index.ts'
import type { Stored } from '../../contract/index.ts'
import type { Bucket } from '../store/bucket.ts'
import type { Change } from '../store/feed.ts'

/** A user as stored: the hash is one of scrypt; the key of the user's tokens ends with all logins. */
const storedUser = object({
  username: string(),
  password: string(),
  salt: string(),
  created_on: float(),
  source: string(),
  jwt_secret: string().nullable(),
  jwk_id: string().nullable(),
  groups: list(string()),
})

const storedKey = object({
  name: string(),
  role: choice(...ROLES),
  created_on: float(),
  expires_on: float().nullable(),
})

/** A value of the bucket. */
export const accessSchema = object({
  user: storedUser.nullable().default(null),
  key: storedKey.nullable().default(null),
})

type AccessRecord = { readonly user: StoredUser | null; readonly key: NamedKey | null }

/** The start of the keys of users, and of API keys; after it come the name and the hash, as the engine can name them. */
const USER = 'user.'
const KEY = 'key.'

const userKey = (username: string) => USER + Buffer.from(username).toString('base64url')
const keyKey = (hash: string) => KEY + hash

/** Receives what another hub has changed. */
export interface AccessListener {
  userChanged(username: string, before: StoredUser | undefined, after: StoredUser | undefined): void
  keyChanged(hash: string, before: NamedKey | undefined, after: NamedKey | undefined): void
}

export class StoredAccess {
  readonly #bucket: Bucket<AccessRecord>
  readonly #values = new Map<string, Stored<AccessRecord>>()
  /** Keys that have not come again since the feed started again. */
  #unseen = new Set<string>()
  #listener: AccessListener | null = null

  constructor(bucket: Bucket<AccessRecord>) {
    this.#bucket = bucket
  }

  /** Reports changes of other hubs from now on. */
  listen(listener: AccessListener): void {
    this.#listener = listener
  }

  // What the feed reports.

  started(): void {
    this.#unseen = new Set(this.#values.keys())
  }

  changed({ key, revision, reading }: Change<AccessRecord>): void {
    this.#unseen.delete(key)
    if (reading === null) this.#replace(key, undefined)
    else if (reading.kind === 'message') this.#replace(key, { value: reading.value, revision })
  }

  loaded(): void {
    for (const key of this.#unseen) this.#replace(key, undefined)
    this.#unseen.clear()
  }

  #replace(key: string, after: Stored<AccessRecord> | undefined): void {
    const before = this.#values.get(key)
    // A change of this hub comes back.
    if (before !== undefined && after !== undefined && after.revision <= before.revision) return
    if (after === undefined) this.#values.delete(key)
    else this.#values.set(key, after)
    const [old, current] = [before?.value, after?.value]
    const user = current?.user ?? old?.user
    if (user) {
      this.#listener?.userChanged(user.username, old?.user ?? undefined, current?.user ?? undefined)
    } else if (key.startsWith(KEY)) {
      this.#listener?.keyChanged(key.slice(KEY.length), old?.key ?? undefined, current?.key ?? undefined)
    }
  }

  async #write(key: string, value: AccessRecord): Promise<void> {
    const expected = this.#values.get(key)?.revision ?? 0
    const revision = await this.#bucket.write(key, { value, expected })
    if (revision === null) throw new ApiError(409, 'Another hub changed this at the same time: try again')
    this.#values.set(key, { value, revision })
  }

  async #delete(key: string): Promise<void> {
    await this.#bucket.purge(key)
    this.#values.delete(key)
  }

  /** The users. */
  get users(): UserStore {
    return {
      list: () => {
        const users = [...this.#values.values()].flatMap(({ value }) => value.user ?? [])
        return users.sort((a, b) => a.created_on - b.created_on)
      },
      get: username => this.#values.get(userKey(username))?.value.user ?? undefined,
      put: user => this.#write(userKey(user.username), { user, key: null }),
      delete: username => this.#delete(userKey(username)),
    }
  }

  /** The API keys. */
  get keys(): KeyStore {
    return {
      all: () =>
        [...this.#values].flatMap(([key, { value }]): (readonly [string, NamedKey])[] =>
          value.key === null ? [] : [[key.slice(KEY.length), value.key]],
        ),
      add: (hash, key) => this.#write(keyKey(hash), { user: null, key }),
      delete: hash => this.#delete(keyKey(hash)),
    }
  }
}
