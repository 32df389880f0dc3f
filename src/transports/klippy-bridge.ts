// The bridge WebSocket /klippysocket: Klippy's own protocol, passed through undecoded
// (API document, "Bridge websocket").
import { connect } from 'node:net'
import type { WebSocket } from 'ws'
import { ETX, FrameSplitter } from '../klippy/framing.ts'

/** The longest message that Klippy may send, in bytes. */
const MAX_MESSAGE = 64 * 1024 * 1024
/** A client that leaves so many bytes unread is dropped. */
const MAX_UNREAD = 16 * 1024 * 1024

/** A bridge to Klippy that can be ended. */
export interface Bridge {
  close(code: number, reason: string): void
  terminate(): void
}

/** Joins `ws` with a connection of its own to Klippy's socket at `path`; both end together. */
export function bridge(ws: WebSocket, path: string): Bridge {
  const klippy = connect(path)
  const splitter = new FrameSplitter(MAX_MESSAGE)
  const end = Buffer.from([ETX])
  klippy.on('data', chunk => {
    try {
      for (const message of splitter.push(chunk)) ws.send(message, { binary: false })
      if (ws.bufferedAmount > MAX_UNREAD) ws.terminate()
    } catch {
      klippy.destroy()
    }
  })
  klippy.on('close', () => ws.close(1000, 'Klippy has disconnected'))
  klippy.on('error', () => ws.close(1011, 'No connection to Klippy'))
  ws.on('message', data => {
    klippy.write(Buffer.concat([data as Buffer, end]))
  })
  ws.on('close', () => klippy.destroy())
  ws.on('error', () => klippy.destroy())
  return {
    close: (code, reason) => ws.close(code, reason),
    terminate: () => ws.terminate(),
  }
}
