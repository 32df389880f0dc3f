// Passes requests below a path on to a camera's streamer, so that pages and pictures come from one address.
import type { ServerResponse } from 'node:http'
import type { ProxyServer } from 'httpxy'
import { ApiError } from '../../core/errors.ts'
import type { RawRequest } from '../../rpc/registry.ts'

/** Streams that may run at a time: each takes the camera's whole bandwidth. */
const MAX_STREAMS = 32
/** A streamer that has said nothing for so long is gone. */
const SILENCE_MS = 30_000

/** What belongs to this server and its page, and is none of the streamer's business. */
const OURS = ['authorization', 'cookie', 'x-api-key', 'x-access-token', 'origin', 'referer']
/** Query keys that carry our credentials. */
const OUR_KEYS = ['token', 'access_token', 'apikey']

export class WebcamProxy {
  readonly #target: URL
  #server: Promise<ProxyServer> | null = null
  #streams = 0

  /** `target` is the streamer's address, without user and password. */
  constructor(target: URL) {
    this.#target = target
  }

  /** Passes a request on. Throws ApiError 502 where the streamer does not answer, 503 while too many are served. */
  async handle({ req, res, rest, query }: RawRequest): Promise<void> {
    const target = this.#targetOf(rest, query)
    if (this.#streams >= MAX_STREAMS) throw new ApiError(503, 'Too many pictures are being sent')
    this.#streams += 1
    res.once('close', () => {
      this.#streams -= 1
    })
    this.#server ??= startProxy()
    const server = await this.#server
    await server.web(req, res, { target, ignorePath: true, changeOrigin: true, agent: false }).catch(() => {
      if (res.headersSent) res.destroy()
      else throw new ApiError(502, "The camera's streamer does not answer")
    })
  }

  #targetOf(rest: string, query: URLSearchParams): URL {
    const base = this.#target.pathname.endsWith('/') ? this.#target.pathname : `${this.#target.pathname}/`
    const target = new URL(this.#target)
    target.pathname = base + rest.split('/').map(encodeURIComponent).join('/')
    if (!target.pathname.startsWith(base)) throw new ApiError(404, 'Not Found')
    const passed = new URLSearchParams(query)
    for (const key of OUR_KEYS) passed.delete(key)
    target.search = passed.toString()
    return target
  }
}

async function startProxy(): Promise<ProxyServer> {
  const { createProxyServer } = await import('httpxy')
  const server = createProxyServer({ proxyTimeout: SILENCE_MS })
  server.on('proxyReq', request => {
    for (const name of OURS) request.removeHeader(name)
  })
  server.on('proxyRes', (answer, _req, res) => {
    delete answer.headers['set-cookie']
    protect(res as ServerResponse)
  })
  return server
}

/** A page of the streamer's must not act as one of ours: it gets an origin of its own. */
function protect(res: ServerResponse): void {
  res.setHeader('Content-Security-Policy', 'sandbox allow-scripts allow-forms')
  res.setHeader('X-Content-Type-Options', 'nosniff')
}
