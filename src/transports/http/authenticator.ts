// Where a request comes from (address, web page, host name) and which user sends it.
import type { IncomingMessage } from 'node:http'
import { isIPv4 } from 'node:net'
import { ApiError } from '../../core/errors.ts'
import { ipVersion } from '../../core/ip-version.ts'
import type { Warnings } from '../../core/warnings.ts'
import type { AccessPolicy } from '../../rpc/access-policy.ts'
import type { User } from '../../rpc/user.ts'
import { hostNameOf, isPrivateHost } from './host-names.ts'

/** The server warns of at most this many foreign host names. */
const MAX_HOST_WARNINGS = 5
/** Private host names to remember, so that not every request is checked. */
const MAX_PRIVATE_HOSTS = 100
/** The address of a client that a trusted proxy does not name; no list of addresses contains it. */
const UNKNOWN_ADDRESS = 'unknown'

/** Where a request comes from. */
export interface RequestSource {
  /** The client's address, as trusted proxies report it. */
  readonly address: string
  readonly origin: string | undefined
  /** The request comes from a page of another site that the configuration does not allow. */
  readonly crossSite: boolean
  /** The origin to allow in CORS headers, if any. */
  readonly allowedOrigin: string | undefined
}

export class Authenticator {
  readonly #policy: AccessPolicy
  readonly #warnings: Warnings
  readonly #privateHosts = new Set<string>()
  readonly #foreignHosts = new Set<string>()

  constructor(policy: AccessPolicy, warnings: Warnings) {
    this.#policy = policy
    this.#warnings = warnings
  }

  /** Where the request comes from. */
  inspect(req: IncomingMessage): RequestSource {
    const { headers } = req
    const peer = plainAddress(req.socket.remoteAddress ?? '')
    const address = this.#clientAddress(peer, headers)
    const { origin } = headers
    if (origin === undefined && headers['sec-fetch-site'] === undefined) {
      return { address, origin, crossSite: false, allowedOrigin: undefined }
    }
    const sameOrigin =
      origin !== undefined && hostOfOrigin(origin) === this.#requestedHost(peer, headers).toLowerCase()
    const allowedOrigin = origin !== undefined && this.#policy.allowsOrigin(origin) ? origin : undefined
    const foreign = origin === undefined ? headers['sec-fetch-site'] === 'cross-site' : !sameOrigin
    return { address, origin, crossSite: foreign && allowedOrigin === undefined, allowedOrigin }
  }

  /** The user of a request; null for an unauthenticated client. Throws ApiError 401 for wrong credentials. */
  authenticate(
    req: IncomingMessage,
    { address }: RequestSource,
    query: URLSearchParams,
    upgrade = false,
  ): User | null {
    return this.#policy.authenticate({
      address,
      foreignHost: () => this.#foreignHost(req.headers),
      header: name => req.headers[name]?.toString(),
      token: query.get('token'),
      accessToken: query.get('access_token'),
      upgrade,
    })
  }

  /** As `authenticate`, but a WebSocket with wrong credentials opens without a user: it can still identify or log in. */
  authenticateUpgrade(req: IncomingMessage, source: RequestSource, query: URLSearchParams): User | null {
    try {
      return this.authenticate(req, source, query, true)
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  }

  /** Reads proxies' headers from right to left: what is left of an untrusted address is what that client claims. */
  #clientAddress(peer: string, headers: IncomingMessage['headers']): string {
    const chain = headers['x-forwarded-for']?.toString() ?? headers['x-real-ip']?.toString()
    if (chain === undefined || !this.#policy.isTrustedProxy(peer)) return peer
    let hop = peer
    for (const text of chain.split(',').reverse()) {
      hop = addressOfHop(text.trim())
      if (!this.#policy.isTrustedProxy(hop)) break
    }
    return hop
  }

  /** The host that the client named, behind a trusted proxy too. */
  #requestedHost(peer: string, headers: IncomingMessage['headers']): string {
    const forwarded = headers['x-forwarded-host']?.toString()
    if (forwarded !== undefined && this.#policy.isTrustedProxy(peer)) return forwarded
    return headers.host ?? ''
  }

  /**
   * The first host name of the request that is not private. A page can set `X-Forwarded-Host` itself, but not `Host`:
   * both count, from a proxy or not.
   */
  #foreignHost({ host = '', 'x-forwarded-host': forwarded }: IncomingMessage['headers']): string | undefined {
    if (forwarded === undefined && this.#privateHosts.has(host)) return undefined
    const names = [host, ...(forwarded?.toString().split(',') ?? [])].map(name => hostNameOf(name.trim()))
    const foreign = names.find(name => !isPrivateHost(name) && !this.#policy.isNamedHost(name))
    if (foreign !== undefined) this.#warnOfHost(foreign)
    else {
      if (this.#privateHosts.size >= MAX_PRIVATE_HOSTS) this.#privateHosts.clear()
      this.#privateHosts.add(host)
    }
    return foreign
  }

  #warnOfHost(host: string): void {
    if (this.#foreignHosts.has(host) || this.#foreignHosts.size >= MAX_HOST_WARNINGS) return
    this.#foreignHosts.add(host)
    this.#warnings.add(
      `A client reached this server as '${host.slice(0, 100)}', which is not known as a name of it, and must log in. ` +
        "If the name is right, add it to 'trusted_hosts' in section [authorization].",
    )
  }
}

/** Throws ApiError 403 for a request of another site's page that would change something. */
export function refuseCrossSite({ crossSite, origin }: RequestSource): void {
  if (!crossSite) return
  const site = origin === undefined ? 'another site' : `'${origin}'`
  throw new ApiError(
    403,
    `Requests from ${site} are not allowed; see 'cors_domains' in section [authorization]`,
  )
}

/**
 * Throws ApiError 403 for a GET that changes something where a browser sends it to load a page or a picture: over plain
 * HTTP it does not name the site of the page, and a camera may have redirected a picture. Programs, and scripts of the
 * server's own pages, are allowed.
 */
export function refusePageLoads({ headers }: IncomingMessage): void {
  const isBrowser =
    headers['user-agent']?.startsWith('Mozilla/') === true || headers['sec-fetch-site'] !== undefined
  const isOwnScript = headers['sec-fetch-site'] === 'same-origin' && headers['sec-fetch-dest'] === 'empty'
  if (!isBrowser || headers.origin !== undefined || isOwnScript) return
  throw new ApiError(403, 'A browser may do this by POST only, so that no page of another site can')
}

/** An IPv4 address in its IPv6 form (`::ffff:1.2.3.4`) as IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address
}

/** The address of a proxy's header, which may have a port (`1.2.3.4:80`, `[::1]:80`), be `unknown` or a name. */
function addressOfHop(text: string): string {
  const [, bracketed, ipv4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/.exec(text) ?? []
  const address = plainAddress(bracketed ?? ipv4 ?? text)
  return ipVersion(address) === 0 ? UNKNOWN_ADDRESS : address
}

function hostOfOrigin(origin: string): string | undefined {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(.+)$/i.exec(origin)
  return match?.[1]?.toLowerCase()
}
