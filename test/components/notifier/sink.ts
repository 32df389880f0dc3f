// A service that records every request, and replies as the test wants.
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it arrived. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** The reply to a request; `hang` sends none. */
export type Reply = { readonly status: number; readonly body?: string } | 'hang'

export class Sink {
  readonly received: Received[] = []
  /** Decides the reply; 200 with `{}` by default. */
  reply: (request: Received) => Reply = () => ({ status: 200, body: '{}' })
  readonly #server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', chunk => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const request = { method: req.method ?? '', path: req.url ?? '', headers: req.headers, body }
      this.received.push(request)
      this.#onRequest()
      const reply = this.reply(request)
      if (reply === 'hang') return
      res.writeHead(reply.status, { 'Content-Type': 'application/json' }).end(reply.body ?? '')
    })
  })
  #onRequest = () => {}

  static async start(): Promise<Sink> {
    const sink = new Sink()
    await new Promise<void>(resolve => sink.#server.listen(0, '127.0.0.1', resolve))
    return sink
  }

  /** `127.0.0.1:port`. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves with the requests when there are `count` of them. */
  async requests(count: number): Promise<readonly Received[]> {
    while (this.received.length < count) {
      await new Promise<void>(resolve => {
        this.#onRequest = resolve
      })
    }
    return this.received
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
