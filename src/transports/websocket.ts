// WebSockets: the upgrade, and JSON-RPC in text frames over /websocket.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Connection } from '../rpc/connection.ts'
import type { Connections } from '../rpc/connections.ts'
import { receive } from '../rpc/json-rpc.ts'
import type { Registry } from '../rpc/registry.ts'
import type { User } from '../rpc/user.ts'
import { FramedChannel, type SharedLimits } from './framed-channel.ts'
import { Heartbeat } from './heartbeat.ts'
import { Upgrades } from './upgrades.ts'

/** The longest message of a user, in bytes. */
const MAX_MESSAGE = 50 * 1024 * 1024
/** The longest message of an unauthenticated client, in bytes. */
const MAX_UNAUTHENTICATED_MESSAGE = 64 * 1024
/** At most so many bytes come in one piece, and may belong to more than one message. */
const MAX_PIECE = 64 * 1024
/** Bytes of unfinished messages of all clients together. */
const MAX_UNFINISHED = 128 * 1024 * 1024

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
 * The frames of a WebSocket go straight to its socket: without compression and fragmentation, a frame of `ws` (ping,
 * pong, close) can only come between two of them.
 */
function openChannel(
  ws: WebSocket,
  socket: Duplex,
  handle: (message: Buffer) => unknown,
  limits: SharedLimits,
): FramedChannel {
  const wire = {
    encode: textFrame,
    handle,
    isOpen: () => ws.readyState === ws.OPEN,
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    close: (code: number, reason: string) => ws.close(code, reason),
    terminate: () => ws.terminate(),
  }
  return new FramedChannel(socket, wire, limits)
}

/** The unfinished messages of all clients: ends connections before too many bytes are held for them. */
class UnfinishedMessages {
  #total = 0

  /**
   * Watches a connection until it is closed. Call the returned function with the length of each message that is complete.
   */
  watch(ws: WebSocket, socket: Duplex, connection: Connection): (length: number) => void {
    let unfinished = 0
    const change = (bytes: number) => {
      unfinished += bytes
      this.#total += bytes
    }
    const end = (code: number, reason: string) => {
      connection.close(code, reason)
      // Not after the closing handshake: until then the client could send more.
      connection.terminate()
    }
    const check = (bytes: number, limit: number) => {
      if (connection.user === null && bytes > limit) end(1009, 'Log in to send longer messages')
    }
    socket.on('data', (piece: Buffer) => {
      change(piece.length)
      check(unfinished, MAX_UNAUTHENTICATED_MESSAGE + MAX_PIECE)
      if (this.#total > MAX_UNFINISHED && unfinished > MAX_PIECE)
        end(1013, 'Too many long messages, try again later')
    })
    ws.on('close', () => change(-unfinished))
    return length => {
      change(-unfinished)
      check(length, MAX_UNAUTHENTICATED_MESSAGE)
    }
  }
}

/** What WebSockets need of the server. */
export interface WebSocketParts extends SharedLimits {
  readonly registry: Registry
  readonly connections: Connections
  readonly clock: Clock
  readonly log: Log
}

/** Serves JSON-RPC clients. */
export class WebSocketTransport {
  readonly #parts: WebSocketParts
  readonly #heartbeat: Heartbeat
  readonly #unfinished = new UnfinishedMessages()
  readonly #upgrades = new Upgrades(MAX_MESSAGE)

  constructor(parts: WebSocketParts) {
    this.#parts = parts
    this.#heartbeat = new Heartbeat(parts.clock)
  }

  /** Completes the upgrade of an admitted request. */
  accept(req: IncomingMessage, socket: Duplex, head: Buffer, address: string, user: User | null): void {
    this.#upgrades.complete(req, socket, head, ws => this.#open(ws, socket, address, user))
  }

  /** Completes an upgrade for a caller that takes the bare WebSocket. */
  acceptBare(req: IncomingMessage, socket: Duplex, head: Buffer, take: (ws: WebSocket) => void): void {
    this.#upgrades.complete(req, socket, head, take)
  }

  #open(ws: WebSocket, socket: Duplex, address: string, user: User | null): void {
    const { connections, registry, log } = this.#parts
    const handle = (message: Buffer) => receive(registry, connection, message.toString())
    const channel = openChannel(ws, socket, handle, this.#parts)
    const connection = connections.open('websocket', address, user, channel)
    log.debug(`WebSocket ${connection.id} opened from ${address}`)
    const finished = this.#unfinished.watch(ws, socket, connection)
    ws.on('message', data => {
      finished((data as Buffer).length)
      if (ws.readyState === ws.OPEN) channel.receive(data as Buffer)
    })
    ws.on('error', error => log.debug(`WebSocket ${connection.id}: ${error.message}`))
    this.#heartbeat.add(ws)
    ws.on('close', () => {
      connections.closed(connection)
      log.debug(`WebSocket ${connection.id} closed`)
    })
  }
}
