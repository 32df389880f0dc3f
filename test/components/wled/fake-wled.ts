// A WLED controller under the control of a test.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export class FakeWled implements AsyncDisposable {
  /** The commands, oldest first. */
  readonly commands: unknown[] = []
  /** What GET /json/state returns. */
  state: Record<string, unknown> = { on: true, bri: 128, ps: -1, seg: [{ ix: 1, sx: 2 }] }
  /** What happens to a request instead of the usual reply. */
  failure: 'hang' | 'drop' | { readonly status: number; readonly body: string } | null = null
  readonly #waiters = new Set<() => void>()
  #server: Server | null = null
  #port = 0

  static async start(): Promise<FakeWled> {
    const wled = new FakeWled()
    await wled.listen()
    return wled
  }

  get port(): number {
    return this.#port
  }

  async listen(): Promise<void> {
    const server = createServer(async (request, response) => {
      const body = await text(request)
      if (body !== '') this.commands.push(JSON.parse(body))
      for (const waiter of this.#waiters) waiter()
      if (this.failure === 'hang') return
      if (this.failure === 'drop') response.destroy()
      else if (this.failure !== null) response.writeHead(this.failure.status).end(this.failure.body)
      else if (request.method === 'GET') response.end(JSON.stringify(this.state))
      else response.end(JSON.stringify({ success: true }))
    })
    await once(server.listen(this.#port, '127.0.0.1'), 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Resolves when there have been so many commands. */
  async received(count: number): Promise<void> {
    while (this.commands.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server?.close(resolve))
    this.#server?.closeAllConnections()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
