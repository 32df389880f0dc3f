// Reads devices over HTTP/1.1 without TLS: devices that are read each second cost less than half of the processor time that
// they cost with node:http (docs/decisions/0026-http-client-for-power-devices.md).
import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { HostPart } from '../../../component/host.ts'
import { ConcurrencyLimit } from '../../../core/concurrency-limit.ts'
import { messageOf } from '../../../core/errors.ts'
import { HttpClientError, type HttpReply } from '../../../core/http-client.ts'
import { hostOf } from '../../../core/url-host.ts'
import type { Deadline } from '../deadline.ts'
import { Connection } from './connection.ts'
import { ResponseReader } from './response-reader.ts'

/** Connections to one server at the same time; further requests wait for one. */
const MAX_CONNECTIONS = 8
const MAX_WAITING = 1000
/** Servers whose connections are known. Templates may choose others in each request. */
const MAX_SERVERS = 200
/** Unused connections to one server that are kept. */
const MAX_IDLE = 4
/** Bytes of one read. */
const READ = 16 * 1024
/** Headers that this client writes itself, or that change the protocol. */
const RESERVED = /^(connection|content-length|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/i

/** What a read contains besides its URL. */
export interface PlainRead {
  readonly headers: Readonly<Record<string, string>>
  /** A longer response is an error. */
  readonly maxBytes: number
  /** Whether the connection is kept for the next read. */
  readonly isKept: boolean
  readonly deadline: Deadline
}

/** A server, and its connections. */
interface Origin {
  readonly limit: ConcurrencyLimit
  readonly idle: Connection[]
}

export class PlainHttp {
  /** By host and port, the oldest first. */
  readonly #origins = new Map<string, Origin>()
  readonly #buffer = Buffer.allocUnsafeSlow(READ)

  /**
   * Sends a GET request; again if the server has closed a kept connection. Resolves with the response, whatever its status,
   * and with null for a request that needs TLS, a login in the URL, or a header of `RESERVED`. Rejects with HttpClientError,
   * or with the reason of the deadline.
   */
  async get(text: string, read: PlainRead): Promise<HttpReply | null> {
    const url = URL.parse(text)
    const head = url === null ? null : headOf(url, read)
    if (url === null || head === null) return null
    const { deadline } = read
    const origin = this.#origins.get(url.host) ?? this.#addOrigin(url.host)
    try {
      const signal = origin.limit.isFull ? deadline.signal : undefined
      return await origin.limit.run(() => this.#send(origin.idle, url, head, read), signal)
    } catch (error) {
      deadline.throwIfCancelled()
      throw new HttpClientError(`${url.host}: ${messageOf(error)}`, { cause: error })
    }
  }

  /** Closes the connections that are kept. */
  close(): void {
    for (const host of this.#origins.keys()) this.#forget(host)
  }

  #forget(host: string): void {
    for (const connection of this.#origins.get(host)?.idle ?? []) connection.close()
    this.#origins.delete(host)
  }

  #addOrigin(host: string): Origin {
    const [oldest] = this.#origins.keys()
    if (oldest !== undefined && this.#origins.size >= MAX_SERVERS) this.#forget(oldest)
    const limit = new ConcurrencyLimit({
      what: `requests to ${host}`,
      maxRunning: MAX_CONNECTIONS,
      maxQueued: MAX_WAITING,
    })
    const origin: Origin = { limit, idle: [] }
    this.#origins.set(host, origin)
    return origin
  }

  async #send(idle: Connection[], url: URL, request: string, read: PlainRead): Promise<HttpReply> {
    const { maxBytes, isKept, deadline } = read
    deadline.throwIfCancelled()
    const kept = isKept ? takeOpen(idle) : undefined
    let reader = new ResponseReader(maxBytes)
    let connection = kept ?? this.#connect(url)
    const onCancel = (reason: unknown) => connection.close(reason)
    deadline.onCancel(onCancel)
    try {
      await connection.send(request, reader)
    } catch (error) {
      // The server may close a kept connection at the moment of the next request.
      if (kept === undefined || !reader.isEmpty || deadline.isCancelled) throw error
      reader = new ResponseReader(maxBytes)
      connection = this.#connect(url)
      await connection.send(request, reader)
    } finally {
      deadline.offCancel(onCancel)
    }
    if (isKept && reader.mayContinue && idle.length < MAX_IDLE) {
      if (connection !== kept) connection.keep()
      idle.push(connection)
    } else connection.close()
    const { head, body } = reader.response
    return { status: head.status, statusText: head.statusText, headers: head.headers, url: url.href, body }
  }

  #connect(url: URL): Connection {
    return new Connection({ host: hostOf(url), port: Number(url.port || 80) }, this.#buffer)
  }
}

/** The newest connection that is open. */
function takeOpen(idle: Connection[]): Connection | undefined {
  for (;;) {
    const connection = idle.pop()
    if (connection === undefined || connection.isOpen) return connection
  }
}

/** The request as it is sent; null if this client cannot send it. Throws TypeError for an invalid header. */
function headOf(url: URL, { headers, isKept }: PlainRead): string | null {
  const { protocol, host, pathname, search, username, password } = url
  if (protocol !== 'http:' || username !== '' || password !== '') return null
  const lines = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    if (RESERVED.test(name)) return null
    validateHeaderName(name)
    validateHeaderValue(name, value)
    lines.set(name.toLowerCase(), `${name}: ${value}\r\n`)
  }
  const connection = isKept ? 'keep-alive' : 'close'
  return `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${[...lines.values()].join('')}Connection: ${connection}\r\n\r\n`
}

/** One for all printers of the process: they share the connections to a hub. */
export const hostPlainHttp: HostPart<PlainHttp> = {
  name: 'connections to power devices',
  create: () => new PlainHttp(),
  stop: http => http.close(),
}
