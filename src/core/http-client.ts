// Asks other web servers: bounded in time, size and redirects, which lead credentials no further than where they were
// sent, and us to nobody nearer than who redirects.
import { lookup } from 'node:dns'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP, type LookupFunction } from 'node:net'
import { REACH, reachOf } from './address-reach.ts'
import { messageOf } from './errors.ts'

/** What is asked, and how long and how much may come back. */
export interface HttpRequest {
  /** http or https only. */
  readonly url: string
  /** GET unless said otherwise. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** For all of it, redirects included. */
  readonly timeoutSeconds: number
  /** A longer body is an error. */
  readonly maxBytes: number
  /** 5 unless said otherwise; 0 takes a redirect as the answer. */
  readonly maxRedirects?: number
  /** The body is not wanted: the answer is complete with its headers. */
  readonly headersOnly?: boolean
  readonly signal?: AbortSignal
}

/** An answer, whatever its status. */
export interface HttpReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Where the answer came from, after redirects; without user and password. */
  readonly url: string
}

/** Sends requests to other web servers: see `sendHttp`. */
export interface HttpClient {
  send(request: HttpRequest): Promise<HttpReply>
}

/** Why there is no answer, in words for the person who configured the URL; names the host, never user or password. */
export class HttpClientError extends Error {}

/** Headers that belong to one host alone. */
const PRIVATE_HEADERS = new Set(['authorization', 'cookie', 'host', 'proxy-authorization', 'x-api-key'])
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const DEFAULT_REDIRECTS = 5

/**
 * Sends one request. Rejects with HttpClientError, or with the reason of `signal`. Tests tell by `reach` how far away
 * their servers are.
 */
export async function sendHttp(request: HttpRequest, reach = reachOf): Promise<HttpReply> {
  const timeout = AbortSignal.timeout(request.timeoutSeconds * 1000)
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal])
  const url = parseUrl(request.url)
  if (url === null) throw new HttpClientError('the URL: not an address of http or https')
  try {
    return await follow(request, url, signal, reach)
  } catch (error) {
    request.signal?.throwIfAborted()
    const seconds = request.timeoutSeconds
    const problem = timeout.aborted ? `no answer within ${seconds} seconds` : reasonOf(error)
    throw new HttpClientError(`${url.host}: ${problem}`, { cause: error })
  }
}

/** Errors of a connection to several addresses have their words inside. */
function reasonOf(error: unknown): string {
  return error instanceof AggregateError ? messageOf(error.errors[0]) : messageOf(error)
}

/** Null for what is no address of http or https. */
function parseUrl(text: string, base?: URL): URL | null {
  const url = URL.parse(text, base?.href)
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : null
}

async function follow(
  request: HttpRequest,
  first: URL,
  signal: AbortSignal,
  reach: typeof reachOf,
): Promise<HttpReply> {
  const { maxRedirects = DEFAULT_REDIRECTS } = request
  let url = first
  let step: Step = { method: request.method ?? 'GET', headers: { ...request.headers }, body: request.body }
  let mayAsk = (_address: string) => true
  for (let redirects = 0; ; redirects += 1) {
    const response = await open(url, step, signal, mayAsk)
    const status = response.statusCode ?? 0
    const { location } = response.headers
    if (maxRedirects === 0 || !REDIRECTS.has(status) || location === undefined) {
      const body = request.headersOnly ? discard(response) : await collect(response, request.maxBytes)
      return { status, headers: response.headers, body, url: withoutUser(url).href }
    }
    const { remoteAddress } = response.socket
    const from = remoteAddress === undefined ? REACH.internet : reach(remoteAddress)
    mayAsk = address => reach(address) >= from
    discard(response)
    if (redirects === maxRedirects) throw new Error('redirects too many times')
    const next = parseUrl(location, url)
    if (next === null) throw new Error('redirects to what is not an address of http or https')
    const isSameOrigin = next.origin === url.origin
    if (isSameOrigin) {
      next.username = url.username
      next.password = url.password
    }
    step = redirected(step, status, isSameOrigin)
    url = next
  }
}

function withoutUser(url: URL): URL {
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare
}

interface Step {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: string | Buffer | undefined
}

/** RFC 9110, section 15.4: 303 turns into GET, and so do 301 and 302 of a POST. */
function redirected(step: Step, status: number, sameOrigin: boolean): Step {
  const headers = sameOrigin
    ? step.headers
    : Object.fromEntries(
        Object.entries(step.headers).filter(([name]) => !PRIVATE_HEADERS.has(name.toLowerCase())),
      )
  const toGet =
    (status === 303 && step.method !== 'HEAD') ||
    ((status === 301 || status === 302) && step.method === 'POST')
  if (!toGet) return { ...step, headers }
  const kept = Object.entries(headers).filter(([name]) => !name.toLowerCase().startsWith('content-'))
  return { method: 'GET', headers: Object.fromEntries(kept), body: undefined }
}

/**
 * Sends, and waits for the headers of the answer. User and password of the URL become Basic credentials. Rejects where
 * the host has an address that may not be asked.
 */
async function open(
  url: URL,
  { method, headers, body }: Step,
  signal: AbortSignal,
  mayAsk: (address: string) => boolean,
): Promise<IncomingMessage> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  const refused = new Error(`redirects to ${url.host}, which is nearer to this machine: that is not followed`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !mayAsk(host)) throw refused
  const lookUp: LookupFunction = (name, options, done) => {
    lookup(name, options, (error, found, family) => {
      const isRefused = error === null && !addressesOf(found).every(mayAsk)
      done(isRefused ? refused : error, found, family)
    })
  }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = request(url, { method, headers, signal, agent: false, lookup: lookUp })
  outgoing.on('response', resolve)
  outgoing.on('error', reject)
  // An answer that changes the protocol is none, and ends without an error.
  outgoing.on('close', () => reject(new Error('hangs up without an answer')))
  outgoing.end(body)
  return promise
}

function addressesOf(found: string | readonly { readonly address: string }[]): string[] {
  return typeof found === 'string' ? [found] : found.map(({ address }) => address)
}

function discard(response: IncomingMessage): Buffer {
  response.on('error', () => undefined)
  response.destroy()
  return Buffer.alloc(0)
}

async function collect(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
