// The bridge WebSocket /klippysocket: passes messages between a client and Klippy without decoding them
// (API document, "Bridge websocket").
import { connect } from 'node:net'
import type { WebSocket } from 'ws'
import { ETX, FrameSplitter } from '../klippy/framing.ts'
import type { KlippyLink } from '../klippy/link.ts'
import { MAX_CALL_LENGTH } from '../klippy/printer.ts'

/** The longest message that Klippy may send, in bytes. */
const MAX_MESSAGE = 64 * 1024 * 1024
/** A client that leaves so many bytes unread is disconnected. */
const MAX_UNREAD = 16 * 1024 * 1024
/** Klippy's replies start with the id of the request; its pushes do not. */
const REPLY_START = Buffer.from('{"id"')
const END = Buffer.from([ETX])
/** Klippy has so many seconds to read what a client sent, before the bridge ends. */
const WRITE_TIMEOUT = 30

/** A bridge to Klippy that can be closed. */
export interface Bridge {
  close(code: number, reason: string): void
  terminate(): void
}

/**
 * Connects `ws` to Klippy's socket, with a connection of its own; both end together. While Klippy does not read, the
 * client is not read from either.
 */
export function bridge(ws: WebSocket, link: KlippyLink): Bridge {
  const klippy = connect(link.path)
  const splitter = new FrameSplitter(MAX_MESSAGE)
  let writeTimeout: NodeJS.Timeout | undefined
  klippy.on('data', chunk => {
    try {
      for (const message of splitter.push(chunk)) {
        if (message.subarray(0, REPLY_START.length).equals(REPLY_START)) link.noteOtherReply()
        ws.send(message, { binary: false })
      }
      if (ws.bufferedAmount > MAX_UNREAD) ws.terminate()
    } catch {
      klippy.destroy()
    }
  })
  klippy.on('drain', () => {
    clearTimeout(writeTimeout)
    ws.resume()
  })
  klippy.on('close', () => {
    clearTimeout(writeTimeout)
    ws.resume()
    ws.close(1000, 'Klippy has disconnected')
  })
  klippy.on('error', () => ws.close(1011, 'No connection to Klippy'))
  ws.on('message', data => {
    if (ws.readyState !== ws.OPEN) return
    if ((data as Buffer).length > MAX_CALL_LENGTH) {
      ws.close(1009, `A message to Klippy has at most ${MAX_CALL_LENGTH} bytes`)
      return
    }
    klippy.cork()
    klippy.write(data as Buffer)
    const isFull = !klippy.write(END)
    klippy.uncork()
    if (!isFull || ws.isPaused) return
    ws.pause()
    writeTimeout = setTimeout(() => ws.terminate(), WRITE_TIMEOUT * 1000)
  })
  ws.on('close', () => klippy.destroy())
  ws.on('error', () => klippy.destroy())
  return {
    close: (code, reason) => ws.close(code, reason),
    terminate: () => ws.terminate(),
  }
}
