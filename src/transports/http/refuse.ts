// Ends a connection with an HTTP error where no response object exists.
import type { Duplex } from 'node:stream'

/**
 * Sends an error as JSON and closes the connection, also if the client never does. `status` is a code and its reason
 * phrase.
 */
export function refuse(socket: Duplex, status: string, message: string): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  socket.once('finish', () => socket.destroy())
  const body = JSON.stringify({ error: { code: Number.parseInt(status, 10), message } })
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=UTF-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
