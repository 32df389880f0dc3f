// The part of the access rules that the transports need; a component implements it.
import type { User } from './user.ts'

/** The parts of a request that identify its user. */
export interface Credentials {
  /** The client's address, as trusted proxies report it. */
  readonly address: string
  /**
   * The host name of the request, if a page of the internet could use it (DNS rebinding); undefined for names of the
   * home network. Under such a name the address alone grants no access.
   */
  readonly foreignHost: () => string | undefined
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | undefined
  /** The oneshot token of the query string. */
  readonly token: string | null
  /** The access token of the query string. */
  readonly accessToken: string | null
  /**
   * The request opens a WebSocket. KlipperScreen sends `?token=False` there: an unknown token is ignored then, and
   * refused elsewhere.
   */
  readonly upgrade: boolean
}

/** The credentials of `server.connection.identify`. */
export interface Identification {
  readonly access_token?: string | undefined
  readonly api_key?: string | undefined
}

export interface AccessPolicy {
  /** The user of a request; null for an unauthenticated client. Throws ApiError 401 for wrong credentials. */
  authenticate(credentials: Credentials): User | null
  /** Whether an address alone, without credentials, grants access. */
  trustsAddress(address: string): boolean
  /** The user of a connection that identifies itself; until then it is `present`. Throws ApiError 401 if refused. */
  identify(shown: Identification, present: User | null): User
  /** Calls `listener` when a user's logins end: its connections become unauthenticated at once. */
  onLogout(listener: (username: string) => void): void
  /** Whether web pages of `origin` may use the API. */
  allowsOrigin(origin: string): boolean
  /** Whether `address` is a proxy that may report the address of its client. */
  isTrustedProxy(address: string): boolean
  /** Whether `address` is in a network that is near, or that a user has logged in from since the start. */
  isKnownNetwork(address: string): boolean
  /** Whether the configuration names `host` as a name of this server. */
  isNamedHost(host: string): boolean
}
