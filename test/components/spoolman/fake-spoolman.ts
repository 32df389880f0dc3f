// A Spoolman server under the control of a test: spools, their use, events, and every way to fail.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type WebSocket, WebSocketServer } from 'ws'

interface Spool {
  readonly id: number
  used_length: number
  [field: string]: unknown
}

/** A request that Spoolman received. */
export interface SpoolmanRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  /** Parsed JSON; null without a body. */
  readonly body: unknown
}

/** What happens to a request instead of the usual reply. */
export type Failure =
  | { readonly status: number; readonly body: string }
  /** The connection ends, before or after the request has taken effect. */
  | 'drop before'
  | 'drop after'
  /** The request takes effect, and the reply does not come. */
  | 'hold after'

export class FakeSpoolman implements AsyncDisposable {
  readonly requests: SpoolmanRequest[] = []
  readonly spools = new Map<number, Spool>([1, 2, 3].map(id => [id, { id, used_length: 0 }]))
  version = '0.20.0'
  /** The extra fields of spools. */
  readonly fields: string[] = []
  /** How many WebSockets there have been. */
  connections = 0
  /** Returns the failure of a request. */
  failure: (request: SpoolmanRequest) => Failure | null = () => null
  /** Replies wait for it. */
  beforeReply: (request: SpoolmanRequest) => Promise<void> | undefined = () => undefined
  readonly #sockets = new Set<WebSocket>()
  readonly #waiters = new Set<() => void>()
  #server: Server | null = null
  #port = 0
  /** How the last WebSocket ended. */
  lastClose = ''

  static async start(): Promise<FakeSpoolman> {
    const spoolman = new FakeSpoolman()
    await spoolman.listen()
    return spoolman
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Listens, at the same port as before. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response))
    const sockets = new WebSocketServer({ server, path: '/api/v1/spool' })
    sockets.on('connection', socket => {
      this.connections += 1
      this.#sockets.add(socket)
      socket.on('close', (code, reason) => {
        this.#sockets.delete(socket)
        this.lastClose = `${code} ${reason.toString()}`
        this.#notify()
      })
      this.#notify()
    })
    await once(server.listen(this.#port, '127.0.0.1'), 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server?.close(resolve))
    for (const socket of this.#sockets) socket.terminate()
    this.#server?.closeAllConnections()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Resolves when `isFulfilled` is true after a request or a connection. */
  async until(isFulfilled: () => boolean): Promise<void> {
    while (!isFulfilled()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  /** The reports of use, as [spool, length]. */
  reports(): [number, number][] {
    return this.requests.flatMap(({ path, body }) => {
      const spool = /^\/api\/v1\/spool\/(\d+)\/use$/.exec(path)?.[1]
      return spool === undefined ? [] : [[Number(spool), (body as { use_length: number }).use_length]]
    })
  }

  used(spool: number): number {
    return this.spools.get(spool)?.used_length ?? 0
  }

  /** Sends an event to the connected servers. */
  event(type: string, payload: unknown, resource = 'spool'): void {
    for (const socket of this.#sockets) socket.send(JSON.stringify({ resource, type, payload }))
  }

  /** Sends a text that is no event. */
  sendText(message: string): void {
    for (const socket of this.#sockets) socket.send(message)
  }

  closeSockets(): void {
    for (const socket of this.#sockets) socket.close(1001)
  }

  #notify(): void {
    for (const waiter of this.#waiters) waiter()
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(message)
    const request = {
      method: message.method ?? '',
      path: message.url ?? '',
      body: body === '' ? null : JSON.parse(body),
    }
    await this.beforeReply(request)
    const failure = this.failure(request)
    if (failure === 'drop before') response.destroy()
    else if (failure !== null && typeof failure !== 'string')
      response.writeHead(failure.status).end(failure.body)
    else {
      const { status, value } = this.#answer(request)
      if (failure === 'drop after') response.destroy()
      else if (failure === null) {
        const headers = { 'Content-Type': 'application/json', 'x-total-count': String(this.spools.size) }
        response.writeHead(status, headers).end(JSON.stringify(value))
      }
    }
    this.requests.push(request)
    this.#notify()
  }

  #answer({ method, path, body }: SpoolmanRequest): { status: number; value: unknown } {
    const { pathname } = new URL(path, this.url)
    if (pathname === '/api/v1/info') return { status: 200, value: { version: this.version } }
    const [, field] = /^\/api\/v1\/field\/spool\/?(.*)$/.exec(pathname) ?? []
    if (field) this.fields.push(field)
    if (field !== undefined) return { status: 200, value: this.fields.map(key => ({ key })) }
    if (pathname === '/api/v1/spool') return { status: 200, value: [...this.spools.values()] }
    const [, id, action] = /^\/api\/v1\/spool\/(\d+)(\/use)?$/.exec(pathname) ?? []
    const spool = this.spools.get(Number(id))
    if (spool === undefined) return { status: 404, value: { message: `No spool with ID ${id} found.` } }
    if (method === 'DELETE') this.spools.delete(spool.id)
    else if (action !== undefined) spool.used_length += (body as { use_length: number }).use_length
    else if (method === 'PATCH') Object.assign(spool, body)
    return { status: 200, value: spool }
  }
}
