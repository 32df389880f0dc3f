// Passes requests and WebSockets below a path on to a camera's streamer, so that pages and pictures come from one
// address.
import { addAbortListener } from 'node:events'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { ApiError } from '../../core/errors.ts'
import type { RawRequest, SocketRequest } from '../../rpc/registry.ts'
import { OpenStreams } from './open-streams.ts'

/** The proxy gives up on a streamer that does not connect or send anything for so long. */
const SILENCE_MS = 30_000
/** Between probes of TCP that find out whether the other end of a silent WebSocket is still there. */
const KEEP_ALIVE_MS = 30_000

/** The headers that the streamer receives: no credentials, and nothing that is about one connection alone. */
const REQUEST_HEADERS = words(
  'accept accept-encoding accept-language cache-control content-length content-type if-match if-modified-since ' +
    'if-none-match if-range if-unmodified-since range user-agent',
)
/** The headers of a WebSocket handshake (RFC 6455, section 4). Without the origin, which the server has checked. */
const HANDSHAKE_HEADERS = words(
  'sec-websocket-accept sec-websocket-extensions sec-websocket-key sec-websocket-protocol sec-websocket-version',
)
/** Query keys that carry our credentials. */
const OUR_KEYS = words('token access_token apikey')

/** Requests with a body: WebRTC signalling by POST, and WHEP's by PATCH. */
const VERBS_WITH_BODY: ReadonlySet<string | undefined> = new Set(['POST', 'PATCH'])

/** The headers that the client receives. Others may bind a browser to something for the whole of this server. */
const RESPONSE_HEADERS = words(
  'accept-patch accept-ranges age cache-control content-disposition content-encoding content-length content-range content-type ' +
    'etag expires last-modified location pragma retry-after',
)

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '))
}

export class WebcamProxy {
  readonly #target: URL
  readonly #path: string
  readonly #streams = new OpenStreams()

  /**
   * `target` is the streamer's address, without user and password; `path` is the one at which clients reach it, below the
   * route prefix, with a slash at its end.
   */
  constructor(target: URL, path: string) {
    this.#target = target
    this.#path = path
  }

  /** Passes a request on. Rejects with ApiError 502 if the streamer does not answer, 503 if too many are open. */
  async handle({ req, res, rest, prefix, caller, stopping }: RawRequest): Promise<void> {
    const target = this.#targetOf(rest, req.url ?? '')
    const release = this.#streams.add(caller)
    const abort = addAbortListener(stopping, () => res.destroy())
    res.once('close', () => {
      release()
      abort[Symbol.dispose]()
    })
    const answer = await send(target, req, res)
    const { location } = answer.headers
    if (location !== undefined) {
      const own = this.#locationOf(location, target, prefix)
      if (own === undefined) delete answer.headers.location
      else answer.headers.location = own
    }
    passOn(answer, res)
  }

  /** Connects a WebSocket with the streamer's. Rejects as `handle` does, and if the streamer opens no WebSocket. */
  async connect({ req, socket, head, rest, caller }: SocketRequest): Promise<void> {
    const target = this.#targetOf(rest, req.url ?? '')
    socket.once('close', this.#streams.add(caller))
    const [answer, streamer] = await openSocket(target, req, socket)
    socket.write(handshakeText(answer))
    streamer.write(head)
    join(socket as Socket, streamer)
  }

  /** The path of the streamer's address, with a slash at its end. */
  get #base(): string {
    const { pathname } = this.#target
    return pathname.endsWith('/') ? pathname : `${pathname}/`
  }

  /**
   * An address that the streamer names, such as that of a WHEP session, as the client reaches it. Outside of the camera it
   * is absolute: a bare path would lead a client to our own API, with its credentials.
   */
  #locationOf(named: string, requested: URL, prefix: string): string | undefined {
    const base = this.#base
    const url = URL.parse(named, requested.href)
    if (url === null || !/^https?:$/.test(url.protocol)) return undefined
    if (url.origin !== this.#target.origin || !url.pathname.startsWith(base)) return url.href
    return prefix + this.#path + url.pathname.slice(base.length) + url.search
  }

  #targetOf(rest: string, url: string): URL {
    const base = this.#base
    const target = new URL(this.#target)
    target.pathname = base + rest.split('/').map(encodeURIComponent).join('/')
    if (!target.pathname.startsWith(base)) throw new ApiError(404, 'Not Found')
    target.search = passedQuery(url)
    return target
  }
}

/** Unchanged otherwise: streamers distinguish a bare `?snapshot` from `?snapshot=`. */
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

/** Opens a request to the streamer that ends with `client`. */
async function openRequest(
  target: URL,
  method: string | undefined,
  headers: IncomingHttpHeaders,
  client: Duplex | ServerResponse,
): Promise<ClientRequest> {
  const { request } = target.protocol === 'https:' ? await import('node:https') : await import('node:http')
  const outgoing = request(target, { method, headers, agent: false, timeout: SILENCE_MS })
  outgoing.on('timeout', () => outgoing.destroy(new Error('no data for too long')))
  client.on('close', () => outgoing.destroy())
  if (client.destroyed) outgoing.destroy()
  return outgoing
}

/** Sends the request, and waits for the start of the response. */
async function send(target: URL, req: IncomingMessage, res: ServerResponse): Promise<IncomingMessage> {
  const hasBody = VERBS_WITH_BODY.has(req.method)
  const headers = chosen(req.headers, REQUEST_HEADERS)
  if (!hasBody) delete headers['content-length']
  const outgoing = await openRequest(target, req.method, headers, res)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  outgoing.on('response', resolve)
  outgoing.on('error', cause => reject(noAnswer(cause)))
  // A response that changes the protocol ends without an error.
  outgoing.on('close', () => reject(noAnswer(new Error('it closed the connection'))))
  // The body of any other request has no frame there: the streamer would take it for another request.
  if (hasBody) req.pipe(outgoing)
  else outgoing.end()
  return promise
}

/** Opens a WebSocket of the streamer for `client`, which has requested one. */
async function openSocket(
  target: URL,
  { headers: received }: IncomingMessage,
  client: Duplex,
): Promise<[IncomingMessage, Socket]> {
  const headers = {
    ...chosen(received, REQUEST_HEADERS),
    ...chosen(received, HANDSHAKE_HEADERS),
    connection: 'Upgrade',
    upgrade: 'websocket',
  }
  const outgoing = await openRequest(target, 'GET', headers, client)
  const { promise, resolve, reject } = Promise.withResolvers<[IncomingMessage, Socket]>()
  outgoing.on('upgrade', (answer, socket, head) => {
    if (head.length > 0) socket.unshift(head)
    if (client.destroyed) socket.destroy()
    resolve([answer, socket as Socket])
  })
  outgoing.on('response', ({ statusCode }) => {
    outgoing.destroy()
    reject(new ApiError(502, `The camera's streamer opens no WebSocket here: status ${statusCode}`))
  })
  outgoing.on('error', cause => reject(noAnswer(cause)))
  outgoing.on('close', () => reject(noAnswer(new Error('it closed the connection'))))
  outgoing.end()
  return promise
}

function noAnswer(cause: Error): ApiError {
  return new ApiError(502, "The camera's streamer does not answer", { cause })
}

/** The response that opens the WebSocket, with the streamer's part of the handshake. */
function handshakeText({ headers }: IncomingMessage): string {
  const lines = Object.entries(chosen(headers, HANDSHAKE_HEADERS)).map(
    ([name, value]) => `${name}: ${String(value)}`,
  )
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    ...lines,
    '',
    '',
  ].join('\r\n')
}

/** Passes bytes on in both directions; the end of one connection is the end of the other. */
function join(client: Socket, streamer: Socket): void {
  for (const [socket, other] of [
    [client, streamer],
    [streamer, client],
  ] as const) {
    socket.setTimeout(0)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => other.destroy())
    socket.pipe(other)
  }
}

/**
 * Sends the response. A page of the streamer's must not act as one of ours: it gets an origin of its own. Throws
 * ApiError 502 for a status that HTTP does not know.
 */
function passOn(answer: IncomingMessage, res: ServerResponse): void {
  const { statusCode = 0, headers } = answer
  if (statusCode < 200) throw new ApiError(502, `The camera's streamer answers with status ${statusCode}`)
  for (const [name, value = ''] of Object.entries(chosen(headers, RESPONSE_HEADERS)))
    res.setHeader(name, value)
  // A page of another allowed site reads the address of its session.
  if (headers.location !== undefined) res.setHeader('Access-Control-Expose-Headers', 'Location, ETag')
  res.setHeader('Content-Security-Policy', 'sandbox allow-scripts allow-forms')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  // The streamer has answered before the end of the request: nothing reads the rest.
  if (!res.req.complete) res.setHeader('Connection', 'close')
  res.writeHead(statusCode)
  // If one side ends early, so does the other.
  pipeline(answer, res, () => undefined)
}
