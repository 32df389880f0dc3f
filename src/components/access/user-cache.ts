// The users of the database, in memory: every request needs them.
import type { Role } from '../../api/endpoint.ts'
import type { User } from '../../rpc/user.ts'
import { API_KEY_USER, type User as StoredUser } from '../../storage/index.ts'

export type { StoredUser }

/** A user's role. It is stored in the groups, which the original sets to `["admin"]` for all users and does not use. */
export function roleOf({ groups }: StoredUser): Role {
  if (groups.includes('admin')) return 'admin'
  return groups.includes('operator') ? 'operator' : 'viewer'
}

/** A stored user as the user of a caller. */
export function callerUser(user: StoredUser): User {
  const { username, source, created_on } = user
  return { username, source, created_on, role: roleOf(user) }
}

/** Where users are stored. */
export interface UserStore {
  /** Oldest first. */
  list(): StoredUser[]
  get(username: string): StoredUser | undefined
  /** Adds or replaces a user. Rejects with ApiError. */
  put(user: StoredUser): Promise<void>
  /** Rejects with ApiError. */
  delete(username: string): Promise<unknown>
}

export class UserCache {
  readonly #users: UserStore
  readonly #known = new Map<string, StoredUser>()
  readonly #byKeyId = new Map<string, StoredUser>()
  #lastWrite: Promise<void> = Promise.resolve()

  constructor(users: UserStore) {
    this.#users = users
    for (const user of users.list()) this.#remember(user)
  }

  /** All users who can log in, oldest first. */
  list(): StoredUser[] {
    return [...this.#known.values()].filter(({ username }) => username !== API_KEY_USER)
  }

  /** Whether there is a user who can log in. */
  get any(): boolean {
    return this.#known.size > (this.#known.has(API_KEY_USER) ? 1 : 0)
  }

  get(username: string): StoredUser | undefined {
    return this.#known.get(username)
  }

  /** The user whose tokens have the key id `id`. */
  byKeyId(id: string): StoredUser | undefined {
    return this.#byKeyId.get(id)
  }

  /** Adds or replaces the user. Resolves when it is stored. Rejects with ApiError. */
  put(user: StoredUser): Promise<void> {
    this.#remember(user)
    return this.#write(user.username, this.#users.put(user))
  }

  /** Removes the user. Resolves when the database has removed it. Rejects with ApiError. */
  delete(username: string): Promise<void> {
    this.#forget(username)
    return this.#write(username, this.#users.delete(username))
  }

  /** Another server has changed the user, or deleted it. */
  refresh(username: string): void {
    this.#forget(username)
    const user = this.#users.get(username)
    if (user !== undefined) this.#remember(user)
  }

  /** Resolves when all changes so far are stored. */
  stored(): Promise<void> {
    return this.#lastWrite
  }

  /** Memory changes first, so that parallel changes see each other; a change that cannot be stored is undone. */
  #write(username: string, written: Promise<unknown>): Promise<void> {
    const done = written.then(
      () => {},
      error => {
        this.refresh(username)
        throw error
      },
    )
    this.#lastWrite = done
    return done
  }

  #remember(user: StoredUser): void {
    const previous = this.#known.get(user.username)
    if (previous?.jwk_id) this.#byKeyId.delete(previous.jwk_id)
    this.#known.set(user.username, user)
    if (user.jwk_id !== null) this.#byKeyId.set(user.jwk_id, user)
  }

  #forget(username: string): void {
    const previous = this.#known.get(username)
    if (previous?.jwk_id) this.#byKeyId.delete(previous.jwk_id)
    this.#known.delete(username)
  }
}
