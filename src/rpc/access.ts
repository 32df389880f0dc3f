// What the transports ask of the access rules; the rules themselves are a component.
import type { User } from './caller.ts'

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
}

export interface AccessPolicy {
  /** The user behind a request, null for nobody. Throws ApiError 401 for credentials that are wrong. */
  authenticate(credentials: Credentials): User | null
  /** Whether web pages of `origin` may use the API. */
  allowsOrigin(origin: string): boolean
  /** Whether `address` is a proxy whose word on the client's address counts. */
  isTrustedProxy(address: string): boolean
  /** Whether the configuration names `host` as ours. */
  isNamedHost(host: string): boolean
}
