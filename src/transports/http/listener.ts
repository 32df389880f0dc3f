// The listening HTTP and HTTPS servers: ports, certificate, limits of time and size for the heads of requests. It passes
// requests on to a handler.
import { existsSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { isIPv4, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ApiError, messageOf, StartError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { readSmallFile } from '../../core/small-file.ts'
import type { Warnings } from '../../core/warnings.ts'
import { resolveTarget } from './absolute-target.ts'
import type { Admission } from './admission.ts'
import { type ParserError, RawTargets } from './raw-targets.ts'
import { refuse } from './refuse.ts'

/** Seconds that open requests and WebSockets have to finish when the server stops. */
const CLOSE_SECONDS = 2
/** Bytes of the file of a certificate with its chain, or of a key. */
const MAX_CERTIFICATE_BYTES = 256 * 1024

/** Milliseconds. An upload may take longer than any limit, so the whole request has none. */
const TIMEOUTS = {
  requestTimeout: 0,
  headersTimeout: 30_000,
  keepAliveTimeout: 75_000,
  /** Of TLS. */
  handshakeTimeout: 20_000,
  connectionsCheckingInterval: 10_000,
}

/** Older versions of Node ignore the options that they do not know. */
const HTTP_OPTIONS = {
  /** The target and the headers together: the target alone, or the headers, may have 64 KiB. */
  maxHeaderSize: 80 * 1024,
  /** Requests without a body need no stream for it. */
  optimizeEmptyRequests: true,
  /** The server ignores other upgrades, such as HTTP/2 without TLS, as a server without them must. */
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

/** Serves the requests of a listener: the HTTP of one printer, or a router in front of several. */
export interface HttpHandler {
  request(req: IncomingMessage, res: ServerResponse): void
  /** Takes the socket over. Throws ApiError, or rejects with it, to refuse it. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void | Promise<void>
  /** Sends a close frame on all upgraded connections. */
  close(): void
  /** Ends these connections at once. */
  terminate(): void
}

/** What a listener needs. */
export interface HttpListenerParts {
  readonly handler: HttpHandler
  readonly admission: Admission
  readonly log: Log
  readonly warnings: Warnings
  /** Other timeouts than those of `TIMEOUTS`. */
  readonly timeouts?: Partial<typeof TIMEOUTS>
}

export class HttpListener {
  readonly #parts: HttpListenerParts
  readonly #servers: Server[] = []
  readonly #rawTargets = new RawTargets()
  readonly #options: typeof HTTP_OPTIONS & typeof TIMEOUTS

  constructor(parts: HttpListenerParts) {
    this.#parts = parts
    this.#options = { ...HTTP_OPTIONS, ...TIMEOUTS, ...parts.timeouts }
  }

  /** Listens. Rejects with StartError if a port is in use or not allowed. Resolves with the ports in use. */
  async listen(options: ListenOptions): Promise<{ port: number; tlsPort: number | null }> {
    const { host, port, tlsPort } = options
    const handler: RequestListener = (req, res) => {
      if (hasSeveralHosts(req)) return refuseRequest(res)
      resolveTarget(req)
      this.#parts.handler.request(req, res)
    }
    const plain = this.#prepare(createServer(this.#options, handler))
    const boundPort = await listenOn(plain, host, port)
    const secure = await this.#secureServer(options, handler)
    return { port: boundPort, tlsPort: secure && (await listenOn(secure, host, tlsPort)) }
  }

  /** The HTTPS server; null without a certificate. A certificate that cannot be used is a warning. */
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
      const read = (path: string) => readSmallFile(path, MAX_CERTIFICATE_BYTES)
      const certificate = { cert: read(cert), key: read(key) }
      return this.#prepare(createTlsServer({ ...this.#options, ...certificate }, handler))
    } catch (error) {
      this.#parts.warnings.add(
        `HTTPS is off: the certificate ${cert} or its key cannot be used: ${messageOf(error)}`,
      )
      return null
    }
  }

  #prepare<S extends Server>(server: S): S {
    const { admission } = this.#parts
    server.on('connection', socket => {
      if (!this.#rawTargets.has(socket)) admission.admit(socket)
    })
    server.on('secureConnection', socket => admission.secured(socket))
    server.on('upgrade', (req, socket, head) => this.#upgrade(req, socket, head))
    server.on('clientError', (error: ParserError, socket: Socket) => {
      if (!this.#rawTargets.accept(server, error, socket)) refuse(socket, ...parserProblem(error))
    })
    this.#servers.push(server)
    return server
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { handler, log } = this.#parts
    socket.on('error', error => log.debug(`upgrade: ${error.message}`))
    const fail = (error: unknown) => {
      const known = error instanceof ApiError
      if (!known) log.error('upgrade failed', error)
      const status = known ? error.status : 500
      refuse(socket, `${status} Refused`, known ? error.message : 'Internal Server Error')
    }
    try {
      if (hasSeveralHosts(req)) throw new ApiError(400, SEVERAL_HOSTS)
      resolveTarget(req)
      handler.upgrade(req, socket, head)?.catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  /** Stops listening. Idle connections end at once, the others have a limited time to finish. */
  async close(): Promise<void> {
    this.#parts.handler.close()
    const force = setTimeout(() => this.#terminate(), CLOSE_SECONDS * 1000)
    await Promise.all(this.#servers.map(closeServer))
    clearTimeout(force)
    this.#servers.length = 0
  }

  /** Ends all connections. */
  #terminate(): void {
    this.#parts.handler.terminate()
    for (const server of this.#servers) server.closeAllConnections()
  }
}

const SEVERAL_HOSTS = 'The request has more than one Host header'

/**
 * RFC 9112, section 3.2, demands 400: a proxy in front of the server may have checked another one than the first, which is
 * the one that Node keeps.
 */
function hasSeveralHosts({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  return hosts > 1
}

/** Through the response: earlier ones of the connection may not be sent yet. */
function refuseRequest(res: ServerResponse): void {
  const body = JSON.stringify({ error: { code: 400, message: SEVERAL_HOSTS } })
  const headers = { Connection: 'close', 'Content-Type': 'application/json; charset=UTF-8' }
  res.writeHead(400, headers).end(body)
}

function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}

/** The status and message for a request that is not valid HTTP. */
function parserProblem({ code }: ParserError): [status: string, message: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return ['431 Request Header Fields Too Large', 'The address and the headers have more than 80 KiB']
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', 'The headers did not arrive in time']
    case 'HPE_INVALID_URL':
      return ['400 Bad Request', 'The address of the request has characters that must be percent-encoded']
    default:
      return ['400 Bad Request', 'The request is not valid HTTP']
  }
}

function listenOn(server: Server, host: string, port: number): Promise<number> {
  const address = host === 'all' ? '::' : host
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(new StartError(listenProblem(error, address, port))))
    server.listen(boundHandle(address, port) ?? { host: address, port }, () => {
      const bound = server.address()
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
    })
  })
}

/** What Node exports without documentation: the handle of a bound address, or the number of an error. */
interface ServerHandles {
  readonly _createServerHandle?: (address: string, port: number, family: number) => object | number
}

/**
 * An IPv4 address, bound. With an address, `listen` compiles an expression for IPv6 first, a twelfth of the time of a start.
 * Undefined if this does not work: then `listen` does it, or reports why it cannot.
 */
function boundHandle(address: string, port: number): object | undefined {
  if (!isIPv4(address)) return undefined
  const net = process.getBuiltinModule('node:net') as ServerHandles
  const handle = net._createServerHandle?.(address, port, 4)
  return typeof handle === 'object' ? handle : undefined
}

function listenProblem(error: NodeJS.ErrnoException, address: string, port: number): string {
  if (error.code === 'EADDRINUSE') {
    return `port ${port} on ${address} is in use: stop the other server, or choose another 'port' in section [server]`
  }
  if (error.code === 'EACCES')
    return `port ${port} needs more rights than this user has: choose one above 1023`
  return `cannot listen on ${address}, port ${port} ('host' and 'port' in section [server]): ${error.message}`
}
