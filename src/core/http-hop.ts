// One request to one server, without redirects.
import { lookup } from 'node:dns'
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { isIP, type LookupFunction } from 'node:net'
import type { Cancellation } from './cancellation.ts'
import type { TlsOptions } from './http-request.ts'
import { hostOf } from './url-host.ts'

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
 * lookup. Errors are created when they occur: a stack trace costs as much as the rest of a short request.
 */
export function openHop(
  { request }: HttpTransport,
  { url, method, headers, body, tls, once, mayReach }: Hop,
  agent: Agent | false,
  cancellation: Cancellation,
): OpenedHop {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  // The caller handles the rejection, but receives the promise only after this function returns.
  promise.catch(() => undefined)
  if (mayReach !== null && !mayReachLiteral(url, mayReach)) {
    reject(refusal(url))
    return { response: promise, isStale: () => false }
  }
  const outgoing = request(url, {
    method,
    headers,
    agent: mayReach === null && !once ? agent : false,
    ...(mayReach !== null && { lookup: checkedLookup(mayReach, url) }),
    ...tlsOptions(tls),
  })
  let isSettled = false
  let code: unknown
  outgoing.on('response', response => {
    isSettled = true
    resolve(response)
  })
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    isSettled = true
    code = error.code
    reject(error)
  })
  // A response that changes the protocol ends the request without an error.
  outgoing.on('close', () => {
    if (!isSettled) reject(new Error('closes the connection without an answer'))
  })
  cancellation.onCancel(() => outgoing.destroy(new Error('cancelled')))
  outgoing.end(body)
  const isReset = () => code === 'ECONNRESET' || code === 'EPIPE'
  return { response: promise, isStale: () => outgoing.reusedSocket && isReset() && IDEMPOTENT.has(method) }
}

/** Rejects if the server's name has no address, and when the request is cancelled before that is known. */
export function demandAddress(url: URL, cancellation: Cancellation): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  cancellation.onCancel(() => reject(new Error('cancelled')))
  lookup(hostOf(url), error => (error === null ? resolve() : reject(error)))
  return promise
}

/** Whether a URL with an address in place of a name may be reached; names are checked by their lookup. */
function mayReachLiteral(url: URL, mayReach: (address: string) => boolean): boolean {
  const host = hostOf(url)
  return isIP(host) === 0 || mayReach(host)
}

function refusal({ host }: URL): Error {
  return new Error(`redirects to ${host}, which is nearer to this machine: not followed`)
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
function checkedLookup(mayReach: (address: string) => boolean, url: URL): LookupFunction {
  return (name, options, done) => {
    lookup(name, options, (error, found, family) => {
      const addresses = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address)
      done(error ?? (addresses.every(mayReach) ? null : refusal(url)), found, family)
    })
  }
}
