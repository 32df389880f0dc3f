// Pipelined requests: a connection's next request is handled when the response before it has been sent, and until then
// no more requests are read. So a client gets no further replies before it has read the earlier ones.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Requests of one connection that may wait; they came in few pieces, so that reading stopped too late for them. */
const MAX_WAITING = 100

export class Pipelines {
  readonly #waiting = new WeakMap<Duplex, number>()

  /** Whether the response to an earlier request on the connection comes first. */
  isBehind(res: ServerResponse): boolean {
    return res.socket === null
  }

  /** Calls `handle` when the earlier responses of the connection have been sent; never, if it ends before. */
  hold({ socket }: IncomingMessage, res: ServerResponse, handle: () => void): void {
    const waiting = (this.#waiting.get(socket) ?? 0) + 1
    if (waiting > MAX_WAITING) {
      socket.destroy()
      return
    }
    this.#waiting.set(socket, waiting)
    socket.pause()
    res.once('socket', () => {
      const rest = (this.#waiting.get(socket) ?? 0) - 1
      this.#waiting.set(socket, rest)
      if (rest === 0) socket.resume()
      handle()
    })
  }
}
