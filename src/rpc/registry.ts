// The registry of all methods that the server offers, on every transport.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Chapter, Heading } from '../api/chapter.ts'
import type { Endpoint, Methods, ParamsOf, ResultOf, Role, Route } from '../api/endpoint.ts'
import { ApiError, messageOf } from '../core/errors.ts'
import type { Registration } from '../core/scope.ts'
import { collectKeys, Invalid, isPlainObject, Missing, readShape } from '../schema/index.ts'
import type { Caller } from './caller.ts'
import { measured, type RequestMeter } from './request-meter.ts'
import { longestPrefix, matchParts } from './route-paths.ts'
import { demandRole, type User } from './user.ts'

/**
 * The handlers of a chapter: one for every method of it, with its types. `registry` is the one that was called: all that
 * the caller can reach.
 */
export type Handlers<M extends Methods> = {
  [N in keyof M]: (
    params: ParamsOf<M[N]>,
    caller: Caller,
    registry: Registry,
  ) => ResultOf<M[N]> | Promise<ResultOf<M[N]>>
}

/** A method that is being served. */
export interface Method {
  readonly name: string
  readonly endpoint: Endpoint
  /** The chapter that declares it. */
  readonly heading: Heading
  readonly handle: (params: never, caller: Caller, registry: Registry) => unknown
}

/** An HTTP request to a raw route, which sends the response itself. */
export interface RawRequest {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** What follows the route's prefix, decoded; '' for an exact route. */
  readonly rest: string
  readonly query: URLSearchParams
  /** What comes before the route in the path that the client requested, as '/printer1'; '' for nothing. */
  readonly prefix: string
  /** Everything that the client can reach at the same place. */
  readonly registry: Registry
  readonly caller: Caller
  /** All arguments, those of the body before those of the query. Rejects with ApiError 400 or 413. */
  readonly readArguments: (maxBytes?: number) => Promise<Record<string, unknown>>
  /** Answers JSON, a GET with an ETag; `status` is 200 by default. */
  readonly sendJson: (value: unknown, status?: number) => void
  /** Aborts when the server stops. A handler with an endless response must end it then. */
  readonly stopping: AbortSignal
}

/** An HTTP route that is not an endpoint: uploads, downloads, pages. */
export interface RawRoute {
  readonly verbs: readonly string[]
  /** A path; one that ends in '/' serves everything below it. */
  readonly path: string
  /** Whether a caller without a user may read `rest`. */
  readonly open?: (rest: string) => boolean
  /** Reads no credentials and checks no host name: every caller counts as unauthenticated. For probes; only with GET. */
  readonly anonymous?: boolean
  /** The role that a caller needs; by default an operator, except for GET and HEAD. */
  readonly role?: Role
  readonly handle: (request: RawRequest) => void | Promise<void>
}

/** What a component does with its WebSocket. An error in `message` ends this connection and no other. */
export interface SocketListener {
  readonly message: (text: string) => void
  readonly closed: () => void
}

/** A request to open a WebSocket at a socket route. */
export interface SocketRequest {
  readonly req: IncomingMessage
  /** The connection; the server destroys it when it stops, unless `accept` was called. */
  readonly socket: Duplex
  /** Bytes that the client sent after the request. */
  readonly head: Buffer
  /** What follows the route's prefix, decoded; '' for an exact route. */
  readonly rest: string
  readonly caller: Caller
  /** The client has shown that it is `user`, after the upgrade. */
  readonly identified: (user: User) => void
  /**
   * Opens the WebSocket, for messages of at most 64 KiB from the client. The server pings it, and closes it when it stops
   * and when its user logs out.
   */
  readonly accept: (take: (ws: WebSocket) => SocketListener) => void
}

/** A WebSocket of a component. */
export interface SocketRoute {
  /** A path; one that ends in '/' serves everything below it. */
  readonly path: string
  /** Whether a caller without a user may connect; others need the role viewer. */
  readonly open?: boolean
  /** Accepts the WebSocket, or uses the connection itself. An ApiError refuses the request. */
  readonly handle: (request: SocketRequest) => void | Promise<void>
}

/** The target of an HTTP path. */
export type Found =
  | {
      readonly kind: 'methods'
      readonly byVerb: Map<string, Method>
      /** The arguments that are part of the path. */
      readonly args?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'raw'; readonly route: RawRoute; readonly rest: string }

/** The options of a registry. */
export interface RegistryOptions {
  /** Receives each result of a method; the tests compare it with the declared one. */
  readonly observe?: (method: Method, result: unknown) => void
  /** Receives each error that no handler intended for the caller. */
  readonly onError?: (method: string, error: unknown) => void
  /** Sends the caller the text of such an error. For developers: it may contain paths of the host. */
  readonly debug?: boolean
  /** What this registry does not serve, that one does. */
  readonly base?: Registry
}

/** The system's codes for the limits of open files, of the process and of the machine: connections count too. */
const OUT_OF_FILES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE'])

export class Registry {
  readonly #methods = new Map<string, Method>()
  readonly #routes = new Map<string, Found & { kind: 'methods' }>()
  /** The routes with arguments in their paths, as `/fleet/printers/{id}`, in their parts. */
  readonly #templates = new Map<string, readonly string[]>()
  readonly #exact = new Map<string, RawRoute>()
  readonly #prefixes = new Map<string, RawRoute>()
  readonly #sockets = new Map<string, SocketRoute>()
  #rest: RawRoute | null = null
  #meter: RequestMeter | null = null
  readonly #options: RegistryOptions
  readonly #base: Registry | null

  constructor(options: RegistryOptions = {}) {
    this.#options = options
    this.#base = options.base ?? null
  }

  /** Serves every method of a chapter. */
  serve<M extends Methods>(chapter: Chapter<M>, handlers: Handlers<M>): Registration {
    const added = Object.entries(chapter.methods).map(([name, endpoint]) => {
      const handle = handlers[name as keyof M] as unknown as Method['handle']
      return this.#add({ name, endpoint, heading: chapter, handle })
    })
    return {
      remove: () => {
        for (const registration of added) registration.remove()
      },
    }
  }

  #add(method: Method): Registration {
    const { name, endpoint } = method
    if (this.#methods.has(name)) throw new Error(`${name} is already served`)
    this.#methods.set(name, method)
    for (const route of endpoint.routes) this.#addRoute(route, method)
    return {
      remove: () => {
        this.#methods.delete(name)
        for (const { verb, path } of endpoint.routes) this.#routes.get(path)?.byVerb.delete(verb)
      },
    }
  }

  #addRoute({ verb, path }: Route, method: Method): void {
    const found = this.#routes.get(path) ?? { kind: 'methods', byVerb: new Map<string, Method>() }
    if (found.byVerb.has(verb)) throw new Error(`${verb} ${path} is already served`)
    found.byVerb.set(verb, method)
    this.#routes.set(path, found)
    if (path.includes('{')) this.#templates.set(path, path.split('/'))
  }

  /** Serves a raw HTTP route. Of several prefixes the longest wins. */
  serveRaw(route: RawRoute): Registration {
    const table = route.path.endsWith('/') && route.path !== '/' ? this.#prefixes : this.#exact
    if (table.has(route.path)) throw new Error(`${route.path} is already served`)
    table.set(route.path, route)
    return { remove: () => void table.delete(route.path) }
  }

  /** Serves WebSockets at a path. Of several prefixes the longest wins. */
  serveSocket(route: SocketRoute): Registration {
    if (this.#sockets.has(route.path)) throw new Error(`the WebSocket ${route.path} is already served`)
    this.#sockets.set(route.path, route)
    return { remove: () => void this.#sockets.delete(route.path) }
  }

  /** Serves what no other route answers, outside the folders of the API: the pages of a front-end. */
  serveRest(route: Omit<RawRoute, 'path'>): Registration {
    if (this.#rest !== null) throw new Error('/ is already served')
    this.#rest = { ...route, path: '/' }
    return {
      remove: () => {
        this.#rest = null
      },
    }
  }

  /** Whether `serveRest` serves the other paths, and with them '/'. */
  get servesRest(): boolean {
    return this.#rest !== null
  }

  has(name: string): boolean {
    return this.#method(name) !== undefined
  }

  /** Whether a method only reads. False for one that is not served. */
  reads(name: string): boolean {
    return this.#method(name)?.endpoint.changes === false
  }

  #method(name: string): Method | undefined {
    return this.#methods.get(name) ?? (this.#base === null ? undefined : this.#base.#method(name))
  }

  /** All methods, in order of registration; those of the base first. */
  *methods(): Iterable<Method> {
    if (this.#base !== null) yield* this.#base.methods()
    yield* this.#methods.values()
  }

  /** The target of `path` (decoded, without query), if any. */
  find(path: string): Found | undefined {
    const found = this.#findRoute(path)
    if (found !== undefined) return found
    const rest = this.#restRoute()
    if (rest === null || this.#isOfApi(path)) return undefined
    return { kind: 'raw', route: rest, rest: path.slice(1) }
  }

  #findRoute(path: string): Found | undefined {
    const methods = this.#routes.get(path)
    if (methods !== undefined && methods.byVerb.size > 0) return methods
    const exact = this.#exact.get(path)
    if (exact !== undefined) return { kind: 'raw', route: exact, rest: '' }
    const below = longestPrefix(this.#prefixes, path)
    if (below !== undefined) return { kind: 'raw', ...below }
    const templated = this.#templates.size === 0 ? undefined : this.#findTemplate(path)
    if (templated !== undefined) return templated
    return this.#base === null ? undefined : this.#base.#findRoute(path)
  }

  #restRoute(): RawRoute | null {
    return this.#rest ?? (this.#base === null ? null : this.#base.#restRoute())
  }

  /** The methods whose path has arguments in the places where `path` has their values. */
  #findTemplate(path: string): Found | undefined {
    const parts = path.split('/')
    for (const [template, wanted] of this.#templates) {
      const found = this.#routes.get(template)
      if (found === undefined || found.byVerb.size === 0 || wanted.length !== parts.length) continue
      const args = matchParts(wanted, parts)
      if (args !== undefined) return { ...found, args }
    }
    return undefined
  }

  /** The route that serves WebSockets at `path` (decoded, without query), if any. */
  findSocket(path: string): { readonly route: SocketRoute; readonly rest: string } | undefined {
    const exact = this.#sockets.get(path)
    if (exact !== undefined) return { route: exact, rest: '' }
    return longestPrefix(this.#sockets, path) ?? this.#base?.findSocket(path)
  }

  /** Whether any method has the same first folder; a missing path below it is an error 404. */
  #isOfApi(path: string): boolean {
    const top = `${path.split('/', 2).join('/')}/`
    for (const route of this.#routes.keys()) if (route.startsWith(top)) return true
    if (this.#base === null) return false
    return this.#base.#isOfApi(path)
  }

  /** Measures all requests from now on; without a meter no time is taken. */
  measure(meter: RequestMeter): Registration {
    this.#meter = meter
    return {
      remove: () => {
        this.#meter = null
      },
    }
  }

  /** For transports with requests that are not calls of methods. */
  get meter(): RequestMeter | null {
    return this.#meter ?? this.#base?.meter ?? null
  }

  /**
   * Calls a method by name. Answers at once, without a promise, when the handler does.
   * Throws ApiError: 404 for an unknown method or transport, 401 without a user, 403 for a user whose role is not
   * enough, 400 for bad arguments.
   */
  call(name: string, params: unknown, caller: Caller): unknown {
    const { meter } = this
    // HTTP measures whole requests; calls of components among themselves are none.
    if (meter === null || caller.transport === 'http' || caller.transport === 'internal') {
      return this.#call(name, params, caller)
    }
    return measured(meter, caller.transport, () => this.#call(name, params, caller))
  }

  #call(name: string, params: unknown, caller: Caller): unknown {
    const method = this.#method(name)
    if (method === undefined) throw new ApiError(404, 'Method not found')
    if (method.endpoint.subscribes && caller.transport === 'http') {
      throw new ApiError(404, 'Subscriptions not available for HTTP transport')
    }
    return this.invoke(method, params, caller)
  }

  /** Calls a method that was found by its route. */
  invoke(method: Method, params: unknown, caller: Caller): unknown {
    const { endpoint } = method
    if (!endpoint.transports.includes(caller.transport)) {
      throw new ApiError(404, `Method not found for transport ${caller.transport.toUpperCase()}`)
    }
    if (endpoint.auth) demandRole(caller, endpoint.role)
    const result = method.handle(readParams(endpoint, params) as never, caller, this)
    const { observe } = this.#options
    if (observe === undefined) return result
    const observed = (value: unknown) => {
      observe(method, value)
      return value
    }
    return result instanceof Promise ? result.then(observed) : observed(result)
  }

  /** The error that the caller of `method` gets; one that is not intended for callers is reported and hidden. */
  failure(error: unknown, method: string): ApiError {
    if (error instanceof ApiError) return error
    this.#options.onError?.(method, error)
    if (OUT_OF_FILES.has((error as NodeJS.ErrnoException | null)?.code ?? '')) {
      return new ApiError(503, 'The server has too many files open, try again later', { cause: error })
    }
    return new ApiError(500, this.#options.debug ? messageOf(error) : 'Internal Server Error', {
      cause: error,
    })
  }
}

function readParams(endpoint: Endpoint, params: unknown): unknown {
  if (endpoint.passThrough) return params ?? {}
  try {
    return readShape(endpoint.params, isPlainObject(params) ? collectKeys(endpoint.params, params) : params)
  } catch (error) {
    throw error instanceof Invalid ? new ApiError(400, describe(error, endpoint), { cause: error }) : error
  }
}

/** The original's wording of argument errors, which clients show as it is. */
function describe(error: Invalid, { params }: Endpoint): string {
  if (error instanceof Missing && params[error.path]?.keyed === 'always') return 'No arguments provided'
  if (error instanceof Missing) return `No data for argument: ${error.path}`
  const received = typeof error.received === 'string' ? error.received : jsonOf(error.received)
  const shown = received.length > 100 ? `${received.slice(0, 100)}…` : received
  return `Unable to convert argument [${error.path}] to ${error.problem}: value received: ${shown}`
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return '(nested too deeply)'
  }
}
