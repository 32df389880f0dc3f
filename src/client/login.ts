// A user's login: gets tokens for a name and a password, and new ones before they expire or when they are refused.
import type { ResultOf } from '../api/endpoint.ts'
import type { Api } from '../api/index.ts'
import { CallError, ConnectionLost } from './errors.ts'
import { httpBase } from './options.ts'

/** Seconds before its end at which a token is renewed. */
const EARLY = 60

/** What a login is worth; may be kept, to go on with it after a restart. */
export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
}

/** Who logs in where: with a name and a password, with tokens kept from before, or with both. */
export interface LoginOptions {
  /** As for `connect`; not a unix socket, where nobody needs to log in. */
  readonly url: string
  readonly username?: string
  readonly password?: string
  /** `moonraker` or `ldap`; the server's default where left out. */
  readonly source?: string
  readonly tokens?: Tokens
  /** Hears of new tokens, to keep them; null once there are none. */
  readonly onTokens?: (tokens: Tokens | null) => void
}

type Method = 'access.login' | 'access.refresh_jwt' | 'access.logout'

const PATHS: Readonly<Record<Method, string>> = {
  'access.login': '/access/login',
  'access.refresh_jwt': '/access/refresh_jwt',
  'access.logout': '/access/logout',
}

export class Login {
  readonly #options: LoginOptions
  readonly #base: string
  #tokens: Tokens | null
  /** Seconds by which this clock is ahead of the server's, as far as is known. */
  #ahead = 0
  #renewing: Promise<string> | null = null

  constructor(options: LoginOptions) {
    const base = httpBase(options.url)
    if (base === null) throw new Error(`${options.url} is a unix socket: nobody needs to log in there`)
    this.#options = options
    this.#base = base
    this.#tokens = options.tokens ?? null
  }

  /**
   * A good access token: made for `connect({ accessToken: login.token })`. With `refused` the present one is not good,
   * whatever it says. Rejects with CallError where the server refuses the login, ConnectionLost where it is not reached.
   */
  readonly token = (refused = false): Promise<string> => {
    const present = this.#tokens?.accessToken
    if (present !== undefined && !refused && !this.#isOld(present)) return Promise.resolve(present)
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  /** Ends all logins of the user, on the server too. */
  async logOut(): Promise<void> {
    const token = await this.token()
    await this.#post('access.logout', {}, token)
    this.#tokens = null
    this.#options.onTokens?.(null)
  }

  #isOld(token: string): boolean {
    const { exp = 0 } = claimsOf(token)
    return exp - EARLY < Date.now() / 1000 - this.#ahead
  }

  async #renew(): Promise<string> {
    const { username, password, source } = this.#options
    const refresh_token = this.#tokens?.refreshToken
    if (refresh_token !== undefined) {
      try {
        const { token } = await this.#post('access.refresh_jwt', { refresh_token })
        return this.#keep({ accessToken: token, refreshToken: refresh_token })
      } catch (error) {
        // The login has ended; with a password there can be another.
        if (!(error instanceof CallError) || username === undefined || password === undefined) throw error
      }
    }
    if (username === undefined || password === undefined) {
      throw new CallError('access.login', 401, 'There is neither a password nor a token to log in with')
    }
    const login = { username, password, ...(source !== undefined && { source }) }
    const done = await this.#post('access.login', login)
    return this.#keep({ accessToken: done.token, refreshToken: done.refresh_token })
  }

  #keep(tokens: Tokens): string {
    const { iat } = claimsOf(tokens.accessToken)
    if (iat !== undefined) this.#ahead = Date.now() / 1000 - iat
    this.#tokens = tokens
    this.#options.onTokens?.(tokens)
    return tokens.accessToken
  }

  async #post<M extends Method>(method: M, params: object, token?: string): Promise<ResultOf<Api[M]>> {
    const headers = {
      'Content-Type': 'application/json',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    }
    const body = JSON.stringify(params)
    let reply: { readonly result?: ResultOf<Api[M]>; readonly error?: { readonly message?: string } }
    let status: number
    try {
      const response = await fetch(`${this.#base}${PATHS[method]}`, { method: 'POST', headers, body })
      status = response.status
      reply = (await response.json()) as typeof reply
    } catch (error) {
      throw new ConnectionLost(`no answer from ${this.#base}${PATHS[method]}`, { cause: error })
    }
    if (reply.result === undefined) {
      throw new CallError(method, status, reply.error?.message ?? `HTTP status ${status}`)
    }
    return reply.result
  }
}

/** What a token says of its time; nothing where it is none. */
function claimsOf(token: string): { readonly exp?: number; readonly iat?: number } {
  const [, claims = ''] = token.split('.')
  try {
    return JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))) as {
      exp?: number
      iat?: number
    }
  } catch {
    return {}
  }
}
