// A WebSocket client without manners of its own: sends any text, sees every frame, knows how it ended.
import { once } from 'node:events'
import { WebSocket } from 'ws'

/** A parsed frame. */
// biome-ignore lint/suspicious/noExplicitAny: what a server sends is looked at field by field
export type Frame = any

/** How a connection ended. */
export interface Closing {
  readonly code: number
  readonly reason: string
}

export class WebClient implements Disposable {
  readonly ws: WebSocket
  /** All frames that came, oldest first. */
  readonly frames: Frame[] = []
  readonly closed: Promise<Closing>
  readonly #waiters = new Set<() => void>()
  #nextId = 1

  private constructor(ws: WebSocket) {
    this.ws = ws
    ws.on('message', data => {
      this.frames.push(JSON.parse((data as Buffer).toString()))
      for (const waiter of this.#waiters) waiter()
    })
    this.closed = new Promise(resolve => {
      ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
    ws.on('error', () => {})
  }

  /** Connects to `url` (http or ws). Rejects with the status when the server refuses the upgrade. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<WebClient> {
    const target = url.replace('http', 'ws')
    const ws = new WebSocket(target.includes('/', 6) ? target : `${target}/websocket`, { headers })
    const client = new WebClient(ws)
    await Promise.race([
      once(ws, 'open'),
      once(ws, 'unexpected-response').then(([, response]) => {
        ws.terminate()
        throw new Error(`refused: ${response.statusCode}`)
      }),
    ])
    return client
  }

  send(text: string): void {
    this.ws.send(text)
  }

  /** Calls a method; resolves with the whole reply. */
  call(method: string, params?: unknown): Promise<Frame> {
    const id = this.#nextId++
    this.send(JSON.stringify({ jsonrpc: '2.0', method, params, id }))
    return this.find(frame => frame.id === id)
  }

  /** Sends a text and resolves with the next frame that is no notification. */
  async exchange(text: string): Promise<Frame> {
    const from = this.frames.length
    this.send(text)
    return this.find((frame, index) => index >= from && !('method' in frame))
  }

  /** Resolves with the first frame that fits, past or future. */
  async find(fits: (frame: Frame, index: number) => boolean): Promise<Frame> {
    for (let index = 0; ; index += 1) {
      while (index === this.frames.length) await this.#next()
      const frame = this.frames[index]
      if (fits(frame, index)) return frame
    }
  }

  /** Resolves when a further frame has come. */
  async #next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiters.add(resolve)
    await promise
    this.#waiters.delete(resolve)
  }

  /** Resolves with the `times`-th notification of this name. */
  async notified(method: string, times = 1): Promise<Frame> {
    let seen = 0
    return this.find(frame => {
      if (frame.method === method) seen += 1
      return seen === times
    })
  }

  [Symbol.dispose](): void {
    this.ws.terminate()
  }
}
