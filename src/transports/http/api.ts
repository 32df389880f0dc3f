// HTTP requests to the API: finds what a path leads to and lets it answer.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from '../../core/errors.ts'
import { toJsonText } from '../../core/json-text.ts'
import type { Caller } from '../../rpc/caller.ts'
import { answer } from '../../rpc/json-rpc.ts'
import type { Method, RawRoute, Registry } from '../../rpc/registry.ts'
import { demandRole } from '../../rpc/user.ts'
import { collectKeys } from '../../schema/index.ts'
import { collectBody, mediaTypeOf, readArguments, readQuery } from './arguments.ts'
import { EntityTags } from './entity-tags.ts'
import { type Gate, refuseCrossSite, refusePageLoads, type Visitor } from './gate.ts'
import { allowOrigin, answerPreflight, sendError, sendJson } from './respond.ts'
import { isSocketPath } from './socket-paths.ts'

const NO_QUERY = new URLSearchParams()
const READING_VERBS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What the API is served with. */
export interface HttpApiParts {
  readonly registry: Registry
  readonly gate: Gate
  /** Comes before every path, as '/printer1'; '' for none. */
  readonly routePrefix: string
}

/** One request with what is known of it. */
interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly visitor: Visitor
  readonly path: string
  readonly query: URLSearchParams
}

export class HttpApi {
  readonly #parts: HttpApiParts
  readonly #tags = new EntityTags()

  constructor(parts: HttpApiParts) {
    this.#parts = parts
  }

  /** Answers one request, whatever happens. */
  handle(req: IncomingMessage, res: ServerResponse): void {
    const fail = (error: unknown) => {
      sendError(req, res, this.#parts.registry.failure(error, `${req.method} ${req.url?.split('?')[0]}`))
    }
    try {
      const visitor = this.#parts.gate.inspect(req)
      allowOrigin(res, visitor)
      const [path, query] = this.#target(req)
      const done = this.#answer({ req, res, visitor, path, query })
      if (done instanceof Promise) done.catch(fail)
    } catch (error) {
      fail(error)
    }
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
    const { req, res, visitor, path } = exchange
    if (req.method === 'OPTIONS') return answerPreflight(req, res, visitor)
    if (path === '/server/jsonrpc') return this.#answerRpc(exchange)
    const found = this.#parts.registry.find(path)
    if (found === undefined) throw missing(path)
    if (found.kind === 'raw') return this.#answerRaw(exchange, found.route, found.rest)
    const method = found.byVerb.get(req.method ?? '')
    if (method === undefined) throw new ApiError(405, 'Method Not Allowed')
    return this.#answerMethod(exchange, method)
  }

  #caller({ req, visitor, query }: Exchange): Caller {
    const user = this.#parts.gate.authenticate(req, visitor, query)
    return { transport: 'http', address: visitor.address, user, connection: null }
  }

  #answerMethod(exchange: Exchange, method: Method): void | Promise<void> {
    const { req, res, visitor, query } = exchange
    if (method.endpoint.changes) refuseCrossSite(visitor)
    if (method.endpoint.changes && req.method === 'GET') refusePageLoads(req)
    const { auth, role, passThrough, params: declared } = method.endpoint
    const caller = auth ? this.#caller(exchange) : this.#callerOrStranger(exchange)
    if (auth) demandRole(caller, role)
    const run = (args: Record<string, unknown>): void | Promise<void> => {
      // The registry reads declared arguments; for those that go to Klippy unchanged, keys are of HTTP only.
      const params = passThrough ? collectKeys(declared, args) : args
      const result = this.#parts.registry.invoke(method, params, caller)
      const send = (value: unknown) => sendJson(req, res, `{"result":${toJsonText(value)}}`, this.#tags)
      return result instanceof Promise ? result.then(send) : send(result)
    }
    return hasBody(req) ? readArguments(req, query).then(run) : run(readQuery(query))
  }

  #answerRaw(exchange: Exchange, route: RawRoute, rest: string): void | Promise<void> {
    const { req, res, visitor, query } = exchange
    if (!route.verbs.includes(req.method ?? '')) throw new ApiError(405, 'Method Not Allowed')
    const isReading = READING_VERBS.has(req.method ?? '')
    if (!isReading) refuseCrossSite(visitor)
    const open = isReading && route.open?.(rest) === true
    const caller = open ? this.#callerOrStranger(exchange) : this.#caller(exchange)
    if (!open) demandRole(caller, route.role ?? (isReading ? 'viewer' : 'operator'))
    return route.handle({
      req,
      res,
      rest,
      query,
      caller,
      readArguments: maxBytes => readArguments(req, query, maxBytes),
      sendJson: (value, status) => sendJson(req, res, toJsonText(value), this.#tags, status),
    })
  }

  /** Where everyone may ask, wrong credentials only make a stranger. */
  #callerOrStranger(exchange: Exchange): Caller {
    try {
      return this.#caller(exchange)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { transport: 'http', address: exchange.visitor.address, user: null, connection: null }
    }
  }

  /** API document, "JSON-RPC over HTTP": the status is always 200, notifications get an empty body. */
  async #answerRpc(exchange: Exchange): Promise<void> {
    const { req, res, visitor } = exchange
    if (req.method !== 'POST') throw new ApiError(405, 'Method Not Allowed')
    refuseCrossSite(visitor)
    if (mediaTypeOf(req) !== 'application/json') throw new ApiError(400, 'Bad Request')
    const caller = this.#callerOrStranger(exchange)
    const body = await collectBody(req)
    const reply = await answer(this.#parts.registry, body.toString(), caller)
    sendJson(req, res, reply ?? '', this.#tags)
  }
}

/** What nothing is served at: an address for WebSockets is told as such. */
function missing(path: string): ApiError {
  return isSocketPath(path)
    ? new ApiError(400, 'This address is for WebSockets: connect to it with a WebSocket client')
    : new ApiError(404, 'Not Found')
}

function hasBody(req: IncomingMessage): boolean {
  const { headers } = req
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
