// Tokens of users with a login: issues and verifies them.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import {
  readToken,
  type SigningKey,
  signingKey,
  signToken,
  TokenError,
  type TokenType,
} from './json-web-token.ts'
import type { StoredUser, UserCache } from './user-cache.ts'

/** Seconds until an access token expires. */
const ACCESS_SECONDS = 3600
/** Seconds by which the clock that issued a token may be ahead. */
const MAX_AHEAD = 60
/** The audience of all tokens, as in the original. */
const AUDIENCE = 'Moonraker'

/** Options of tokens. */
export interface TokenOptions {
  /** The issuer: `http://host:port` as in the original, so that its tokens stay valid. */
  readonly issuer: string
  /** Seconds until a refresh token expires. */
  readonly refreshSeconds: number
}

/** The tokens of a login. */
export interface Tokens {
  readonly token: string
  readonly refresh_token: string
}

export class TokenService {
  readonly #users: UserCache
  readonly #clock: Clock
  readonly #options: TokenOptions
  /** Key pairs by user; a changed user is another object. */
  readonly #keys = new WeakMap<StoredUser, SigningKey>()

  constructor(users: UserCache, clock: Clock, options: TokenOptions) {
    this.#users = users
    this.#clock = clock
    this.#options = options
  }

  /** Issues tokens for a user, with a new key if the user has none. Resolves when the key is stored. */
  async issue(user: StoredUser): Promise<Tokens> {
    let known = user
    if (this.#keyOf(user) === undefined) {
      known = {
        ...user,
        jwt_secret: randomBytes(32).toString('hex'),
        jwk_id: randomBytes(32).toString('base64url'),
      }
      await this.#users.put(known)
    } else await this.#users.stored()
    return {
      token: this.#sign(known, 'access', ACCESS_SECONDS),
      refresh_token: this.#sign(known, 'refresh', this.#options.refreshSeconds),
    }
  }

  /** The user of a token of that type. Throws TokenError. */
  userOf(token: string, type: TokenType): StoredUser {
    let owner: StoredUser | undefined
    const { claims } = readToken(token, id => {
      owner = this.#users.byKeyId(id)
      return owner && this.#keyOf(owner)
    })
    if (owner === undefined) throw new TokenError('Invalid key ID')
    this.#check(claims, type, owner)
    return owner
  }

  /** A new access token. */
  renew(user: StoredUser): string {
    return this.#sign(user, 'access', ACCESS_SECONDS)
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

  #sign(user: StoredUser, token_type: TokenType, seconds: number): string {
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
