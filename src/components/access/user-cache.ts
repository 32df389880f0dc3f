// The users who may log in, as they stand in the database, held in memory: every request asks for them.
import type { Role } from '../../api/endpoint.ts'
import type { User } from '../../rpc/user.ts'
import { API_KEY_USER, type User as StoredUser, type UserTable } from '../../storage/index.ts'

export type { StoredUser }

/** A user's role, which stands among the groups that the original keeps and does not use: `["admin"]` for all. */
export function roleOf({ groups }: StoredUser): Role {
  if (groups.includes('admin')) return 'admin'
  return groups.includes('operator') ? 'operator' : 'viewer'
}

/** A stored user as callers are known. */
export function callerUser(user: StoredUser): User {
  const { username, source, created_on } = user
  return { username, source, created_on, role: roleOf(user) }
}

export class Accounts {
  readonly #users: UserTable
  readonly #known = new Map<string, StoredUser>()
  readonly #byKeyId = new Map<string, StoredUser>()
  #lastWrite: Promise<void> = Promise.resolve()

  constructor(users: UserTable) {
    this.#users = users
    for (const user of users.list()) this.#learn(user)
  }

  /** Everyone who can log in, oldest first. */
  list(): StoredUser[] {
    return [...this.#known.values()].filter(({ username }) => username !== API_KEY_USER)
  }

  /** Whether anyone can log in. */
  get any(): boolean {
    return this.#known.size > (this.#known.has(API_KEY_USER) ? 1 : 0)
  }

  get(username: string): StoredUser | undefined {
    return this.#known.get(username)
  }

  /** The user whose tokens name the key `id`. */
  byKeyId(id: string): StoredUser | undefined {
    return this.#byKeyId.get(id)
  }

  /** Adds the user, or puts it in the place of the one of that name. Resolves once it is stored; rejects with ApiError. */
  put(user: StoredUser): Promise<void> {
    this.#learn(user)
    return this.#write(user.username, this.#users.put(user))
  }

  /** Resolves once the user is gone from the database too. Rejects with ApiError. */
  delete(username: string): Promise<void> {
    this.#forget(username)
    return this.#write(username, this.#users.delete(username))
  }

  /** Resolves when all that was changed so far is stored. */
  stored(): Promise<void> {
    return this.#lastWrite
  }

  /** Memory changes first, so that changes of one moment see each other; what cannot be stored is taken back. */
  #write(username: string, written: Promise<unknown>): Promise<void> {
    const done = written.then(
      () => {},
      error => {
        this.#forget(username)
        const user = this.#users.get(username)
        if (user !== undefined) this.#learn(user)
        throw error
      },
    )
    this.#lastWrite = done
    return done
  }

  #learn(user: StoredUser): void {
    const former = this.#known.get(user.username)
    if (former?.jwk_id) this.#byKeyId.delete(former.jwk_id)
    this.#known.set(user.username, user)
    if (user.jwk_id !== null) this.#byKeyId.set(user.jwk_id, user)
  }

  #forget(username: string): void {
    const former = this.#known.get(username)
    if (former?.jwk_id) this.#byKeyId.delete(former.jwk_id)
    this.#known.delete(username)
  }
}
