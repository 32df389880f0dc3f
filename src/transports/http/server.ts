// The listening HTTP and HTTPS servers: requests to the API, upgrades to the WebSockets.
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ApiError, messageOf, StartError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Warnings } from '../../core/warnings.ts'
import type { KlippyLink } from '../../klippy/link.ts'
import type { Connections } from '../../rpc/connections.ts'
import { demandRole, type User } from '../../rpc/user.ts'
import { type Bridge, bridge } from '../klippy-bridge.ts'
import type { WebSocketTransport } from '../websocket.ts'
import type { HttpApi } from './api.ts'
import { type Authenticator, refuseCrossSite } from './authenticator.ts'
import { isSocketPath, SOCKET_PATHS } from './socket-paths.ts'

/** HTTP connections that may be open beside the WebSockets. */
const MAX_PLAIN_CONNECTIONS = 500
/** Seconds that open requests and WebSockets have to finish when the server stops. */
const CLOSE_SECONDS = 2

/** Options that older Nodes do not know and do without. */
const HTTP_OPTIONS = {
  /** Requests without a body need no stream for it. */
  optimizeEmptyRequests: true,
  /** Other offers, such as HTTP/2 without TLS, are passed over, as is right for who does not take them. */
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
}

/** Where to listen. */
export interface ListenOptions {
  /** An address, or `all` for every IPv4 and IPv6 address. */
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** HTTPS is served here, if the certificate's files exist. */
  readonly tlsPort: number
  readonly certificate: string
  readonly key: string
}

/** What HTTP is served with. */
export interface HttpServerParts {
  readonly api: HttpApi
  readonly authenticator: Authenticator
  readonly websockets: WebSocketTransport
  readonly connections: Connections
  readonly link: KlippyLink
  readonly log: Log
  readonly warnings: Warnings
  readonly routePrefix: string
  readonly maxWebsockets: number
}

export class HttpServer {
  readonly #parts: HttpServerParts
  readonly #servers: Server[] = []
  readonly #bridges = new Map<Bridge, User>()

  constructor(parts: HttpServerParts) {
    this.#parts = parts
  }

  /** Listens. Throws StartError when a port is taken or may not be used. Gives the ports in use. */
  async listen(options: ListenOptions): Promise<{ port: number; tlsPort: number | null }> {
    const { host, port, tlsPort } = options
    const handler: RequestListener = (req, res) => this.#parts.api.handle(req, res)
    const plain = this.#prepare(createServer(HTTP_OPTIONS, handler))
    const boundPort = await listenOn(plain, host, port)
    const secure = await this.#secureServer(options, handler)
    return { port: boundPort, tlsPort: secure && (await listenOn(secure, host, tlsPort)) }
  }

  /** The HTTPS server; null where there is no certificate, and with a warning where it cannot be used. */
  async #secureServer(
    { certificate: cert, key }: ListenOptions,
    handler: RequestListener,
  ): Promise<Server | null> {
    const missing = [cert, key].filter(path => !existsSync(path))
    if (missing.length === 1) {
      this.#parts.warnings.add(
        `HTTPS is off: it needs a certificate and its key, and the file ${missing[0]} is missing`,
      )
    }
    if (missing.length > 0) return null
    const { createServer: createTlsServer } = await import('node:https')
    try {
      const certificate = { cert: readFileSync(cert), key: readFileSync(key) }
      return this.#prepare(createTlsServer({ ...HTTP_OPTIONS, ...certificate }, handler))
    } catch (error) {
      this.#parts.warnings.add(
        `HTTPS is off: the certificate ${cert} or its key cannot be used: ${messageOf(error)}`,
      )
      return null
    }
  }

  #prepare<S extends Server>(server: S): S {
    // A long upload must not be cut; a client that trickles its headers must.
    server.requestTimeout = 0
    server.headersTimeout = 30_000
    server.keepAliveTimeout = 75_000
    server.on('connection', socket => this.#admit(server, socket))
    server.on('upgrade', (req, socket, head) => this.#upgrade(req, socket, head))
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      const status =
        error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
      refuse(socket, status, 'The request is not valid HTTP')
    })
    this.#servers.push(server)
    return server
  }

  #admit(server: Server, socket: Socket): void {
    server.getConnections((_error, count) => {
      if (count <= MAX_PLAIN_CONNECTIONS + this.#parts.maxWebsockets) return
      refuse(socket, '503 Service Unavailable', 'Too many connections')
    })
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', error => this.#parts.log.debug(`upgrade: ${error.message}`))
    try {
      this.#open(req, socket, head)
    } catch (error) {
      const known = error instanceof ApiError
      if (!known) this.#parts.log.error('upgrade failed', error)
      const status = known ? error.status : 500
      refuse(socket, `${status} Refused`, known ? error.message : 'Internal Server Error')
    }
  }

  #open(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { authenticator, websockets, connections, routePrefix, maxWebsockets } = this.#parts
    const [path = '', search = ''] = (req.url ?? '').split('?', 2)
    if (!path.startsWith(routePrefix)) throw new ApiError(404, 'Not Found')
    const name = path.slice(routePrefix.length)
    if (!isSocketPath(name)) throw new ApiError(404, 'Not Found')
    const source = authenticator.inspect(req)
    refuseCrossSite(source)
    if (connections.websockets + this.#bridges.size >= maxWebsockets) {
      throw new ApiError(503, `Too many WebSockets: at most ${maxWebsockets} are allowed`)
    }
    const query = new URLSearchParams(search)
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

  /** Ends the bridges of a user who is logged out. */
  closeBridges(username: string): void {
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

  /** Stops listening; WebSockets are told that the server goes away (1001), other connections end when idle. */
  async close(): Promise<void> {
    this.#parts.connections.closeAll(1001, 'Server is shutting down')
    for (const opened of this.#bridges.keys()) opened.close(1001, 'Server is shutting down')
    const force = setTimeout(() => this.#cut(), CLOSE_SECONDS * 1000)
    await Promise.all(this.#servers.map(closeServer))
    clearTimeout(force)
    this.#servers.length = 0
  }

  /** Ends all connections, whatever goes on there. */
  #cut(): void {
    this.#parts.connections.terminateAll()
    for (const opened of this.#bridges.keys()) opened.terminate()
    for (const server of this.#servers) server.closeAllConnections()
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}

/** Answers where there is no response object. `status` is a code and its reason phrase. */
function refuse(socket: Duplex, status: string, message: string): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const body = JSON.stringify({ error: { code: Number.parseInt(status, 10), message } })
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=UTF-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

function listenOn(server: Server, host: string, port: number): Promise<number> {
  const address = host === 'all' ? '::' : host
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(new StartError(listenProblem(error, address, port))))
    server.listen({ host: address, port }, () => {
      const bound = server.address()
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
    })
  })
}

function listenProblem(error: NodeJS.ErrnoException, address: string, port: number): string {
  if (error.code === 'EADDRINUSE') {
    return `port ${port} on ${address} is in use: stop the other server, or choose another 'port' in section [server]`
  }
  if (error.code === 'EACCES')
    return `port ${port} needs more rights than this user has: choose one above 1023`
  return `cannot listen on ${address}, port ${port} ('host' and 'port' in section [server]): ${error.message}`
}
