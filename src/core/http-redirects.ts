// Redirects: the target of the next request, and which headers it may contain.
import type { IncomingMessage } from 'node:http'
import { REACH, type reachOf } from './address-reach.ts'
import type { Hop } from './http-hop.ts'
import { basicAuthorization, type HttpRequestHead } from './http-request.ts'

/** Headers that must not be sent to another origin. */
const PRIVATE_HEADERS = new Set(['authorization', 'cookie', 'host', 'proxy-authorization', 'x-api-key'])
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** Null for a text that is not a URL of http or https. */
export function parseUrl(text: string, base?: URL): URL | null {
  const url = URL.parse(text, base?.href)
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : null
}

/** The URL as it may be shown. */
function withoutUser(url: URL): URL {
  if (url.username === '' && url.password === '') return url
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare
}

/** The first request, to the parsed URL of it. */
export function firstHop(
  { method = 'GET', headers = {}, body, auth, tls = {}, once = false }: HttpRequestHead,
  target: URL,
): Hop {
  return {
    url: withoutUser(target),
    method,
    headers: withAuth(headers, auth ?? userOf(target)),
    body,
    tls,
    once,
    mayReach: null,
  }
}

/**
 * The next request after a redirect; null for another response. Throws if the redirect must not be followed: a server that
 * is far away must not be able to use this machine to reach a near one, which may trust it.
 */
export function redirectedHop(
  hop: Hop,
  { statusCode = 0, headers, socket }: IncomingMessage,
  keepTls: boolean,
  reach: typeof reachOf,
): Hop | null {
  if (!REDIRECTS.has(statusCode) || headers.location === undefined) return null
  const url = parseUrl(headers.location, hop.url)
  if (url === null) throw new Error('redirects to what is not an address of http or https')
  if (keepTls && hop.url.protocol === 'https:' && url.protocol !== 'https:')
    throw new Error(`redirects to ${url.host} without TLS: not followed`)
  const from = socket.remoteAddress === undefined ? REACH.internet : reach(socket.remoteAddress)
  const mayReach = (address: string) => reach(address) >= from
  const isSameOrigin = url.origin === hop.url.origin
  const kept = isSameOrigin ? hop.headers : without(hop.headers, name => PRIVATE_HEADERS.has(name))
  const next = {
    url: withoutUser(url),
    headers: withAuth(kept, userOf(url)),
    tls: isSameOrigin ? hop.tls : {},
    once: hop.once,
    mayReach,
  }
  if (!becomesGet(statusCode, hop.method)) return { ...next, method: hop.method, body: hop.body }
  const headersOfGet = without(next.headers, name => name.startsWith('content-'))
  return { ...next, headers: headersOfGet, method: 'GET', body: undefined }
}

/** RFC 9110, section 15.4: 303 turns into GET, and so do 301 and 302 of a POST. */
function becomesGet(status: number, method: string): boolean {
  return (status === 303 && method !== 'HEAD') || ((status === 301 || status === 302) && method === 'POST')
}

function without(headers: Hop['headers'], isDropped: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isDropped(name.toLowerCase())))
}

function userOf({ username, password }: URL): HttpRequestHead['auth'] | undefined {
  if (username === '' && password === '') return undefined
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
}

/** An existing header wins. */
function withAuth(headers: Hop['headers'], auth: HttpRequestHead['auth'] | undefined): Hop['headers'] {
  if (auth === undefined) return headers
  const hasOne = Object.keys(headers).some(name => name.toLowerCase() === 'authorization')
  if (hasOne) return headers
  return { ...headers, Authorization: basicAuthorization(auth.username, auth.password) }
}
