// JSON-RPC over the unix socket: texts ended by ETX, for clients on the same machine, who need no login.
import { chmodSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { messageOf, StartError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { ETX, FrameSplitter } from '../klippy/framing.ts'
import type { Channel } from '../rpc/connection.ts'
import type { Connections } from '../rpc/connections.ts'
import { receive } from '../rpc/json-rpc.ts'
import type { Message } from '../rpc/message.ts'
import type { Registry } from '../rpc/registry.ts'
import { TRUSTED_USER } from '../rpc/user.ts'

/** The longest message that a client may send, in bytes. */
const MAX_MESSAGE = 50 * 1024 * 1024

function etxFrame(text: string): Buffer {
  return Buffer.from(`${text}${String.fromCharCode(ETX)}`)
}

class SocketChannel implements Channel {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  send(text: string): void {
    this.#socket.write(etxFrame(text))
  }

  sendShared(message: Message): void {
    this.#socket.write(message.bytes(etxFrame))
  }

  get buffered(): number {
    return this.#socket.writableLength
  }

  onDrain(listener: () => void): void {
    this.#socket.on('drain', listener)
  }

  close(): void {
    this.#socket.end()
  }

  terminate(): void {
    this.#socket.destroy()
  }
}

/** What the unix socket is served with. */
export interface UnixSocketParts {
  readonly registry: Registry
  readonly connections: Connections
  readonly log: Log
}

/** Listens at `path`. A socket file that nobody answers on is replaced; a live one, or another file, is a StartError. */
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
      `the unix socket cannot be made: ${path} is no socket; move it, or give another with -u`,
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

function serve(socket: Socket, { registry, connections, log }: UnixSocketParts): void {
  const connection = connections.open('unix', null, TRUSTED_USER, new SocketChannel(socket))
  const splitter = new FrameSplitter(MAX_MESSAGE)
  socket.on('data', chunk => {
    try {
      for (const text of splitter.push(chunk)) receive(registry, connection, text.toString())
    } catch (error) {
      log.warning(`unix socket client ${connection.id}: ${messageOf(error)}; disconnected`)
      socket.destroy()
    }
  })
  socket.on('error', error => log.debug(`unix socket client ${connection.id}: ${error.message}`))
  socket.on('close', () => connections.closed(connection))
}
