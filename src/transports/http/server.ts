// The HTTP of one printer: requests to the API, upgrades to the WebSockets.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { ApiError } from '../../core/errors.ts'
import type { KlippyLink } from '../../klippy/link.ts'
import type { Connections } from '../../rpc/connections.ts'
import type { Registry } from '../../rpc/registry.ts'
import { demandRole, type User } from '../../rpc/user.ts'
import { type Bridge, bridge } from '../klippy-bridge.ts'
import type { WebSocketTransport } from '../websocket.ts'
import type { HttpApi } from './api.ts'
import { type Authenticator, refuseCrossSite } from './authenticator.ts'
import type { HttpHandler } from './listener.ts'
import { isSocketPath, SOCKET_PATHS } from './socket-paths.ts'
import { SocketRoutes } from './socket-routes.ts'

/** What HTTP is served from. */
export interface HttpServerParts {
  readonly api: HttpApi
  readonly registry: Registry
  readonly authenticator: Authenticator
  readonly websockets: WebSocketTransport
  readonly connections: Connections
  readonly link: KlippyLink
  readonly routePrefix: string
  readonly maxWebsockets: number
}

export class HttpServer implements HttpHandler {
  readonly #parts: HttpServerParts
  readonly #bridges = new Map<Bridge, User>()
  readonly #routes: SocketRoutes

  constructor(parts: HttpServerParts) {
    this.#parts = parts
    this.#routes = new SocketRoutes(parts.authenticator, parts.websockets)
  }

  request(req: IncomingMessage, res: ServerResponse): void {
    this.#parts.api.handle(req, res)
  }

  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void | Promise<void> {
    const { authenticator, websockets, connections, registry, routePrefix, maxWebsockets } = this.#parts
    const [path = '', search = ''] = (req.url ?? '').split('?', 2)
    if (!path.startsWith(routePrefix)) throw new ApiError(404, 'Not Found')
    const name = path.slice(routePrefix.length)
    const found = isSocketPath(name) ? undefined : registry.findSocket(decoded(name))
    if (!isSocketPath(name) && found === undefined) throw new ApiError(404, 'Not Found')
    const source = authenticator.inspect(req)
    refuseCrossSite(source)
    if (connections.websockets + this.#bridges.size + this.#routes.count >= maxWebsockets) {
      throw new ApiError(503, `Too many WebSockets: at most ${maxWebsockets} are allowed`)
    }
    const query = new URLSearchParams(search)
    if (found !== undefined) return this.#routes.handle(found, { req, socket, head, source, query })
    if (name === SOCKET_PATHS.jsonRpc) {
      websockets.accept(
        req,
        socket,
        head,
        source.address,
        authenticator.authenticateUpgrade(req, source, query),
      )
      return
    }
    const user = authenticator.authenticate(req, source, query, true)
    if (user === null) throw new ApiError(401, 'Unauthorized')
    demandRole({ user }, 'operator')
    this.#openBridge(req, socket, head, user)
  }

  /** Closes the bridges, and the WebSockets of components, of a user who has logged out. */
  closeBridges(username: string): void {
    this.#routes.closeOf(username)
    for (const [opened, user] of this.#bridges)
      if (user.username === username) opened.close(1008, 'Unauthorized')
  }

  #openBridge(req: IncomingMessage, socket: Duplex, head: Buffer, user: User): void {
    const { link, websockets } = this.#parts
    if (!link.connected) throw new ApiError(503, 'Klippy Host not connected')
    websockets.acceptBare(req, socket, head, ws => {
      const opened = bridge(ws, link)
      this.#bridges.set(opened, user)
      ws.on('close', () => this.#bridges.delete(opened))
    })
  }

  /** Closes the WebSockets with 1001: the server goes away. */
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
