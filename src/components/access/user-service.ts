// What is done to users: they come, log in and out, change their passwords and roles, and go.
import type { Role } from '../../api/endpoint.ts'
import type { Clock } from '../../core/clock.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { TRUSTED_USER } from '../../rpc/user.ts'
import { API_KEY_USER } from '../../storage/index.ts'
import type { Accounts, StoredUser } from './accounts.ts'
import type { LoginLimit } from './login-limit.ts'
import type { Logins, Tokens } from './logins.ts'
import { MAX_PASSWORD, type Passwords } from './passwords.ts'

const MAX_NAME = 256
const CONTROL = /\p{Cc}/u

/** Where users are kept who are not ours. */
export interface Directory {
  /** Whether the password is that user's. Rejects with ApiError where the directory cannot be asked. */
  authenticate(username: string, password: string): Promise<boolean>
  /** The role of its users when they come for the first time. */
  readonly role: Role
  /** Whether it can be asked at all. */
  readonly available: boolean
}

/** What users are kept with. */
export interface UsersParts {
  readonly accounts: Accounts
  readonly logins: Logins
  readonly passwords: Passwords
  readonly limit: LoginLimit
  readonly clock: Clock
  readonly log: Log
  /** Where users of LDAP are looked for; null without a section [ldap]. */
  readonly directory: () => Directory | null
}

/** What a login shows. */
export interface Login {
  readonly username: string
  readonly password: string
  /** `moonraker` or `ldap`. */
  readonly source: string
}

/** Somebody who is in, with the tokens to show. */
export interface LoggedIn {
  readonly user: StoredUser
  readonly tokens: Tokens
}

/** Names that stand for a rule, not for a person. */
export function isReserved(username: string): boolean {
  return username.startsWith(API_KEY_USER) || username === TRUSTED_USER.username
}

export class UserBook {
  readonly #parts: UsersParts

  constructor(parts: UsersParts) {
    this.#parts = parts
  }

  /** Where users of LDAP are looked for; null without a section [ldap] that works. */
  get directory(): Directory | null {
    const directory = this.#parts.directory()
    return directory?.available ? directory : null
  }

  /** Logs somebody in. Throws ApiError: 400 in the same words for an unknown user as for a wrong password, 401. */
  async logIn(login: Login, address: string | null): Promise<LoggedIn> {
    const { username, source } = login
    if (source !== 'moonraker' && source !== 'ldap') throw new ApiError(400, `Invalid 'source': ${source}`)
    if (isReserved(username)) throw new ApiError(400, `Invalid Request for user ${username}`)
    if (source === 'ldap' && this.directory === null)
      throw new ApiError(401, 'LDAP authentication not available')
    const attempt = this.#parts.limit.begin(address, username)
    let user: StoredUser | undefined
    try {
      user = source === 'ldap' ? await this.#fromDirectory(login) : await this.#fromAccounts(login)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) attempt.forget()
      throw error
    }
    if (user === undefined) {
      this.#parts.log.info(`a login failed, from ${address ?? 'the unix socket'}`)
      if (source === 'ldap') throw new ApiError(401, 'Unauthorized')
      throw new ApiError(400, 'Invalid Password')
    }
    attempt.succeeded()
    return { user, tokens: await this.#parts.logins.begin(user) }
  }

  async #fromAccounts({ username, password }: Login): Promise<StoredUser | undefined> {
    const { accounts, passwords } = this.#parts
    const known = accounts.get(username)
    const local = known?.source === 'moonraker' ? known : undefined
    if (!(await passwords.matches(password, local))) return undefined
    // Meanwhile the user may be gone, or the password be another.
    const present = accounts.get(username)
    return present?.password === known?.password ? present : undefined
  }

  async #fromDirectory({ username, password }: Login): Promise<StoredUser | undefined> {
    const { directory } = this
    if (directory === null) return undefined
    checkName(username)
    if (!(await directory.authenticate(username, password))) return undefined
    const known = this.#parts.accounts.get(username)
    if (known === undefined) {
      return this.#add(username, { password: '', salt: '' }, 'ldap', directory.role)
    }
    if (known.source === 'ldap') return known
    throw new ApiError(
      401,
      `Moonraker cannot authenticate user '${username}', must specify source '${known.source}'`,
    )
  }

  /** Adds a user, who is then logged in. Throws ApiError 400. */
  async create({ username, password, source }: Login, role: Role): Promise<LoggedIn> {
    if (source === 'ldap') throw new ApiError(400, 'Invalid Request to create new LDAP User')
    if (source !== 'moonraker') throw new ApiError(400, `Invalid 'source': ${source}`)
    if (isReserved(username)) throw new ApiError(400, `Invalid Request for user ${username}`)
    checkName(username)
    this.#checkFree(username)
    checkPassword(password)
    const hashed = await this.#parts.passwords.hash(password)
    this.#checkFree(username)
    const user = await this.#add(username, hashed, source, role)
    return { user, tokens: await this.#parts.logins.begin(user) }
  }

  #checkFree(username: string): void {
    if (this.#parts.accounts.get(username) !== undefined)
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
    await this.#parts.accounts.put(user)
    return user
  }

  /** Ends all logins of a user. Throws ApiError 400 for who cannot log out. */
  async logOut(username: string): Promise<void> {
    const user = this.#parts.accounts.get(username)
    if (isReserved(username) || user === undefined) {
      throw new ApiError(400, `Invalid log out request for user ${username}`)
    }
    await this.#parts.accounts.put({ ...user, jwt_secret: null, jwk_id: null })
  }

  /** Deletes a user on behalf of another one. Throws ApiError 400. */
  async remove(username: string, by: string): Promise<void> {
    if (username === by) throw new ApiError(400, `Cannot delete logged in user ${username}`)
    if (isReserved(username)) throw new ApiError(400, `Invalid Request for reserved user ${username}`)
    if (this.#parts.accounts.get(username) === undefined) {
      throw new ApiError(400, `No registered user: ${username}`)
    }
    await this.#parts.accounts.delete(username)
  }

  /** Sets a new password; all logins from before end. Throws ApiError 400. */
  async setPassword(
    username: string,
    old: string,
    wanted: string,
    address: string | null,
  ): Promise<LoggedIn> {
    const { accounts, passwords, limit, logins } = this.#parts
    const user = accounts.get(username)
    if (isReserved(username) || user === undefined) {
      throw new ApiError(400, `Invalid Reset Request for user ${username}`)
    }
    if (user.source !== 'moonraker') {
      throw new ApiError(400, `Can't reset the password of ${username}: it is kept by ${user.source}`)
    }
    const attempt = limit.begin(address, username)
    if (!(await passwords.matches(old, user))) throw new ApiError(400, 'Invalid Password')
    attempt.succeeded()
    checkPassword(wanted)
    const hashed = await passwords.hash(wanted)
    const present = accounts.get(username)
    if (present?.password !== user.password) throw new ApiError(400, 'Invalid Password')
    const changed = { ...present, ...hashed, jwt_secret: null, jwk_id: null }
    await accounts.put(changed)
    return { user: changed, tokens: await logins.begin(changed) }
  }

  /** Gives a user another role, on behalf of another one. Throws ApiError 400, 404. */
  async setRole(username: string, role: Role, by: string): Promise<StoredUser> {
    if (username === by) throw new ApiError(400, `Cannot change the role of logged in user ${username}`)
    const user = isReserved(username) ? undefined : this.#parts.accounts.get(username)
    if (user === undefined) throw new ApiError(400, `No registered user: ${username}`)
    const changed = { ...user, groups: [role] }
    await this.#parts.accounts.put(changed)
    return changed
  }

  /** A new access token for a refresh token, in words that tell nothing of why not. Throws ApiError 401. */
  refresh(refreshToken: string): { readonly user: StoredUser; readonly token: string } {
    const { logins, log } = this.#parts
    try {
      const user = logins.userOf(refreshToken, 'refresh')
      return { user, token: logins.renew(user) }
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
