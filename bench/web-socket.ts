// A WebSocket client for loads: text frames of whole messages, walked over without decoding what is not looked at.
import { type Address, RawConnection } from './raw-connection.ts'

const UPGRADE =
  'GET /websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n'

/** Takes one message, the bytes from `start` to `end`. */
export type OnMessage = (bytes: Buffer, start: number, end: number) => void

const TEXT = 1
const CLOSE = 8
const PING = 9
const PONG = 10

/** A client's text frame. The mask is zero, so the text stays readable; servers unmask it anyway. */
export function clientFrame(text: string): Buffer {
  return frame(TEXT, Buffer.from(text))
}

function frame(opcode: number, payload: Buffer): Buffer {
  const header = payload.length < 126 ? Buffer.alloc(6) : Buffer.alloc(8)
  header[0] = 0x80 | opcode
  if (payload.length < 126) header[1] = 0x80 | payload.length
  else {
    if (payload.length > 0xffff) throw new Error('a request of more than 65535 bytes')
    header[1] = 0x80 | 126
    header.writeUInt16BE(payload.length, 2)
  }
  return Buffer.concat([header, payload])
}

function takeFrames(onMessage: OnMessage, pong: (frame: Buffer) => void) {
  return (bytes: Buffer, start: number, end: number): number => {
    let at = start
    while (end - at >= 2) {
      let length = (bytes[at + 1] as number) & 0x7f
      let headerLength = 2
      if (length === 126) {
        if (end - at < 4) break
        length = bytes.readUInt16BE(at + 2)
        headerLength = 4
      } else if (length === 127) {
        if (end - at < 10) break
        length = Number(bytes.readBigUInt64BE(at + 2))
        headerLength = 10
      }
      const payload = at + headerLength
      if (payload + length > end) break
      const opcode = (bytes[at] as number) & 0x0f
      if (opcode === CLOSE) throw new Error('the server closed the WebSocket')
      if (opcode === TEXT) onMessage(bytes, payload, payload + length)
      if (opcode === PING) pong(frame(PONG, bytes.subarray(payload, payload + length)))
      at = payload + length
    }
    return at
  }
}

/** Opens a WebSocket; `onMessage` gets each text. Rejects where the server does not upgrade. */
export function openWebSocket(address: Address, onMessage: OnMessage): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const connection = new RawConnection(address, (bytes, start, end) => {
      const head = bytes.toString('latin1', start, end)
      const headEnd = head.indexOf('\r\n\r\n')
      if (headEnd === -1) return start
      if (!head.startsWith('HTTP/1.1 101')) throw new Error(`no WebSocket: ${head.split('\r\n')[0]}`)
      const take = takeFrames(onMessage, pong => connection.write(pong))
      connection.switchTo(take)
      resolve(connection)
      return take(bytes, start + headEnd + 4, end)
    })
    connection.onFailure(reject)
    connection.write(UPGRADE)
  })
}
