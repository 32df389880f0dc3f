// Tokens of users who are logged in: what is issued, and which of them are believed.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Accounts, StoredUser } from './accounts.ts'
import {
  readToken,
  type SigningKey,
  signingKey,
  signToken,
  TokenError,
  type TokenType,
} from './json-web-token.ts'

/** Seconds for which an access token is good. */
const ACCESS_SECONDS = 3600
/** Seconds by which the clocks of those who issued a token may be ahead. */
const MAX_AHEAD = 60
/** For whom all tokens are, of the original as of ours. */
const AUDIENCE = 'Moonraker'

/** What logins need to be told. */
export interface LoginOptions {
  /** Who issues the tokens: `http://host:port` as the original writes it, so that its tokens stay good. */
  readonly issuer: string
  /** Seconds for which a refresh token is good. */
  readonly refreshSeconds: number
}

/** The tokens of a login. */
export interface Tokens {
  readonly token: string
  readonly refresh_token: string
}

export class Logins {
  readonly #accounts: Accounts
  readonly #clock: Clock
  readonly #options: LoginOptions
  /** Key pairs by the users that they were made from; a user who changes is another object. */
  readonly #keys = new WeakMap<StoredUser, SigningKey>()

  constructor(accounts: Accounts, clock: Clock, options: LoginOptions) {
    this.#accounts = accounts
    this.#clock = clock
    this.#options = options
  }

  /** Tokens for a user; makes the user's key where there is none. Resolves once the key is stored. */
  async begin(user: StoredUser): Promise<Tokens> {
    let known = user
    if (this.#keyOf(user) === undefined) {
      known = {
        ...user,
        jwt_secret: randomBytes(32).toString('hex'),
        jwk_id: randomBytes(32).toString('base64url'),
      }
      await this.#accounts.put(known)
    } else await this.#accounts.stored()
    return {
      token: this.#issue(known, 'access', ACCESS_SECONDS),
      refresh_token: this.#issue(known, 'refresh', this.#options.refreshSeconds),
    }
  }

  /** The user of a token of that type. Throws TokenError. */
  userOf(token: string, type: TokenType): StoredUser {
    let owner: StoredUser | undefined
    const { claims } = readToken(token, id => {
      owner = this.#accounts.byKeyId(id)
      return owner && this.#keyOf(owner)
    })
    if (owner === undefined) throw new TokenError('Invalid key ID')
    this.#check(claims, type, owner)
    return owner
  }

  /** A new access token. */
  renew(user: StoredUser): string {
    return this.#issue(user, 'access', ACCESS_SECONDS)
  }

  #check(claims: Readonly<Record<string, unknown>>, type: TokenType, owner: StoredUser): void {
    const now = this.#clock.now()
    const { token_type, iss, aud, iat, exp, nbf, username } = claims
    if (token_type !== type) throw new TokenError('Invalid JWT type')
    if (iss !== this.#options.issuer) throw new TokenError('Invalid JWT Issuer')
    if (aud !== AUDIENCE) throw new TokenError('Invalid JWT Audience')
    if (username !== owner.username) throw new TokenError('Unknown user')
    if (typeof exp !== 'number' || exp < now) throw new TokenError('JWT Expired')
    if (typeof iat !== 'number' || iat > now + MAX_AHEAD) throw new TokenError('JWT is not valid yet')
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= now + MAX_AHEAD)) {
      throw new TokenError('JWT is not valid yet')
    }
  }

  #issue(user: StoredUser, token_type: TokenType, seconds: number): string {
    const key = this.#keyOf(user)
    if (key === undefined) throw new TokenError('User not logged in')
    const iat = Math.floor(this.#clock.now())
    const { issuer: iss } = this.#options
    const { username } = user
    return signToken(key, { iss, aud: AUDIENCE, iat, exp: iat + seconds, username, token_type })
  }

  #keyOf(user: StoredUser): SigningKey | undefined {
    const { jwk_id, jwt_secret } = user
    if (jwk_id === null || jwt_secret === null) return undefined
    const key = this.#keys.get(user) ?? signingKey(jwk_id, jwt_secret)
    if (key !== undefined) this.#keys.set(user, key)
    return key
  }
}
