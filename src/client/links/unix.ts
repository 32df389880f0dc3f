// JSON-RPC over the server's unix socket: texts ended by ETX. Needs Node.
import type { Socket } from 'node:net'
import { ConnectionLost } from '../errors.ts'
import type { LinkListener, OpenLink } from '../link.ts'

const ETX = '\x03'

/** Opens the unix socket at `path`, such as /home/me/printer_data/comms/moonraker.sock. */
export function unixLink(path: string): OpenLink {
  // Not an import: bundlers for browsers would search for the module, which no page uses.
  const net = globalThis.process?.getBuiltinModule?.('node:net')
  if (net === undefined) throw new Error(`a unix socket (${path}) needs Node; use ws:// or http:// here`)
  return listener =>
    new Promise((resolve, reject) => {
      const socket = net.connect(path)
      const failed = (error: Error) => {
        reject(new ConnectionLost(`cannot connect to ${path}: ${error.message}`, { cause: error }))
      }
      socket.once('error', failed)
      socket.once('connect', () => {
        socket.off('error', failed)
        listen(socket, listener)
        resolve({
          lasting: true,
          send: text => void socket.write(text + ETX),
          close: () => socket.destroy(),
        })
      })
    })
}

function listen(socket: Socket, listener: LinkListener): void {
  let reason = 'closed by the server'
  let held: string[] = []
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const [first = '', ...rest] = chunk.split(ETX)
    held.push(first)
    for (const next of rest) {
      const text = held.join('')
      held = [next]
      listener.message(text)
    }
  })
  socket.on('error', error => {
    reason = error.message
  })
  socket.on('close', () => listener.closed(reason))
}
