// The unix socket for API clients.

import { existsSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * Listens on a unix socket. Replaces a socket file on which no process answers.
 * Rejects when another process answers on it.
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

/** Closes a server, whose connections must be closed already. */
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
