// The unix socket on which API clients find the printer.

import { existsSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * Listens on a unix socket. A socket file that nobody answers on is a leftover and is replaced.
 * Rejects when another process answers there.
 */
export async function listenOn(path: string, onSocket: (socket: Socket) => void): Promise<Server> {
  if (existsSync(path)) {
    if (await answers(path)) {
      throw new Error(`another Klippy answers on ${path}; stop it or choose another socket path`)
    }
    unlinkSync(path)
  }
  const server = createServer(onSocket)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return server
}

/** Closes a server; its connections must be closed by then. */
export function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
