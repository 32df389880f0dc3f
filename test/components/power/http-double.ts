// A device with an HTTP interface, as the tests need it: records the requests, and replies as a test demands.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that arrived. */
export interface Received {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/**
 * What a double replies: JSON, a text with a status, `hang` for no reply, `drop` to close the connection, `drip` for a
 * body that arrives byte by byte without end.
 */
export type Answer =
  | { readonly json: unknown; readonly status?: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly text: string; readonly status?: number; readonly headers?: Readonly<Record<string, string>> }
  | 'hang'
  | 'drop'
  | 'drip'

export class HttpDouble implements AsyncDisposable {
  /** Host and port. */
  readonly address: string
  readonly received: Received[] = []
  /** How many connections there have been. */
  connections = 0
  /** Replies to every request; a test may replace it. */
  answer: (request: Received) => Answer
  readonly #server: ReturnType<typeof createServer>

  private constructor(server: ReturnType<typeof createServer>, answer: HttpDouble['answer']) {
    this.#server = server
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    this.answer = answer
    server.on('connection', () => {
      this.connections += 1
    })
    server.on('request', async (req, res) => {
      const parts: Buffer[] = []
      for await (const part of req) parts.push(part)
      const { method = '', url = '', headers } = req
      const request = { method, path: url, headers, body: Buffer.concat(parts).toString() }
      this.received.push(request)
      send(res, this.answer(request))
    })
  }

  static async start(answer: HttpDouble['answer']): Promise<HttpDouble> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new HttpDouble(server, answer)
  }

  /** Ends all connections and stops listening. */
  async pause(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  /** Listens again, at the same port. */
  async resume(): Promise<void> {
    this.#server.listen(Number(this.address.split(':')[1]), '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** The paths of the requests since the last call. */
  take(): string[] {
    return this.received.splice(0).map(({ path }) => path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
    })
  }
}

function send(res: ServerResponse, answer: Answer): void {
  if (answer === 'hang') return
  if (answer === 'drop') {
    res.socket?.destroy()
    return
  }
  if (answer === 'drip') {
    const timer = setInterval(() => res.write(' '), 20)
    res.on('close', () => clearInterval(timer))
    return
  }
  const isJson = 'json' in answer
  const type = { 'Content-Type': isJson ? 'application/json' : 'text/plain' }
  res.writeHead(answer.status ?? 200, { ...type, ...answer.headers })
  res.end(isJson ? JSON.stringify(answer.json) : answer.text)
}

/** A Tasmota plug with one output; `state` is its relay. */
export async function tasmotaDouble(): Promise<HttpDouble & { state: 'ON' | 'OFF' }> {
  const double = await HttpDouble.start(({ path }) => {
    const command = /cmnd=Power1(?:\+(on|off))?$/.exec(path)
    if (command?.[1] !== undefined) plug.state = command[1] === 'on' ? 'ON' : 'OFF'
    return { json: { POWER: plug.state } }
  })
  const plug = Object.assign(double, { state: 'OFF' as 'ON' | 'OFF' })
  return plug
}
