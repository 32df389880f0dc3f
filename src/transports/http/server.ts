// The HTTP of one printer: requests to the API, upgrades to the WebSockets.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import type { KlippyLink } from '../../klippy/link.ts'
import type { Connections } from '../../rpc/connections.ts'
import type { Registry } from '../../rpc/registry.ts'
import { demandRole, type User } from '../../rpc/user.ts'
import type { Places } from '../connection-limit.ts'
import { type Bridge, bridge } from '../klippy-bridge.ts'
import type { RequestScheduler } from '../request-scheduler.ts'
import type { WebSocketTransport } from '../websocket.ts'
import type { Admission } from './admission.ts'
import type { HttpApi } from './api.ts'
import { type Authenticator, refuseCrossSite } from './authenticator.ts'
import type { HttpHandler } from './listener.ts'
import { Pipelines } from './pipelines.ts'
import { isSocketPath, SOCKET_PATHS } from './socket-paths.ts'
import { type Closable, SocketRoutes } from './socket-routes.ts'

/** WebSockets of unauthenticated clients. Front-ends open theirs before they log in. */
const UNAUTHENTICATED: Places = { all: 25, ofAddress: 10 }

/** What the HTTP of a printer needs. */
export interface HttpServerParts {
  readonly api: HttpApi
  readonly registry: Registry
  readonly authenticator: Authenticator
  readonly admission: Admission
  readonly websockets: WebSocketTransport
  readonly connections: Connections
  readonly scheduler: RequestScheduler
  /** Null without a printer: then there is no bridge to it. */
  readonly link: KlippyLink | null
  readonly clock: Clock
  readonly routePrefix: string
  /** WebSockets of users that may be open. */
  readonly maxWebsockets: number
}

export class HttpServer implements HttpHandler {
  readonly #parts: HttpServerParts
  readonly #bridges = new Map<Bridge, User>()
  readonly #routes: SocketRoutes
  readonly #pipelines = new Pipelines()

  constructor(parts: HttpServerParts) {
    this.#parts = parts
    this.#routes = new SocketRoutes(parts.clock, (path, error) => void parts.registry.failure(error, path))
  }

  request(req: IncomingMessage, res: ServerResponse): void {
    if (this.#pipelines.isBehind(res)) this.#pipelines.hold(req, res, () => this.#wait(req, res))
    else if (this.#parts.scheduler.isFree) void this.#parts.api.handle(req, res)
    else this.#wait(req, res)
  }

  /** Handles the request when the scheduler starts it. */
  #wait(req: IncomingMessage, res: ServerResponse): void {
    const { api, scheduler } = this.#parts
    const handleNext = () => (req.socket.destroyed ? undefined : api.handle(req, res))
    scheduler.wait({ handleNext, hasNext: false })
  }

  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void | Promise<void> {
    const { authenticator, admission, websockets, registry, routePrefix } = this.#parts
    const [path = '', search = ''] = (req.url ?? '').split('?', 2)
    if (!path.startsWith(routePrefix)) throw new ApiError(404, 'Not Found')
    const name = path.slice(routePrefix.length)
    const found = isSocketPath(name) ? undefined : registry.findSocket(decoded(name))
    if (!isSocketPath(name) && found === undefined) throw new ApiError(404, 'Not Found')
    const source = authenticator.inspect(req)
    refuseCrossSite(source)
    const query = new URLSearchParams(search)
    const isOpen = name === SOCKET_PATHS.jsonRpc || found?.route.open === true
    const user = isOpen
      ? authenticator.authenticateUpgrade(req, source, query)
      : authenticator.authenticate(req, source, query, true)
    if (!isOpen) demandRole({ user }, found === undefined ? 'operator' : 'viewer')
    this.#makePlace(user, source.address)
    admission.release(socket)
    const { address } = source
    if (found !== undefined) return this.#routes.handle(found, { req, socket, head, address, user })
    if (name === SOCKET_PATHS.jsonRpc) websockets.accept(req, socket, head, address, user)
    else this.#openBridge(req, socket, head, user as User)
  }

  /**
   * Makes a place for a further WebSocket: of unauthenticated clients an older one is closed. Throws ApiError 503 when
   * users have opened all there may be; also for an unauthenticated client, which becomes a user when it logs in.
   */
  #makePlace(user: User | null, address: string): void {
    const { admission, connections, maxWebsockets } = this.#parts
    const unauthenticated: [Closable, string][] = this.#routes.unauthenticated()
    let ofUsers = this.#bridges.size + this.#routes.count - unauthenticated.length
    for (const connection of connections) {
      if (connection.transport !== 'websocket') continue
      if (connection.user !== null) ofUsers += 1
      else unauthenticated.push([connection, connection.address ?? ''])
    }
    if (ofUsers >= maxWebsockets) {
      throw new ApiError(503, `Too many WebSockets: at most ${maxWebsockets} are allowed`)
    }
    if (user !== null) return
    const dropped = admission.toDrop(unauthenticated, address, UNAUTHENTICATED)
    dropped?.close(1013, 'Too many connections of clients that are not logged in')
    dropped?.terminate()
  }

  /** Closes the bridges, and the WebSockets of components, of a user who has logged out. */
  closeBridges(username: string): void {
    this.#routes.closeOf(username)
    for (const [opened, user] of this.#bridges)
      if (user.username === username) opened.close(1008, 'Unauthorized')
  }

  #openBridge(req: IncomingMessage, socket: Duplex, head: Buffer, user: User): void {
    const { link, websockets } = this.#parts
    if (link === null) throw new ApiError(404, 'Not Found')
    if (!link.connected) throw new ApiError(503, 'Klippy Host not connected')
    websockets.acceptBare(req, socket, head, ws => {
      const opened = bridge(ws, link)
      this.#bridges.set(opened, user)
      ws.on('close', () => this.#bridges.delete(opened))
    })
  }

  /** Closes the WebSockets with 1001: the server stops. */
  close(): void {
    this.#parts.api.stop()
    this.#routes.close()
    this.#parts.connections.closeAll(1001, 'Server is shutting down')
    for (const opened of this.#bridges.keys()) opened.close(1001, 'Server is shutting down')
  }

  terminate(): void {
    this.#routes.terminate()
    this.#parts.connections.terminateAll()
    for (const opened of this.#bridges.keys()) opened.terminate()
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new ApiError(400, 'The path is not valid percent-encoding')
  }
}
