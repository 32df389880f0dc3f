// WebSockets: the upgrade, and JSON-RPC in text frames over /websocket.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import type { Log } from '../core/log.ts'
import type { Channel } from '../rpc/connection.ts'
import type { Connections } from '../rpc/connections.ts'
import { receive } from '../rpc/json-rpc.ts'
import type { Message } from '../rpc/message.ts'
import type { Registry } from '../rpc/registry.ts'
import type { User } from '../rpc/user.ts'

/** The longest message that a client may send, in bytes. */
const MAX_MESSAGE = 50 * 1024 * 1024
/** Seconds between pings; a client that leaves one unanswered until the next is gone. */
const PING_SECONDS = 30

/** One unfragmented, unmasked text frame (RFC 6455, section 5.2). */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const headerLength = length < 126 ? 2 : length < 65536 ? 4 : 10
  const bytes = Buffer.allocUnsafe(headerLength + length)
  bytes[0] = 0x81
  if (headerLength === 2) bytes[1] = length
  else if (headerLength === 4) {
    bytes[1] = 126
    bytes.writeUInt16BE(length, 2)
  } else {
    bytes[1] = 127
    bytes.writeBigUInt64BE(BigInt(length), 2)
  }
  bytes.write(text, headerLength)
  return bytes
}

/**
 * Frames go straight to the socket, several of one tick in one write: without compression or fragments of our own,
 * `ws` has nothing between them that could be torn apart.
 */
class WebSocketChannel implements Channel {
  readonly #ws: WebSocket
  readonly #socket: Duplex
  #corked = false

  constructor(ws: WebSocket, socket: Duplex) {
    this.#ws = ws
    this.#socket = socket
  }

  send(text: string): void {
    this.#write(textFrame(text))
  }

  sendShared(message: Message): void {
    this.#write(message.bytes(textFrame))
  }

  #write(bytes: Buffer): void {
    if (this.#ws.readyState !== WebSocket.OPEN) return
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      setImmediate(() => {
        this.#corked = false
        this.#socket.uncork()
      })
    }
    this.#socket.write(bytes)
  }

  get buffered(): number {
    return this.#socket.writableLength
  }

  onDrain(listener: () => void): void {
    this.#socket.on('drain', listener)
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason)
  }

  terminate(): void {
    this.#ws.terminate()
  }
}

/** What WebSockets are served with. */
export interface WebSocketParts {
  readonly registry: Registry
  readonly connections: Connections
  readonly log: Log
}

/** Takes in JSON-RPC clients. */
export class WebSocketTransport {
  readonly #parts: WebSocketParts
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE,
  })

  constructor(parts: WebSocketParts) {
    this.#parts = parts
  }

  /** Finishes the upgrade of an admitted request. */
  accept(req: IncomingMessage, socket: Duplex, head: Buffer, address: string, user: User | null): void {
    this.#server.handleUpgrade(req, socket, head, ws => this.#open(ws, socket, address, user))
  }

  /** Finishes an upgrade for someone else, who gets the bare WebSocket. */
  acceptBare(req: IncomingMessage, socket: Duplex, head: Buffer, take: (ws: WebSocket) => void): void {
    this.#server.handleUpgrade(req, socket, head, take)
  }

  #open(ws: WebSocket, socket: Duplex, address: string, user: User | null): void {
    const { connections, registry, log } = this.#parts
    const connection = connections.open('websocket', address, user, new WebSocketChannel(ws, socket))
    log.debug(`WebSocket ${connection.id} opened from ${address}`)
    ws.on('message', data => receive(registry, connection, (data as Buffer).toString()))
    ws.on('error', error => log.debug(`WebSocket ${connection.id}: ${error.message}`))
    const stopPings = keepAlive(ws)
    ws.on('close', () => {
      stopPings()
      connections.closed(connection)
      log.debug(`WebSocket ${connection.id} closed`)
    })
  }
}

/** Pings, so that a client whose machine went away without a word is noticed. */
function keepAlive(ws: WebSocket): () => void {
  let alive = true
  ws.on('pong', () => {
    alive = true
  })
  const timer = setInterval(() => {
    if (!alive) {
      ws.terminate()
      return
    }
    alive = false
    ws.ping()
  }, PING_SECONDS * 1000).unref()
  return () => clearInterval(timer)
}
