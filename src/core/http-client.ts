// Sends requests to other web servers. Each is bounded in time, size and redirects. A redirect carries credentials only
// within one origin, and leads to no server that is nearer to this machine than the one that redirects.
import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { reachOf } from './address-reach.ts'
import { Cancellation } from './cancellation.ts'
import { messageOf } from './errors.ts'
import { demandAddress, type Hop, type HttpTransport, openHop } from './http-hop.ts'
import { firstHop, parseUrl, redirectedHop } from './http-redirects.ts'
import type { HttpRequestHead } from './http-request.ts'

/** A request whose response is read as a whole. */
export interface HttpRequest extends HttpRequestHead {
  /** For all of it, redirects included. */
  readonly timeoutSeconds: number
  /** A longer body is an error. */
  readonly maxBytes: number
  /** Without the body: the response is complete with its headers. */
  readonly headersOnly?: boolean
}

/** A request whose response is read as it arrives. */
export interface HttpStreamRequest extends HttpRequestHead {
  /** Until the headers of the response arrive, redirects included. */
  readonly timeoutSeconds: number
  /** The longest time without a part of the body. */
  readonly idleSeconds: number
}

/** A response, whatever its status. */
interface HttpResponseHead {
  readonly status: number
  /** As `Not Found`; may be ''. */
  readonly statusText: string
  readonly headers: IncomingHttpHeaders
  /** The final URL after redirects, without user and password. */
  readonly url: string
}

/** A response with its whole body. */
export interface HttpReply extends HttpResponseHead {
  readonly body: Buffer
}

/** A response whose body arrives. It holds a connection until the body is read or `close` is called. */
export interface HttpStream extends HttpResponseHead {
  /** Rejects with HttpClientError when the connection breaks, or nothing arrives for too long. */
  readonly body: AsyncIterable<Buffer>
  close(): void
}

/** A request failed. The message is for the person who configured the URL; it names the host, never user or password. */
export class HttpClientError extends Error {
  override readonly name = 'HttpClientError'
  /** Whether the server did not respond in time. */
  readonly isTimeout: boolean

  constructor(message: string, { isTimeout = false, cause }: ErrorOptions & { isTimeout?: boolean } = {}) {
    super(message, { cause })
    this.isTimeout = isTimeout
  }
}

const MAX_REDIRECTS = 5
/** Connections to one origin at the same time; further requests wait for one, within their timeout. */
const MAX_SOCKETS = 8
/** Unused connections that are kept open, for the next request. */
const MAX_FREE_SOCKETS = 4
/** Milliseconds that an unused connection stays open. */
const FREE_MILLISECONDS = 10_000

/** A protocol, with its connections that are kept. */
interface Pool {
  readonly transport: HttpTransport
  readonly agent: Agent
}

/** Sends requests over connections that it keeps open for a while. */
export class HttpClient {
  readonly #reach: typeof reachOf
  /** By protocol. */
  readonly #pools = new Map<string, Pool>()

  /** Tests give the distance of their servers by `reach`. */
  constructor(reach = reachOf) {
    this.#reach = reach
  }

  /** Sends a request and reads the whole response. Rejects with HttpClientError, or with the reason of `signal`. */
  async send(request: HttpRequest): Promise<HttpReply> {
    const { maxBytes, headersOnly } = request
    return within(request, async (url, cancellation) => {
      const { head, response } = await this.#follow(request, url, cancellation)
      return { ...head, body: headersOnly ? discard(response) : await collect(response, maxBytes) }
    })
  }

  /**
   * Sends a request and resolves when the headers of the response arrive. Rejects with HttpClientError, or with the
   * reason of `signal`, which ends the body too.
   */
  async open(request: HttpStreamRequest): Promise<HttpStream> {
    const { head, response } = await within(request, (url, cancellation) =>
      this.#follow(request, url, cancellation),
    )
    const { signal } = request
    const close = () => {
      discard(response)
    }
    signal?.addEventListener('abort', close)
    response.on('close', () => signal?.removeEventListener('abort', close))
    return { ...head, body: bodyOf(response, request), close }
  }

  /** Closes the unused connections. */
  close(): void {
    for (const { agent } of this.#pools.values()) agent.destroy()
    this.#pools.clear()
  }

  async #follow(
    request: HttpRequestHead,
    url: URL,
    cancellation: Cancellation,
  ): Promise<{ head: HttpResponseHead; response: IncomingMessage }> {
    const { maxRedirects = MAX_REDIRECTS } = request
    let hop = firstHop(request, url)
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.#send(hop, cancellation)
      const next =
        maxRedirects === 0 ? null : redirectedHop(hop, response, request.keepTls ?? false, this.#reach)
      if (next === null) return { head: headOf(response, hop.url), response }
      discard(response)
      if (redirects === maxRedirects) throw new Error('redirects too many times')
      hop = next
    }
  }

  /** A server may close a kept connection at the moment of the next request: that one is sent again. */
  async #send(hop: Hop, cancellation: Cancellation): Promise<IncomingMessage> {
    const { transport, agent } =
      this.#pools.get(hop.url.protocol) ?? (await this.#openPool(hop.url, cancellation))
    const { response, isStale } = openHop(transport, hop, agent, cancellation)
    try {
      return await response
    } catch (error) {
      if (!isStale() || cancellation.isCancelled) throw error
      return openHop(transport, hop, false, cancellation).response
    }
  }

  async #openPool(url: URL, cancellation: Cancellation): Promise<Pool> {
    const transport = await transportOf(url, cancellation)
    const known = this.#pools.get(url.protocol)
    if (known !== undefined) return known
    const agent = new transport.Agent({
      keepAlive: true,
      maxSockets: MAX_SOCKETS,
      maxFreeSockets: MAX_FREE_SOCKETS,
      timeout: FREE_MILLISECONDS,
    })
    const pool = { transport, agent }
    this.#pools.set(url.protocol, pool)
    return pool
  }
}

/**
 * TLS and its authorities take 5 MB of memory: they are loaded with the first URL that needs them and whose server has an
 * address. Many printers are in a network without internet.
 */
async function transportOf(url: URL, cancellation: Cancellation): Promise<HttpTransport> {
  if (url.protocol !== 'https:') return import('node:http')
  await demandAddress(url, cancellation)
  return import('node:https')
}

/** Runs `work`, which ends at the timeout and when the request's own signal is aborted. Adds the host to errors. */
async function within<T>(
  { url: text, timeoutSeconds, signal }: HttpRequestHead & { readonly timeoutSeconds: number },
  work: (url: URL, cancellation: Cancellation) => Promise<T>,
): Promise<T> {
  const url = parseUrl(text)
  if (url === null) throw new HttpClientError('the URL: not an address of http or https')
  signal?.throwIfAborted()
  const cancellation = new Cancellation()
  const onAbort = () => cancellation.cancel(null)
  const timer = setTimeout(onAbort, timeoutSeconds * 1000)
  signal?.addEventListener('abort', onAbort)
  try {
    return await work(url, cancellation)
  } catch (error) {
    signal?.throwIfAborted()
    const isTimeout = cancellation.isCancelled
    const reason = isTimeout ? `no answer within ${timeoutSeconds} seconds` : messageOf(error)
    throw new HttpClientError(`${url.host}: ${reason}`, { cause: error, isTimeout })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

function headOf(response: IncomingMessage, url: URL): HttpResponseHead {
  const { statusCode = 0, statusMessage = '', headers } = response
  return { status: statusCode, statusText: statusMessage, headers, url: url.href }
}

function discard(response: IncomingMessage): Buffer {
  response.on('error', () => undefined)
  response.destroy()
  return Buffer.alloc(0)
}

/** By events: an iterator would cost as much as the rest of a short request. */
function collect(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const parts: Buffer[] = []
  let length = 0
  response.on('data', (part: Buffer) => {
    length += part.length
    if (length > maxBytes) response.destroy(new Error(`the answer is longer than ${maxBytes} bytes`))
    else parts.push(part)
  })
  response.on('error', reject)
  response.on('end', () => resolve(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)))
  response.on('close', () => {
    if (!response.readableEnded) reject(new Error('aborted'))
  })
  return promise
}

async function* bodyOf(
  response: IncomingMessage,
  { url, idleSeconds, signal }: HttpStreamRequest,
): AsyncGenerator<Buffer> {
  const silent = new Error(`sends nothing for ${idleSeconds} seconds`)
  const startTimer = () => setTimeout(() => response.destroy(silent), idleSeconds * 1000)
  let timer = startTimer()
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      clearTimeout(timer)
      yield part
      timer = startTimer()
    }
    signal?.throwIfAborted()
  } catch (error) {
    signal?.throwIfAborted()
    throw new HttpClientError(`${parseUrl(url)?.host}: ${messageOf(error)}`, { cause: error })
  } finally {
    clearTimeout(timer)
    discard(response)
  }
}
