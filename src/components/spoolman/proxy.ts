// Clients' requests to Spoolman's API. They go through this server, since browsers may not reach Spoolman themselves.
import type { IncomingHttpHeaders } from 'node:http'
import type { ParamsOf } from '../../api/index.ts'
import type { spoolman as chapter } from '../../api/spoolman.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import { ApiError } from '../../core/errors.ts'
import { type HttpClient, HttpClientError, type HttpReply } from '../../core/http-client.ts'
import { isPlainObject } from '../../schema/index.ts'

type ProxyRequest = ParamsOf<(typeof chapter)['methods']['server.spoolman.proxy']>

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
/** Seconds until a request has failed. */
const TIMEOUT = 10
/** Bytes of a reply: a list of all spools. */
const MAX_REPLY = 16 * 2 ** 20

/** A request that Spoolman did not fulfil. */
class ProxyError extends ApiError {
  override readonly name = 'ProxyError'
  /** The message for `use_v2_response`. */
  readonly details: string

  constructor(status: number, message: string, details = message) {
    super(status, message)
    this.details = details
  }
}

export class SpoolmanProxy {
  readonly #http: HttpClient
  readonly #url: string
  readonly #isConnected: () => boolean
  readonly #signal: AbortSignal
  readonly #limit = new ConcurrencyLimit({ what: 'requests to Spoolman', maxRunning: 8, maxQueued: 64 })

  /** `url` is that of the server, without a slash at its end; `signal` ends all requests. */
  constructor(http: HttpClient, url: string, signal: AbortSignal, isConnected: () => boolean) {
    this.#http = http
    this.#url = url
    this.#signal = signal
    this.#isConnected = isConnected
  }

  /**
   * Sends a request. Resolves with Spoolman's reply, or with `use_v2_response` with an object that contains the reply or
   * the error. Rejects with ApiError: 400 for an invalid request, 503 without a connection to Spoolman, 500 for a reply
   * that is not JSON; without `use_v2_response` also Spoolman's own errors.
   */
  async send(request: ProxyRequest): Promise<unknown> {
    const url = this.#check(request)
    if (!this.#isConnected()) throw new ApiError(503, 'Spoolman server not available')
    return this.#limit.run(async () => {
      try {
        const reply = await this.#fetch(url, request)
        const response = parse(reply)
        if (!request.use_v2_response) return response
        return { response, response_headers: headersOf(reply.headers), error: null }
      } catch (error) {
        if (!(error instanceof ProxyError) || !request.use_v2_response) throw error
        const { status, details } = error
        return { response: null, error: { status_code: status, message: details } }
      }
    })
  }

  /** The URL of a request. Throws ApiError 400. */
  #check({ request_method, body, path, query }: ProxyRequest): string {
    if (!METHODS.includes(request_method)) throw new ApiError(400, `Invalid HTTP method: ${request_method}`)
    if (body !== undefined && body !== null && request_method === 'GET') {
      throw new ApiError(400, 'GET requests cannot have a body')
    }
    const base = `${this.#url}/api`
    const url = URL.parse(base + path)
    // The path is compared after `..` is resolved: requests must not leave the API.
    if (!/^\/v\d+\/./.test(path) || !url?.href.startsWith(`${base}/v`) || url.hash !== '') {
      throw new ApiError(400, 'Invalid path, must start with the API version, e.g. /v1')
    }
    if (query) url.search = query
    return url.href
  }

  async #fetch(url: string, { request_method, body }: ProxyRequest): Promise<HttpReply> {
    const hasBody = body !== undefined && body !== null
    let reply: HttpReply
    try {
      reply = await this.#http.send({
        url,
        method: request_method,
        once: request_method !== 'GET',
        timeoutSeconds: TIMEOUT,
        maxBytes: MAX_REPLY,
        signal: this.#signal,
        ...(hasBody && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
      })
    } catch (error) {
      if (error instanceof HttpClientError) throw new ProxyError(500, `Spoolman: ${error.message}`)
      throw error
    }
    const { status, statusText } = reply
    if (status >= 200 && status < 300) return reply
    throw new ProxyError(status, statusText, messageIn(reply) ?? `HTTP ${status}: ${statusText}`)
  }
}

/** Throws ApiError 500 for a body that is not JSON; an empty one is null. */
function parse({ body }: HttpReply): unknown {
  if (body.length === 0) return null
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new ApiError(500, 'Spoolman returned something other than JSON')
  }
}

/** Spoolman's own words about an error. */
function messageIn({ body }: HttpReply): string | null {
  try {
    const value: unknown = JSON.parse(body.toString())
    return isPlainObject(value) && typeof value.message === 'string' ? value.message : null
  } catch {
    return null
  }
}

/** The headers under the names that clients know from Moonraker: `X-Total-Count`. */
function headersOf(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase()),
    String(value),
  ])
  return Object.fromEntries(entries)
}
