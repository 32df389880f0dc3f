// What a request is before anyone looks at what it wants: whose address, which site, whose name
// (security.md, "Who gets in").
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { ApiError } from '../../core/errors.ts'
import type { Warnings } from '../../core/warnings.ts'
import type { AccessPolicy, Credentials } from '../../rpc/access-policy.ts'
import type { User } from '../../rpc/user.ts'

/** Names under which a machine is reached inside a home network only. */
const PRIVATE_SUFFIXES = ['.local', '.lan', '.home', '.home.arpa', '.internal', '.localhost']
/** At most so many foreign host names are warned about. */
const MAX_HOST_WARNINGS = 5

/** A request seen from the gate. */
export interface Visitor {
  /** The client's address, after trusted proxies. */
  readonly address: string
  readonly origin: string | undefined
  /** The request comes from a page of another site that the configuration does not allow. */
  readonly crossSite: boolean
  /** The origin to allow in CORS headers, if any. */
  readonly allowedOrigin: string | undefined
  /** See Credentials.addressCounts. */
  readonly addressCounts: boolean
}

export class Gate {
  readonly #policy: AccessPolicy
  readonly #warnings: Warnings
  readonly #foreignHosts = new Set<string>()

  constructor(policy: AccessPolicy, warnings: Warnings) {
    this.#policy = policy
    this.#warnings = warnings
  }

  /** What the request shows of its sender. Throws ApiError 400 where a trusted proxy gives an address that is none. */
  inspect(req: IncomingMessage): Visitor {
    const { headers } = req
    const peer = plainAddress(req.socket.remoteAddress ?? '')
    const address = this.#clientAddress(peer, headers)
    const { origin } = headers
    if (origin === undefined && headers['sec-fetch-site'] === undefined) {
      return { address, origin, crossSite: false, allowedOrigin: undefined, addressCounts: true }
    }
    const host = this.#requestedHost(peer, headers)
    const sameOrigin = origin !== undefined && hostOfOrigin(origin) === host.toLowerCase()
    const allowedOrigin = origin !== undefined && this.#policy.allowsOrigin(origin) ? origin : undefined
    const foreign = origin === undefined ? headers['sec-fetch-site'] === 'cross-site' : !sameOrigin
    return {
      address,
      origin,
      crossSite: foreign && allowedOrigin === undefined,
      allowedOrigin,
      addressCounts: this.#isOurs(host),
    }
  }

  /** Who it is. Throws ApiError 401 for wrong credentials. */
  authenticate(req: IncomingMessage, visitor: Visitor, query: URLSearchParams, upgrade = false): User | null {
    const credentials: Credentials = {
      address: visitor.address,
      addressCounts: visitor.addressCounts,
      header: name => req.headers[name]?.toString(),
      token: query.get('token'),
      accessToken: query.get('access_token'),
      upgrade,
    }
    return this.#policy.authenticate(credentials)
  }

  /** Who opens a WebSocket. Wrong credentials make a stranger, who can still identify or log in there. */
  authenticateOrNobody(req: IncomingMessage, visitor: Visitor, query: URLSearchParams): User | null {
    try {
      return this.authenticate(req, visitor, query, true)
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  }

  #clientAddress(peer: string, headers: IncomingMessage['headers']): string {
    const chain = headers['x-forwarded-for']?.toString() ?? headers['x-real-ip']?.toString()
    if (chain === undefined || !this.#policy.isTrustedProxy(peer)) return peer
    const hops = chain.split(',').map(hop => plainAddress(hop.trim()))
    for (const hop of hops.reverse()) {
      if (isIP(hop) === 0) throw new ApiError(400, 'A proxy gave a client address that is none')
      if (!this.#policy.isTrustedProxy(hop)) return hop
    }
    return hops.at(-1) ?? peer
  }

  #requestedHost(peer: string, headers: IncomingMessage['headers']): string {
    const forwarded = headers['x-forwarded-host']?.toString()
    if (forwarded !== undefined && this.#policy.isTrustedProxy(peer)) return forwarded
    return headers.host ?? ''
  }

  #isOurs(hostAndPort: string): boolean {
    const host = hostNameOf(hostAndPort)
    if (isHomeName(host) || this.#policy.isNamedHost(host)) return true
    if (!this.#foreignHosts.has(host) && this.#foreignHosts.size < MAX_HOST_WARNINGS) {
      this.#foreignHosts.add(host)
      this.#warnings.add(
        `A browser reached this server as '${host.slice(0, 100)}', which is not known as its name: it must log in. ` +
          "If the name is right, add it to 'trusted_hosts' in section [authorization].",
      )
    }
    return false
  }
}

/** Refuses what a page of another site would change. */
export function refuseCrossSite({ crossSite, origin }: Visitor): void {
  if (!crossSite) return
  const site = origin === undefined ? 'another site' : `'${origin}'`
  throw new ApiError(
    403,
    `Requests from ${site} are not allowed; see 'cors_domains' in section [authorization]`,
  )
}

/**
 * Refuses a GET that changes something where a browser sends it as it loads a page or a picture: over plain HTTP it
 * does not say of which site the page is. Programs are let through, and so is a page's own script.
 */
export function refusePageLoads({ headers }: IncomingMessage): void {
  const isBrowser = headers['user-agent']?.startsWith('Mozilla/') === true
  if (!isBrowser || headers.origin !== undefined || headers['sec-fetch-site'] === 'same-origin') return
  throw new ApiError(403, 'A browser may do this by POST only, so that no page of another site can')
}

/** An IPv4 address in IPv6 clothes as IPv4. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

function hostOfOrigin(origin: string): string | undefined {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(.+)$/i.exec(origin)
  return match?.[1]?.toLowerCase()
}

function hostNameOf(hostAndPort: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(hostAndPort)
  return (bracketed?.[1] ?? hostAndPort.replace(/:\d+$/, '')).toLowerCase().replace(/\.$/, '')
}

/** A name that no page on the internet can point at this machine. */
function isHomeName(host: string): boolean {
  if (isIP(host) !== 0) return true
  if (host !== '' && !host.includes('.')) return true
  return host === hostname().toLowerCase() || PRIVATE_SUFFIXES.some(suffix => host.endsWith(suffix))
}
