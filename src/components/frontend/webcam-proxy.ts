// Passes requests below a path on to a camera's streamer, so that pages and pictures come from one address.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { ApiError } from '../../core/errors.ts'
import type { RawRequest } from '../../rpc/registry.ts'

/** Streams that may run at a time: each takes the camera's whole bandwidth. */
const MAX_STREAMS = 32
/** A streamer that does not let us in or says nothing for so long is gone. */
const SILENCE_MS = 30_000

/** What of a request is the streamer's business: no credentials, and nothing that is about this connection alone. */
const ASKED = words(
  'accept accept-encoding accept-language cache-control content-length content-type if-match if-modified-since ' +
    'if-none-match if-range if-unmodified-since range user-agent',
)
/** Query keys that carry our credentials. */
const OUR_KEYS = words('token access_token apikey')

/** What describes the answer itself. All else may bind a browser to something for the whole of this server. */
const ANSWERED = words(
  'accept-ranges age cache-control content-disposition content-encoding content-length content-range content-type ' +
    'etag expires last-modified location pragma retry-after',
)

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '))
}

export class WebcamProxy {
  readonly #target: URL
  #streams = 0

  /** `target` is the streamer's address, without user and password. */
  constructor(target: URL) {
    this.#target = target
  }

  /** Passes a request on. Throws ApiError 502 where the streamer does not answer, 503 while too many are served. */
  async handle({ req, res, rest }: RawRequest): Promise<void> {
    const target = this.#targetOf(rest, req.url ?? '')
    if (this.#streams >= MAX_STREAMS) throw new ApiError(503, 'Too many pictures are being sent')
    this.#streams += 1
    res.once('close', () => {
      this.#streams -= 1
    })
    const answer = await ask(target, req, res).catch(cause => {
      throw new ApiError(502, "The camera's streamer does not answer", { cause })
    })
    passOn(answer, res)
  }

  #targetOf(rest: string, url: string): URL {
    const base = this.#target.pathname.endsWith('/') ? this.#target.pathname : `${this.#target.pathname}/`
    const target = new URL(this.#target)
    target.pathname = base + rest.split('/').map(encodeURIComponent).join('/')
    if (!target.pathname.startsWith(base)) throw new ApiError(404, 'Not Found')
    target.search = passedQuery(url)
    return target
  }
}

/** As it was written: streamers read a bare `?snapshot` otherwise than `?snapshot=`. */
function passedQuery(url: string): string {
  const mark = url.indexOf('?')
  if (mark === -1) return ''
  const isOurs = (pair: string) => [...new URLSearchParams(pair).keys()].some(key => OUR_KEYS.has(key))
  const pairs = url.slice(mark + 1).split('&')
  return pairs.filter(pair => !isOurs(pair)).join('&')
}

function chosen(headers: IncomingHttpHeaders, names: ReadonlySet<string>): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.has(name)))
}

/** Sends the request, and waits for the beginning of the answer. */
async function ask(target: URL, req: IncomingMessage, res: ServerResponse): Promise<IncomingMessage> {
  const { request } = target.protocol === 'https:' ? await import('node:https') : await import('node:http')
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const hasBody = req.method === 'POST'
  const headers = chosen(req.headers, ASKED)
  if (!hasBody) delete headers['content-length']
  const outgoing = request(target, { method: req.method, headers, agent: false, timeout: SILENCE_MS })
  outgoing.on('response', resolve)
  outgoing.on('error', reject)
  outgoing.on('timeout', () => outgoing.destroy(new Error('it is silent')))
  // An answer that changes the protocol is none, and ends without an error.
  outgoing.on('close', () => reject(new Error('it hangs up')))
  res.on('close', () => outgoing.destroy())
  if (res.destroyed) outgoing.destroy()
  // The body of a GET has no frame there: the streamer would take it for a request of its own.
  if (hasBody) req.pipe(outgoing)
  else outgoing.end()
  return promise
}

/**
 * Sends the answer. A page of the streamer's must not act as one of ours: it gets an origin of its own. Throws
 * ApiError 502 for a status that HTTP does not know.
 */
function passOn(answer: IncomingMessage, res: ServerResponse): void {
  const { statusCode = 0, headers } = answer
  if (statusCode < 200) throw new ApiError(502, `The camera's streamer answers with status ${statusCode}`)
  for (const [name, value = ''] of Object.entries(chosen(headers, ANSWERED))) res.setHeader(name, value)
  res.setHeader('Content-Security-Policy', 'sandbox allow-scripts allow-forms')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  // The streamer has not waited for all of the request, so nobody reads the rest of it.
  if (!res.req.complete) res.setHeader('Connection', 'close')
  res.writeHead(statusCode)
  // Whoever breaks off first takes the other side along.
  pipeline(answer, res, () => undefined)
}
