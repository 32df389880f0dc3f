// JSON-RPC over the unix socket: texts that end with ETX, for clients on the same machine, which need no login.
import { chmodSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { messageOf, StartError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { ETX, FrameSplitter } from '../klippy/framing.ts'
import type { Connections } from '../rpc/connections.ts'
import { receive } from '../rpc/json-rpc.ts'
import type { Registry } from '../rpc/registry.ts'
import { TRUSTED_USER } from '../rpc/user.ts'
import { FramedChannel, type SharedLimits } from './framed-channel.ts'

/** The longest message that a client may send, in bytes. */
const MAX_MESSAGE = 50 * 1024 * 1024

function etxFrame(text: string): Buffer {
  return Buffer.from(`${text}${String.fromCharCode(ETX)}`)
}

/** What the unix socket needs of the server. */
export interface UnixSocketParts extends SharedLimits {
  readonly registry: Registry
  readonly connections: Connections
  readonly log: Log
}

/** Listens at `path` and replaces a socket file without a server. Throws StartError for one with a server, or another file. */
export async function listenUnix(path: string, parts: UnixSocketParts): Promise<Server> {
  await removeStale(path)
  const server = createServer(socket => serve(socket, parts))
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => {
      reject(new StartError(`cannot listen on the unix socket ${path}: ${error.message}`))
    })
    server.listen(path, resolve)
  })
  chmodSync(path, 0o660)
  return server
}

async function removeStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new StartError(
      `cannot create the unix socket: ${path} is another kind of file; move it, or choose another path with -u`,
    )
  }
  const answered = await new Promise<boolean>(resolve => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (answered) {
    throw new StartError(`the unix socket ${path} is in use: another server runs on this data folder`)
  }
  await rm(path, { force: true })
}

function serve(socket: Socket, parts: UnixSocketParts): void {
  const { registry, connections, log } = parts
  const wire = {
    encode: etxFrame,
    handle: (message: Buffer) => receive(registry, connection, message.toString()),
    isOpen: () => socket.writable,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.end(),
    terminate: () => socket.destroy(),
  }
  const channel = new FramedChannel(socket, wire, parts)
  const connection = connections.open('unix', null, TRUSTED_USER, channel)
  const splitter = new FrameSplitter(MAX_MESSAGE)
  socket.on('data', chunk => {
    try {
      for (const message of splitter.push(chunk)) channel.receive(message)
    } catch (error) {
      log.warning(`unix socket client ${connection.id}: ${messageOf(error)}; disconnected`)
      socket.destroy()
    }
  })
  socket.on('error', error => log.debug(`unix socket client ${connection.id}: ${error.message}`))
  socket.on('close', () => connections.closed(connection))
}
