// Finds the user of a request by tokens, keys and the address, in the order of the original.
import type { Role } from '../../api/endpoint.ts'
import { ApiError } from '../../core/errors.ts'
import { isSameSecret } from '../../core/same-secret.ts'
import type { Warnings } from '../../core/warnings.ts'
import type { AccessPolicy, Credentials, Identification } from '../../rpc/access-policy.ts'
import { TRUSTED_USER, type User } from '../../rpc/user.ts'
import { API_KEY_USER } from '../../storage/index.ts'
import { AddressList } from './address-list.ts'
import { TokenError } from './json-web-token.ts'
import type { KnownNetworks } from './login-queue.ts'
import type { NamedKeys } from './named-keys.ts'
import type { OneshotTokens } from './oneshot-tokens.ts'
import { addressOfOrigin, Origins } from './origins.ts'
import type { TokenService } from './token-service.ts'
import { callerUser, type UserCache } from './user-cache.ts'

/** The options that the rules depend on. */
export interface AccessOptions {
  readonly trusted_clients: readonly string[]
  readonly trusted_proxies: readonly string[]
  readonly trusted_hosts: readonly string[]
  readonly trusted_role: Role
  readonly cors_domains: readonly string[]
  readonly force_logins: boolean
  readonly enable_api_key: boolean
}

/** Everything that grants access. */
export interface AccessParts {
  readonly users: UserCache
  readonly tokens: TokenService
  readonly oneshots: OneshotTokens
  readonly keys: NamedKeys
  readonly known: KnownNetworks
}

const UNAUTHORIZED = 'Unauthorized'

export class Access implements AccessPolicy {
  readonly clients: AddressList
  readonly proxies: AddressList
  readonly #options: AccessOptions
  readonly #parts: AccessParts
  readonly #origins: Origins
  readonly #hosts: ReadonlySet<string>
  readonly #trusted: User
  readonly #onLogout: ((username: string) => void)[] = []

  constructor(options: AccessOptions, parts: AccessParts) {
    this.#options = options
    this.#parts = parts
    this.clients = new AddressList(options.trusted_clients)
    this.proxies = new AddressList(options.trusted_proxies)
    this.#origins = new Origins(options.cors_domains)
    this.#hosts = new Set(options.trusted_hosts.map(host => host.toLowerCase()))
    this.#trusted = { ...TRUSTED_USER, role: options.trusted_role }
  }

  authenticate(credentials: Credentials): User | null {
    const { address, foreignHost, header, token, upgrade } = credentials
    const bearer = bearerOf(credentials)
    const accessToken = bearer ?? header('x-access-token') ?? credentials.accessToken ?? ''
    if (accessToken !== '') {
      // Clients of OctoPrint may send their API key here. It is not accepted in a URL, which logs and histories keep.
      const holder = this.#userOfKey(bearer ?? '')
      return holder ?? this.#userOfToken(accessToken, () => UNAUTHORIZED)
    }
    if (token !== null && token !== '') {
      const user = this.#parts.oneshots.take(token, address)
      if (user !== undefined) return user
      if (!upgrade) throw new ApiError(401, UNAUTHORIZED)
    }
    const holder = this.#userOfKey(header('x-api-key') ?? '')
    if (holder !== undefined) return holder
    if (!this.trustsAddress(address)) return null
    const host = foreignHost()
    if (host === undefined) return this.#trusted
    throw new ApiError(
      401,
      `${UNAUTHORIZED}: log in, or add '${host.slice(0, 100)}' to 'trusted_hosts' in section [authorization]`,
    )
  }

  trustsAddress(address: string): boolean {
    return !this.loginRequired && this.clients.has(address)
  }

  isKnownNetwork(address: string): boolean {
    return this.#parts.known.has(address)
  }

  /** An access token is always checked; a key only if the connection has no user yet, as in the original. */
  identify({ access_token = '', api_key = '' }: Identification, present: User | null): User {
    if (access_token !== '') return this.#userOfToken(access_token, ({ message }) => message)
    if (present !== null) return present
    if (api_key === '') throw new ApiError(401, UNAUTHORIZED)
    const holder = this.#userOfKey(api_key)
    if (holder !== undefined) return holder
    const problem = this.#options.enable_api_key ? 'Invalid API Key' : 'API Key authentication is disabled'
    throw new ApiError(401, problem)
  }

  #userOfToken(token: string, messageFor: (error: TokenError) => string): User {
    try {
      return callerUser(this.#parts.tokens.userOf(token, 'access'))
    } catch (error) {
      throw error instanceof TokenError ? new ApiError(401, messageFor(error), { cause: error }) : error
    }
  }

  #userOfKey(key: string): User | undefined {
    if (key === '' || !this.#options.enable_api_key) return undefined
    const holder = this.#parts.users.get(API_KEY_USER)
    if (holder !== undefined && holder.password !== '' && isSameSecret(key, holder.password))
      return callerUser(holder)
    return this.#parts.keys.userOf(key)
  }

  /** Whether no address alone grants access: `force_logins`, once there is a user who can log in. */
  get loginRequired(): boolean {
    return this.#options.force_logins && this.#parts.users.any
  }

  /** Whether the caller's address is trusted, as `access.info` returns it. */
  isTrusted(address: string | null, user: User | null): boolean {
    if (user?.username === TRUSTED_USER.username) return true
    if (address === null || !this.clients.has(address)) return false
    // Without a user although the address is trusted: a request under a foreign host name.
    return user !== null || this.loginRequired
  }

  onLogout(listener: (username: string) => void): void {
    this.#onLogout.push(listener)
  }

  /** Ends the oneshot tokens and connections of a user. */
  loggedOut(username: string): void {
    this.#parts.oneshots.revoke(username)
    for (const listener of this.#onLogout) listener(username)
  }

  /** If `cors_domains` is set, pages at a trusted address are allowed too: several printers behind one front-end. */
  allowsOrigin(origin: string): boolean {
    if (this.#origins.allows(origin)) return true
    const address = addressOfOrigin(origin)
    return this.#origins.configured && address !== undefined && this.clients.has(address)
  }

  /** A proxy on this machine is trusted if this machine is: many installations have an nginx that depends on it. */
  isTrustedProxy(address: string): boolean {
    const loopback = address === '::1' || address.startsWith('127.')
    return this.proxies.has(address) || (loopback && this.clients.has(address))
  }

  isNamedHost(host: string): boolean {
    return this.#hosts.has(host) || this.#origins.namesHost(host)
  }

  /** Adds warnings for options that have no effect, or grant more than people expect. */
  warn(warnings: Warnings): void {
    const lists = { trusted_clients: this.clients, trusted_proxies: this.proxies }
    for (const [option, list] of Object.entries(lists)) {
      for (const entry of list.invalid) {
        warnings.add(
          `[authorization] ${option}: '${entry}' is not an address, range or host name; it is ignored`,
        )
      }
      for (const entry of list.public) {
        warnings.add(
          `[authorization] ${option}: '${entry}' grants access to addresses of the internet without a login`,
        )
      }
    }
    for (const domain of this.#origins.unlimited) {
      warnings.add(
        `[authorization] cors_domains: '${domain}' allows every web page that a browser opens to use this server with ` +
          'the rights of that browser: name the pages that you use',
      )
    }
    for (const domain of this.#origins.tooWide) {
      warnings.add(
        `[authorization] cors_domains: '${domain}' has a wildcard in its top-level domain; it is ignored`,
      )
    }
  }
}

/** The bearer token of a request. Other schemes of `Authorization` are for proxies. */
function bearerOf({ header }: Credentials): string | undefined {
  const sent = header('authorization')
  return sent === undefined ? undefined : /^bearer\s+(\S.*)$/i.exec(sent)?.[1]
}
