// One request to one server, without redirects.
import { lookup } from 'node:dns'
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { isIP, type LookupFunction } from 'node:net'
import type { TlsOptions } from './http-request.ts'

/** A request to one server. */
export interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | undefined
  readonly tls: TlsOptions
  /** Whether it needs a new connection; see HttpRequestHead. */
  readonly once: boolean
  /** Whether the server may be at this address; null where every address is allowed. */
  readonly mayReach: ((address: string) => boolean) | null
}

/** node:http or node:https. */
export interface HttpTransport {
  readonly request: (url: URL, options: RequestOptions) => ClientRequest
  readonly Agent: typeof Agent
}

/** A sent request. */
export interface OpenedHop {
  /** Resolves when the headers arrive. */
  readonly response: Promise<IncomingMessage>
  /** Whether it failed only because the server had closed a kept connection, so that it can be sent again. */
  readonly isStale: () => boolean
}

/** Requests that a server may receive twice. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/**
 * Sends `hop` over a connection of `agent`; over a new one with `once`, and with a restriction of addresses, after a
 * lookup.
 */
export function openHop(
  { request }: HttpTransport,
  { url, method, headers, body, tls, once, mayReach }: Hop,
  agent: Agent | false,
  signal: AbortSignal,
): OpenedHop {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  // The caller handles the rejection, but receives the promise only after this function returns.
  promise.catch(() => undefined)
  const refused = new Error(`redirects to ${url.host}, which is nearer to this machine: not followed`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (mayReach !== null && isIP(host) !== 0 && !mayReach(host)) {
    reject(refused)
    return { response: promise, isStale: () => false }
  }
  const outgoing = request(url, {
    method,
    headers,
    signal,
    agent: mayReach === null && !once ? agent : false,
    ...(mayReach !== null && { lookup: checkedLookup(mayReach, refused) }),
    ...tlsOptions(tls),
  })
  outgoing.on('response', resolve)
  outgoing.on('error', reject)
  // A response that changes the protocol ends the request without an error.
  outgoing.on('close', () => reject(new Error('closes the connection without an answer')))
  outgoing.end(body)
  let code: unknown
  promise.catch((error: NodeJS.ErrnoException) => {
    code = error.code
  })
  const isReset = () => code === 'ECONNRESET' || code === 'EPIPE'
  return { response: promise, isStale: () => outgoing.reusedSocket && isReset() && IDEMPOTENT.has(method) }
}

function tlsOptions({ ca, cert, key, insecure = false }: TlsOptions) {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(insecure && { rejectUnauthorized: false }),
  }
}

/** Looks names up, and rejects one that has an address which may not be reached. */
function checkedLookup(mayReach: (address: string) => boolean, refused: Error): LookupFunction {
  return (name, options, done) => {
    lookup(name, options, (error, found, family) => {
      const addresses = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address)
      done(error ?? (addresses.every(mayReach) ? null : refused), found, family)
    })
  }
}
