// WebSockets of components: checks the caller, passes the request on, and ends what is open at a stop or a logout.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { ApiError } from '../../core/errors.ts'
import type { Registry, SocketRoute } from '../../rpc/registry.ts'
import { demandRole, type User } from '../../rpc/user.ts'
import type { WebSocketTransport } from '../websocket.ts'
import type { Authenticator, RequestSource } from './authenticator.ts'

/** A route that was found, and the part of the path that follows it. */
export type FoundSocket = NonNullable<ReturnType<Registry['findSocket']>>

/** One upgrade request, with what the server has found out about it. */
export interface Upgrade {
  readonly req: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly source: RequestSource
  readonly query: URLSearchParams
}

export class SocketRoutes {
  readonly #authenticator: Authenticator
  readonly #websockets: WebSocketTransport
  /** Open connections; a WebSocket of the server's own is closed, any other connection is destroyed. */
  readonly #open = new Map<Duplex, { readonly user: User | null; ws: WebSocket | null }>()

  constructor(authenticator: Authenticator, websockets: WebSocketTransport) {
    this.#authenticator = authenticator
    this.#websockets = websockets
  }

  /** The number of open connections. */
  get count(): number {
    return this.#open.size
  }

  /** Passes a request to its route. Throws ApiError, or rejects with it, to refuse the request. */
  handle({ route, rest }: FoundSocket, upgrade: Upgrade): void | Promise<void> {
    const { req, socket, head, source } = upgrade
    const user = this.#userOf(route, upgrade)
    const opened: { user: User | null; ws: WebSocket | null } = { user, ws: null }
    this.#open.set(socket, opened)
    socket.once('close', () => this.#open.delete(socket))
    return route.handle({
      req,
      socket,
      head,
      rest,
      caller: { transport: 'http', address: source.address, user, connection: null },
      accept: take =>
        this.#websockets.acceptBare(req, socket, head, ws => {
          opened.ws = ws
          take(ws)
        }),
    })
  }

  #userOf(route: SocketRoute, { req, source, query }: Upgrade): User | null {
    if (route.open) return this.#authenticator.authenticateUpgrade(req, source, query)
    const user = this.#authenticator.authenticate(req, source, query, true)
    if (user === null) throw new ApiError(401, 'Unauthorized')
    demandRole({ user }, 'viewer')
    return user
  }

  /** Ends the connections of a user who has logged out. */
  closeOf(username: string): void {
    for (const [socket, { user, ws }] of this.#open) {
      if (user?.username === username) end(socket, ws, 1008, 'Unauthorized')
    }
  }

  /** Ends all connections: the server goes away. */
  close(): void {
    for (const [socket, { ws }] of this.#open) end(socket, ws, 1001, 'Server is shutting down')
  }

  /** Ends all connections at once, without a close frame. */
  terminate(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }
}

function end(socket: Duplex, ws: WebSocket | null, code: number, reason: string): void {
  if (ws === null) socket.destroy()
  else ws.close(code, reason)
}
