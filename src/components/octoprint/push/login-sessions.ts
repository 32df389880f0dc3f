// Keys that a login gives to a client, which shows them on the push socket: its WebSocket carries no credentials.
import { randomBytes } from 'node:crypto'
import type { User } from '../../../rpc/user.ts'

/** The oldest key ends when there are more. */
const MAX_KEYS = 200

export class LoginSessions {
  readonly #users = new Map<string, User>()

  /** A new key for `user`. */
  create(user: User): string {
    const [oldest] = this.#users.keys()
    if (this.#users.size >= MAX_KEYS && oldest !== undefined) this.#users.delete(oldest)
    const key = randomBytes(18).toString('base64url')
    this.#users.set(key, user)
    return key
  }

  /** The user of `NAME:KEY`, as a client sends it; the name is the same for all users. */
  userOf(auth: string): User | undefined {
    return this.#users.get(auth.slice(auth.indexOf(':') + 1))
  }

  /** Ends the keys of a user. */
  end(username: string): void {
    for (const [key, user] of this.#users) if (user.username === username) this.#users.delete(key)
  }
}
