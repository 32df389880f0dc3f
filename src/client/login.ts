// A user's login: fetches tokens with name and password, and renews them before they expire or if they are refused.
import type { ResultOf } from '../api/endpoint.ts'
import type { Api } from '../api/index.ts'
import { CallError, ConnectionLost } from './errors.ts'
import { httpBase } from './options.ts'

/** Seconds before its expiry at which a token is renewed. */
const EARLY = 60

/** The tokens of a login. A program may store them, to continue the login after a restart. */
export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
}

/** User and server: with name and password, with stored tokens, or with both. */
export interface LoginOptions {
  /** As for `connect`; not a unix socket, which needs no login. */
  readonly url: string
  readonly username?: string
  readonly password?: string
  /** `moonraker` or `ldap`; the server's default if left out. */
  readonly source?: string
  readonly tokens?: Tokens
  /** Called with new tokens, for storage; with null after `logOut`. */
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
  /** Seconds by which this clock is ahead of the server's; 0 until known. */
  #ahead = 0
  #renewing: Promise<string> | null = null

  constructor(options: LoginOptions) {
    const base = httpBase(options.url)
    if (base === null) throw new Error(`${options.url} is a unix socket, which needs no login`)
    this.#options = options
    this.#base = base
    this.#tokens = options.tokens ?? null
  }

  /**
   * Returns a valid access token, for `connect({ accessToken: login.token })`. With `refused`, replaces the current one
   * even if it has not expired. Rejects with CallError if the server refuses the login, ConnectionLost without a reply.
   */
  readonly token = (refused = false): Promise<string> => {
    const current = this.#tokens?.accessToken
    if (current !== undefined && !refused && !this.#expiresSoon(current)) return Promise.resolve(current)
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

  #expiresSoon(token: string): boolean {
    const { exp = 0 } = claimsOf(token)
    return exp - EARLY < Date.now() / 1000 - this.#ahead
  }

  async #renew(): Promise<string> {
    const { username, password, source } = this.#options
    const refresh_token = this.#tokens?.refreshToken
    if (refresh_token !== undefined) {
      try {
        const { token } = await this.#post('access.refresh_jwt', { refresh_token })
        return this.#store({ accessToken: token, refreshToken: refresh_token })
      } catch (error) {
        // The login has ended; a password allows a new one.
        if (!(error instanceof CallError) || username === undefined || password === undefined) throw error
      }
    }
    if (username === undefined || password === undefined) {
      throw new CallError('access.login', 401, 'The login has neither a password nor a valid token')
    }
    const login = { username, password, ...(source !== undefined && { source }) }
    const done = await this.#post('access.login', login)
    return this.#store({ accessToken: done.token, refreshToken: done.refresh_token })
  }

  #store(tokens: Tokens): string {
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
      throw new ConnectionLost(`no reply from ${this.#base}${PATHS[method]}`, { cause: error })
    }
    if (reply.result === undefined) {
      throw new CallError(method, status, reply.error?.message ?? `HTTP status ${status}`)
    }
    return reply.result
  }
}

/** The times in a token, in seconds since the epoch; none if it is invalid. */
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
