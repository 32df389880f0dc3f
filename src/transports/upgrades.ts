// The upgrade of a request to a WebSocket.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

export class Upgrades {
  readonly #maxMessage: number
  #server: WebSocketServer | null = null

  /** Longer messages than `maxMessage` bytes end their connection. */
  constructor(maxMessage: number) {
    this.#maxMessage = maxMessage
  }

  /** Completes the upgrade of an admitted request; `take` receives the WebSocket. The first one loads `ws`. */
  complete(req: IncomingMessage, socket: Duplex, head: Buffer, take: (ws: WebSocket) => void): void {
    this.#server ??= new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: this.#maxMessage,
    })
    this.#server.handleUpgrade(req, socket, head, take)
  }
}
