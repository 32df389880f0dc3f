// What the transports ask of the access rules; the rules themselves are a component.
import type { User } from './user.ts'

/** What a request shows of itself for the question who it comes from. */
export interface Credentials {
  /** The client's address, after trusted proxies. */
  readonly address: string
  /**
   * Whether the address may speak for the caller. It may not for a browser that was led here under a name
   * that is not ours (DNS rebinding, security.md).
   */
  readonly addressCounts: boolean
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | undefined
  /** The oneshot token of the query string. */
  readonly token: string | null
  /** The access token of the query string. */
  readonly accessToken: string | null
  /**
   * The request opens a WebSocket. Clients put what they like into its `?token=`, KlipperScreen even `False`: one that
   * is not known is passed over there, and refused elsewhere (clients.md §2.0).
   */
  readonly upgrade: boolean
}

/** What a client may show when it identifies. */
export interface Identification {
  readonly access_token?: string | undefined
  readonly api_key?: string | undefined
}

export interface AccessPolicy {
  /** The user behind a request, null for nobody. Throws ApiError 401 for credentials that are wrong. */
  authenticate(credentials: Credentials): User | null
  /** The user whom a connection of `present` speaks for from now on. Throws ApiError 401 where there is none. */
  identify(shown: Identification, present: User | null): User
  /** Calls back when a user's logins end: its connections must lose it at once. */
  onLogout(listener: (username: string) => void): void
  /** Whether web pages of `origin` may use the API. */
  allowsOrigin(origin: string): boolean
  /** Whether `address` is a proxy whose word on the client's address counts. */
  isTrustedProxy(address: string): boolean
  /** Whether the configuration names `host` as ours. */
  isNamedHost(host: string): boolean
}
