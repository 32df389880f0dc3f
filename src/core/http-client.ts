// Asks other web servers: bounded in time, size and redirects, and credentials go no further than where they were sent.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
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
  /** Where the answer came from, after redirects. */
  readonly url: string
}

/** Why there is no answer, in words for the person who configured the URL; names the host, never user or password. */
export class HttpClientError extends Error {}

/** Headers that belong to one host alone. */
const PRIVATE_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key'])
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const DEFAULT_REDIRECTS = 5

/** Sends one request. Rejects with HttpClientError, or with the reason of `signal`. */
export async function sendHttp(request: HttpRequest): Promise<HttpReply> {
  const timeout = AbortSignal.timeout(request.timeoutSeconds * 1000)
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal])
  const url = parseUrl(request.url)
  try {
    return await follow(request, url, signal)
  } catch (error) {
    request.signal?.throwIfAborted()
    if (error instanceof HttpClientError) throw error
    const seconds = request.timeoutSeconds
    const problem = timeout.aborted ? `no answer within ${seconds} seconds` : reasonOf(error)
    throw new HttpClientError(`${url.host}: ${problem}`, { cause: error })
  }
}

/** Errors of a connection to several addresses have their words inside. */
function reasonOf(error: unknown): string {
  return error instanceof AggregateError ? messageOf(error.errors[0]) : messageOf(error)
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new HttpClientError(`${base?.host ?? 'the URL'}: not an address of http or https`)
  }
  return url
}

async function follow(request: HttpRequest, first: URL, signal: AbortSignal): Promise<HttpReply> {
  const { maxRedirects = DEFAULT_REDIRECTS } = request
  let url = first
  let step = { method: request.method ?? 'GET', headers: { ...request.headers }, body: request.body }
  for (let redirects = 0; ; redirects += 1) {
    const response = await open(url, step, signal)
    const status = response.statusCode ?? 0
    const location = response.headers.location
    if (maxRedirects === 0 || !REDIRECTS.has(status) || location === undefined) {
      const body = request.headersOnly ? discard(response) : await collect(response, request.maxBytes)
      return { status, headers: response.headers, body, url: url.href }
    }
    discard(response)
    if (redirects === maxRedirects) throw new HttpClientError(`${first.host}: redirects too many times`)
    const next = parseUrl(location, url)
    step = redirected(step, status, next.origin === url.origin)
    if (next.origin === url.origin) {
      next.username = url.username
      next.password = url.password
    }
    url = next
  }
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

/** Sends, and waits for the headers of the answer. User and password of the URL become Basic credentials. */
async function open(url: URL, step: Step, signal: AbortSignal): Promise<IncomingMessage> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = request(url, { method: step.method, headers: step.headers, signal, agent: false })
  outgoing.on('response', resolve)
  outgoing.on('error', reject)
  outgoing.end(step.body)
  return promise
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
    if (length > maxBytes) throw new HttpClientError(`the answer is longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
