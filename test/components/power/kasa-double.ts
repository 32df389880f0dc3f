// A TP-Link Kasa plug, as the tests need it: records the commands, and replies as a test demands.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { decodeMessage, encodeMessage } from '../../../src/components/power/types/tplink-protocol.ts'

export class KasaDouble implements AsyncDisposable {
  readonly port: number
  /** The texts of the commands. */
  readonly received: string[] = []
  /** Replies to every command: with a text, with bytes as they are, `hang` or `drop`. */
  answer: (command: string) => string | Buffer
  /** Whether replies arrive in several parts. */
  isSplit = false
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, answer: KasaDouble['answer']) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.answer = answer
    server.on('connection', socket => this.#serve(socket))
  }

  static async start(answer: KasaDouble['answer']): Promise<KasaDouble> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new KasaDouble(server, answer)
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
    let received = Buffer.alloc(0)
    socket.on('data', part => {
      received = Buffer.concat([received, part])
      if (received.length < 4 || received.length < 4 + received.readUInt32BE()) return
      const command = decodeMessage(received.subarray(4))
      this.received.push(command)
      this.#reply(socket, this.answer(command))
    })
  }

  #reply(socket: Socket, answer: string | Buffer): void {
    if (answer === 'hang') return
    if (answer === 'drop') {
      socket.destroy()
      return
    }
    const message = typeof answer === 'string' ? encodeMessage(answer) : answer
    if (!this.isSplit) {
      socket.write(message)
      return
    }
    socket.setNoDelay()
    socket.write(message.subarray(0, 2))
    setImmediate(() => socket.write(message.subarray(2, 20)))
    setTimeout(() => socket.write(message.subarray(20)), 5)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => {
      this.#server.close(resolve)
    })
  }
}

/** A plug with one relay, or with sockets. `relays` are their states. */
export async function kasaPlug(sockets = 0): Promise<KasaDouble & { readonly relays: number[] }> {
  const relays = Array.from({ length: Math.max(1, sockets) }, () => 0)
  const info = () => {
    const children = relays.map((state, index) => ({ id: `8006ABCD0${index}`, state }))
    return { err_code: 0, ...(sockets === 0 ? { relay_state: relays[0] } : { children }) }
  }
  const double = await KasaDouble.start(text => {
    const command = JSON.parse(text)
    const { system, count_down, context } = command
    if (system?.get_sysinfo !== undefined) return JSON.stringify({ system: { get_sysinfo: info() } })
    if (system?.set_relay_state !== undefined) {
      relays[Number(context?.child_ids[0].slice(-1) ?? 0)] = system.set_relay_state.state
      return JSON.stringify({ system: { set_relay_state: { err_code: 0 } } })
    }
    const [rule] = Object.keys(count_down)
    return JSON.stringify({ count_down: { [String(rule)]: { err_code: 0 } } })
  })
  return Object.assign(double, { relays })
}
