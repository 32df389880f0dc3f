// Operations on users: create, log in and out, change password or role, delete.
import type { Role } from '../../api/endpoint.ts'
import type { Clock } from '../../core/clock.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { TRUSTED_USER } from '../../rpc/user.ts'
import { API_KEY_USER } from '../../storage/index.ts'
import type { LoginLimit } from './login-limit.ts'
import { type KnownNetworks, LoginQueue } from './login-queue.ts'
import { MAX_PASSWORD, type Passwords } from './passwords.ts'
import type { TokenService, Tokens } from './token-service.ts'
import type { StoredUser, UserCache } from './user-cache.ts'

const MAX_NAME = 256
/** Logins that the directory checks at a time. */
const MAX_DIRECTORY_LOGINS = 4
const CONTROL = /\p{Cc}/u

/** Users outside of the database, such as those of an LDAP server. */
export interface Directory {
  /**
   * The name of the user as the directory has it, which may differ in case; null if there is no such user with that
   * password. Rejects with ApiError if the directory does not answer.
   */
  authenticate(username: string, password: string): Promise<string | null>
  /** The role of its users at their first login. */
  readonly role: Role
  /** Whether it is ready for use. */
  readonly available: boolean
}

/** What operations on users need. */
export interface UserServiceParts {
  readonly users: UserCache
  readonly tokens: TokenService
  readonly passwords: Passwords
  readonly limit: LoginLimit
  readonly known: KnownNetworks
  readonly clock: Clock
  readonly log: Log
  /** The directory of LDAP users; null without a section [ldap]. */
  readonly directory: () => Directory | null
}

/** The credentials of a login. */
export interface Login {
  readonly username: string
  readonly password: string
  /** `moonraker` or `ldap`. */
  readonly source: string
}

/** A user with a login, and the tokens of it. */
export interface LoggedIn {
  readonly user: StoredUser
  readonly tokens: Tokens
}

/** Names of rules (trusted address, API keys); no person can have them. */
export function isReserved(username: string): boolean {
  return username.startsWith(API_KEY_USER) || username === TRUSTED_USER.username
}

export class UserService {
  readonly #parts: UserServiceParts
  readonly #directoryQueue: LoginQueue

  constructor(parts: UserServiceParts) {
    this.#parts = parts
    this.#directoryQueue = new LoginQueue(parts.known, MAX_DIRECTORY_LOGINS)
  }

  /** The directory of LDAP users; null without a section [ldap] that works. */
  get directory(): Directory | null {
    const directory = this.#parts.directory()
    return directory?.available ? directory : null
  }

  /**
   * Logs a user in. Rejects with ApiError: 400 with the same message for an unknown user as for a wrong password, 401
   * past the limit of failures.
   */
  async logIn(login: Login, address: string | null): Promise<LoggedIn> {
    const { username, source } = login
    if (source !== 'moonraker' && source !== 'ldap') throw new ApiError(400, `Invalid 'source': ${source}`)
    if (isReserved(username)) throw new ApiError(400, `Invalid Request for user ${username}`)
    if (source === 'ldap' && this.directory === null)
      throw new ApiError(401, 'LDAP authentication not available')
    const attempt = this.#parts.limit.start(address, username)
    let user: StoredUser | undefined
    try {
      user =
        source === 'ldap'
          ? await this.#fromDirectory(login, address)
          : await this.#fromAccounts(login, address)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) attempt.cancel()
      throw error
    }
    if (user === undefined) {
      this.#parts.log.info(`a login failed, from ${address ?? 'the unix socket'}`)
      if (source === 'ldap') throw new ApiError(401, 'Unauthorized')
      throw new ApiError(400, 'Invalid Password')
    }
    attempt.succeed()
    this.#parts.known.add(address)
    return { user, tokens: await this.#parts.tokens.issue(user) }
  }

  async #fromAccounts(
    { username, password }: Login,
    address: string | null,
  ): Promise<StoredUser | undefined> {
    const { users, passwords } = this.#parts
    const known = users.get(username)
    const local = known?.source === 'moonraker' ? known : undefined
    if (!(await passwords.matches(password, local, address))) return undefined
    // In the meantime the user may have been deleted, or have a new password.
    const present = users.get(username)
    return present?.password === known?.password ? present : undefined
  }

  async #fromDirectory(
    { username, password }: Login,
    address: string | null,
  ): Promise<StoredUser | undefined> {
    const { directory } = this
    if (directory === null) return undefined
    checkName(username)
    const name = await this.#directoryQueue.run(address, () => directory.authenticate(username, password))
    if (name === null) return undefined
    const { users } = this.#parts
    // A user of the original, which takes names as people write them, keeps that name.
    const known = users.get(username) ?? users.get(name)
    if (known === undefined) {
      if (isReserved(name)) throw new ApiError(400, `Invalid Request for user ${name}`)
      checkName(name)
      return this.#add(name, { password: '', salt: '' }, 'ldap', directory.role)
    }
    if (known.source === 'ldap') return known
    throw new ApiError(
      401,
      `Moonraker cannot authenticate user '${known.username}', must specify source '${known.source}'`,
    )
  }

  /** Creates a user and logs it in. Rejects with ApiError 400. */
  async create({ username, password, source }: Login, role: Role, address: string | null): Promise<LoggedIn> {
    if (source === 'ldap') throw new ApiError(400, 'Invalid Request to create new LDAP User')
    if (source !== 'moonraker') throw new ApiError(400, `Invalid 'source': ${source}`)
    if (isReserved(username)) throw new ApiError(400, `Invalid Request for user ${username}`)
    checkName(username)
    this.#checkFree(username)
    checkPassword(password)
    const hashed = await this.#parts.passwords.hash(password, address)
    this.#checkFree(username)
    const user = await this.#add(username, hashed, source, role)
    return { user, tokens: await this.#parts.tokens.issue(user) }
  }

  #checkFree(username: string): void {
    if (this.#parts.users.get(username) !== undefined)
      throw new ApiError(400, `User ${username} already exists`)
  }

  async #add(
    username: string,
    hashed: { readonly password: string; readonly salt: string },
    source: string,
    role: Role,
  ): Promise<StoredUser> {
    const created_on = this.#parts.clock.now()
    const user = { username, ...hashed, created_on, source, jwt_secret: null, jwk_id: null, groups: [role] }
    await this.#parts.users.put(user)
    return user
  }

  /** Ends all logins of a user. Rejects with ApiError 400 for a user that cannot log out. */
  async logOut(username: string): Promise<void> {
    const user = this.#parts.users.get(username)
    if (isReserved(username) || user === undefined) {
      throw new ApiError(400, `Invalid log out request for user ${username}`)
    }
    await this.#parts.users.put({ ...user, jwt_secret: null, jwk_id: null })
  }

  /** Deletes a user; `by` is the user who requests it. Rejects with ApiError 400. */
  async remove(username: string, by: string): Promise<void> {
    if (username === by) throw new ApiError(400, `Cannot delete logged in user ${username}`)
    if (isReserved(username)) throw new ApiError(400, `Invalid Request for reserved user ${username}`)
    if (this.#parts.users.get(username) === undefined) {
      throw new ApiError(400, `No registered user: ${username}`)
    }
    await this.#parts.users.delete(username)
  }

  /** Sets a new password; all earlier logins end. Rejects with ApiError 400. */
  async setPassword(
    username: string,
    old: string,
    wanted: string,
    address: string | null,
  ): Promise<LoggedIn> {
    const { users, passwords, limit, tokens } = this.#parts
    const user = users.get(username)
    if (isReserved(username) || user === undefined) {
      throw new ApiError(400, `Invalid Reset Request for user ${username}`)
    }
    if (user.source !== 'moonraker') {
      throw new ApiError(400, `Can't reset the password of ${username}: it is stored by ${user.source}`)
    }
    const attempt = limit.start(address, username)
    const isRight = await passwords.matches(old, user, address).catch(error => {
      attempt.cancel()
      throw error
    })
    if (!isRight) throw new ApiError(400, 'Invalid Password')
    attempt.succeed()
    checkPassword(wanted)
    const hashed = await passwords.hash(wanted, address)
    const present = users.get(username)
    if (present?.password !== user.password) throw new ApiError(400, 'Invalid Password')
    const changed = { ...present, ...hashed, jwt_secret: null, jwk_id: null }
    await users.put(changed)
    return { user: changed, tokens: await tokens.issue(changed) }
  }

  /** Changes the role of a user; `by` is the user who requests it. Rejects with ApiError 400. */
  async setRole(username: string, role: Role, by: string): Promise<StoredUser> {
    if (username === by) throw new ApiError(400, `Cannot change the role of logged in user ${username}`)
    const user = isReserved(username) ? undefined : this.#parts.users.get(username)
    if (user === undefined) throw new ApiError(400, `No registered user: ${username}`)
    const changed = { ...user, groups: [role] }
    await this.#parts.users.put(changed)
    return changed
  }

  /** A new access token for a refresh token. Throws ApiError 401, with one message for all reasons. */
  refresh(refreshToken: string): { readonly user: StoredUser; readonly token: string } {
    const { tokens, log } = this.#parts
    try {
      const user = tokens.userOf(refreshToken, 'refresh')
      return { user, token: tokens.renew(user) }
    } catch (error) {
      log.debug(`a refresh token was refused: ${messageOf(error)}`)
      throw new ApiError(401, 'Invalid Refresh Token')
    }
  }
}

function checkName(username: string): void {
  if (username !== '' && username.length <= MAX_NAME && !CONTROL.test(username)) return
  throw new ApiError(400, `A user name has 1 to ${MAX_NAME} characters and no control characters`)
}

function checkPassword(password: string): void {
  if (password !== '' && password.length <= MAX_PASSWORD) return
  throw new ApiError(400, `A password has 1 to ${MAX_PASSWORD} characters`)
}
