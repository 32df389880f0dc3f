// HTTP requests to the API: finds the endpoint of a path, checks the caller and dispatches to the handler.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import { toJsonText } from '../../core/json-text.ts'
import type { Caller } from '../../rpc/caller.ts'
import { answer } from '../../rpc/json-rpc.ts'
import type { Method, RawRoute, Registry } from '../../rpc/registry.ts'
import type { RequestMeter } from '../../rpc/request-meter.ts'
import { demandRole, type User } from '../../rpc/user.ts'
import { collectKeys } from '../../schema/index.ts'
import type { Backlog } from '../backlog.ts'
import type { Admission } from './admission.ts'
import { readArguments, readQuery } from './arguments.ts'
import { type Authenticator, type RequestSource, refuseCrossSite, refusePageLoads } from './authenticator.ts'
import { BodyReader, hasBody, mediaTypeOf, textOf, UNAUTHENTICATED_BODY, USER_BODY } from './body.ts'
import { allowOrigin, answerPreflight, JsonReplies, sendError } from './respond.ts'
import { isSocketPath } from './socket-paths.ts'

const NO_QUERY = new URLSearchParams()
const READING_VERBS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What HTTP requests need of the server. */
export interface HttpApiParts {
  readonly registry: Registry
  readonly authenticator: Authenticator
  readonly admission: Admission
  readonly clock: Clock
  readonly backlog: Backlog
  /** The start of every path, such as '/printer1'; '' for none. */
  readonly routePrefix: string
}

/** One request, with what the server has found out about it. */
interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly source: RequestSource
  readonly path: string
  readonly query: URLSearchParams
}

export class HttpApi {
  readonly #parts: HttpApiParts
  readonly #bodies: BodyReader
  readonly #replies: JsonReplies
  readonly #stopping = new AbortController()

  constructor(parts: HttpApiParts) {
    this.#parts = parts
    this.#bodies = new BodyReader(parts.clock)
    this.#replies = new JsonReplies(parts.backlog)
  }

  /** Answers one request; every error becomes a reply. Returns a promise if the reply comes later. */
  handle(req: IncomingMessage, res: ServerResponse): void | Promise<void> {
    const { meter } = this.#parts.registry
    if (meter !== null) measure(meter, res)
    try {
      const source = this.#parts.authenticator.inspect(req)
      allowOrigin(res, source)
      const [path, query] = this.#target(req)
      const done = this.#answer({ req, res, source, path, query })
      return done instanceof Promise ? done.catch(error => this.#fail(req, res, error)) : undefined
    } catch (error) {
      this.#fail(req, res, error)
    }
  }

  #fail(req: IncomingMessage, res: ServerResponse, error: unknown): void {
    sendError(req, res, this.#parts.registry.failure(error, `${req.method} ${req.url?.split('?')[0]}`))
  }

  /** The server stops: ends responses that have no end of their own. */
  stop(): void {
    this.#stopping.abort()
  }

  /** The decoded path below the prefix, and the query. */
  #target(req: IncomingMessage): [string, URLSearchParams] {
    const url = req.url ?? '/'
    const mark = url.indexOf('?')
    const query = mark === -1 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1))
    let path = mark === -1 ? url : url.slice(0, mark)
    const { routePrefix } = this.#parts
    if (routePrefix !== '') {
      if (path !== routePrefix && !path.startsWith(`${routePrefix}/`)) throw new ApiError(404, 'Not Found')
      path = path.slice(routePrefix.length) || '/'
    }
    if (!path.includes('%')) return [path, query]
    try {
      return [decodeURIComponent(path), query]
    } catch {
      throw new ApiError(400, 'The path is not valid percent-encoding')
    }
  }

  #answer(exchange: Exchange): void | Promise<void> {
    const { req, res, source, path } = exchange
    if (req.method === 'OPTIONS') return answerPreflight(req, res, source)
    if (path === '/server/jsonrpc') return this.#answerRpc(exchange)
    const found = this.#parts.registry.find(path)
    if (found === undefined) throw missing(path)
    if (found.kind === 'raw') return this.#answerRaw(exchange, found.route, found.rest)
    const method = found.byVerb.get(req.method ?? '')
    if (method === undefined) throw new ApiError(405, 'Method Not Allowed')
    return this.#answerMethod(exchange, method, found.args)
  }

  #caller(exchange: Exchange): Caller {
    const { req, source, query } = exchange
    return this.#callerOf(exchange, this.#parts.authenticator.authenticate(req, source, query))
  }

  #callerOf({ req, res, source: { address } }: Exchange, user: User | null): Caller {
    if (user === null) this.#parts.admission.unauthenticated(req.socket, res, address)
    else this.#parts.admission.release(req.socket)
    return { transport: 'http', address, user, connection: null }
  }

  /** `inPath` are arguments that override all others. */
  #answerMethod(
    exchange: Exchange,
    method: Method,
    inPath?: Readonly<Record<string, string>>,
  ): void | Promise<void> {
    const { req, res, source, query } = exchange
    if (method.endpoint.changes) refuseCrossSite(source)
    if (method.endpoint.changes && req.method === 'GET') refusePageLoads(req)
    const { auth, role, passThrough, params: declared } = method.endpoint
    const caller = auth ? this.#caller(exchange) : this.#callerOrUnauthenticated(exchange)
    // Before the body arrives: the server does not read what a client may not send. The registry checks the role again,
    // for all transports.
    if (auth) demandRole(caller, role)
    const run = (given: Record<string, unknown>): void | Promise<void> => {
      const args = inPath === undefined ? given : { ...given, ...inPath }
      // The registry reads declared arguments; for those that go to Klippy unchanged, keys are of HTTP only.
      const params = passThrough ? collectKeys(declared, args) : args
      const result = this.#parts.registry.invoke(method, params, caller)
      const send = (value: unknown) => this.#replies.send(req, res, `{"result":${toJsonText(value)}}`)
      return result instanceof Promise ? result.then(send) : send(result)
    }
    return hasBody(req) ? this.#readArguments(exchange, caller).then(run) : run(readQuery(query))
  }

  #answerRaw(exchange: Exchange, route: RawRoute, rest: string): void | Promise<void> {
    const { req, res, source, query } = exchange
    if (!route.verbs.includes(req.method ?? '')) throw new ApiError(405, 'Method Not Allowed')
    const isReading = READING_VERBS.has(req.method ?? '')
    if (!isReading) refuseCrossSite(source)
    const caller = this.#callerOfRaw(exchange, route, isReading && route.open?.(rest) === true)
    return route.handle({
      req,
      res,
      rest,
      query,
      prefix: this.#parts.routePrefix,
      registry: this.#parts.registry,
      caller,
      readArguments: maxBytes => this.#readArguments(exchange, caller, maxBytes),
      sendJson: (value, status) => this.#replies.send(req, res, toJsonText(value), status),
      stopping: this.#stopping.signal,
    })
  }

  /** The caller of a raw route. Throws ApiError 401 or 403 where the route is not `open` and the caller lacks its role. */
  #callerOfRaw(exchange: Exchange, { anonymous, role }: RawRoute, open: boolean): Caller {
    if (anonymous === true) return this.#callerOf(exchange, null)
    if (open) return this.#callerOrUnauthenticated(exchange)
    const caller = this.#caller(exchange)
    demandRole(caller, role ?? (READING_VERBS.has(exchange.req.method ?? '') ? 'viewer' : 'operator'))
    return caller
  }

  /** `maxBytes` lowers the limit of users. */
  async #readArguments({ req, query }: Exchange, caller: Caller, maxBytes = USER_BODY.maxBytes) {
    return readArguments(req, query, await this.#readBody(req, caller, maxBytes))
  }

  #readBody(req: IncomingMessage, { user }: Caller, maxBytes = USER_BODY.maxBytes): Promise<Buffer> {
    return this.#bodies.read(req, user === null ? UNAUTHENTICATED_BODY : { ...USER_BODY, maxBytes })
  }

  /** For endpoints without authentication: wrong credentials count as none. */
  #callerOrUnauthenticated(exchange: Exchange): Caller {
    try {
      return this.#caller(exchange)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return this.#callerOf(exchange, null)
    }
  }

  /** API document, "JSON-RPC over HTTP": the status is always 200, notifications get an empty body. */
  async #answerRpc(exchange: Exchange): Promise<void> {
    const { req, res, source } = exchange
    if (req.method !== 'POST') throw new ApiError(405, 'Method Not Allowed')
    refuseCrossSite(source)
    if (mediaTypeOf(req) !== 'application/json') throw new ApiError(400, 'Bad Request')
    const caller = this.#callerOrUnauthenticated(exchange)
    const body = await this.#readBody(req, caller)
    const reply = await answer(this.#parts.registry, textOf(body), caller)
    this.#replies.send(req, res, reply ?? '')
  }
}

/** The status of a request whose client disconnected before the reply; nginx's number for it. */
const CLIENT_CLOSED = 499

/** Gives the meter the time and the status of the request once its reply has ended. */
function measure(meter: RequestMeter, res: ServerResponse): void {
  const start = performance.now()
  res.once('close', () => {
    const code = res.headersSent ? res.statusCode : CLIENT_CLOSED
    meter.add('http', code, (performance.now() - start) / 1000)
  })
}

/** The error for a path that serves nothing over HTTP. */
function missing(path: string): ApiError {
  return isSocketPath(path)
    ? new ApiError(400, 'This address is for WebSockets: connect to it with a WebSocket client')
    : new ApiError(404, 'Not Found')
}
