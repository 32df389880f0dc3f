// WebSockets of components: passes the request on, and ends what is open at a stop or a logout.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock } from '../../core/clock.ts'
import type { Registry, SocketListener } from '../../rpc/registry.ts'
import type { User } from '../../rpc/user.ts'
import { Heartbeat } from '../heartbeat.ts'
import { Upgrades } from '../upgrades.ts'

/** The longest message that a client may send to a component, in bytes. */
const MAX_MESSAGE = 64 * 1024

/** A route that was found, and the part of the path that follows it. */
export type FoundSocket = NonNullable<ReturnType<Registry['findSocket']>>

/** One upgrade request of a client that may open the WebSocket. */
export interface Upgrade {
  readonly req: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly address: string
  readonly user: User | null
}

/** An open connection; `ws` is null where a component answers the upgrade itself. */
interface Opened {
  readonly address: string
  user: User | null
  ws: WebSocket | null
}

export class SocketRoutes {
  readonly #heartbeat: Heartbeat
  readonly #failed: (path: string, error: unknown) => void
  readonly #upgrades = new Upgrades(MAX_MESSAGE)
  /** Oldest first. */
  readonly #open = new Map<Duplex, Opened>()

  /** `failed` receives the errors of components that handle messages. */
  constructor(clock: Clock, failed: (path: string, error: unknown) => void) {
    this.#heartbeat = new Heartbeat(clock)
    this.#failed = failed
  }

  /** The number of open connections. */
  get count(): number {
    return this.#open.size
  }

  /** The connections of unauthenticated clients with their addresses, oldest first. */
  unauthenticated(): [Closable, string][] {
    return [...this.#open]
      .filter(([, { user }]) => user === null)
      .map(([socket, { ws, address }]) => [closable(socket, ws), address])
  }

  /** Passes a request to its route. Throws ApiError, or rejects with it, to refuse the request. */
  handle({ route, rest }: FoundSocket, upgrade: Upgrade): void | Promise<void> {
    const { req, socket, head, address, user } = upgrade
    const opened: Opened = { address, user, ws: null }
    this.#open.set(socket, opened)
    socket.once('close', () => this.#open.delete(socket))
    return route.handle({
      req,
      socket,
      head,
      rest,
      caller: { transport: 'http', address, user, connection: null },
      identified: known => {
        opened.user = known
      },
      accept: take =>
        this.#upgrades.complete(req, socket, head, ws => {
          opened.ws = ws
          this.#heartbeat.add(ws)
          this.#listen(ws, route.path, take(ws))
        }),
    })
  }

  /** An error outside of all requests would end the server: it ends the connection instead. */
  #listen(ws: WebSocket, path: string, listener: SocketListener): void {
    ws.on('message', data => {
      if (ws.readyState !== ws.OPEN) return
      try {
        listener.message((data as Buffer).toString())
      } catch (error) {
        this.#failed(path, error)
        ws.close(1011, 'Internal Server Error')
      }
    })
    ws.on('error', () => ws.terminate())
    ws.once('close', () => listener.closed())
  }

  /** Ends the connections of a user who has logged out. */
  closeOf(username: string): void {
    for (const [socket, { user, ws }] of this.#open) {
      if (user?.username === username) closable(socket, ws).close(1008, 'Unauthorized')
    }
  }

  /** Ends all connections: the server stops. */
  close(): void {
    for (const [socket, { ws }] of this.#open) closable(socket, ws).close(1001, 'Server is shutting down')
  }

  /** Ends all connections at once, without a close frame. */
  terminate(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }
}

/** A connection that can be closed, with a WebSocket close code where it has one. */
export interface Closable {
  close(code: number, reason: string): void
  terminate(): void
}

/** Closes a WebSocket of the server's own; destroys any other connection. */
function closable(socket: Duplex, ws: WebSocket | null): Closable {
  return {
    close: (code, reason) => (ws === null ? void socket.destroy() : ws.close(code, reason)),
    terminate: () => void socket.destroy(),
  }
}
