// A proxy that a test can cut, silence, or make refuse connections, as networks do.
import { connect, createServer, type Server, type Socket } from 'node:net'

export class CuttableProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #silent = false
  #opened = 0

  private constructor(server: Server, target: number) {
    this.#server = server
    server.on('connection', near => this.#join(near, connect(target, '127.0.0.1')))
  }

  /** Forwards to `target`, a port of this machine. */
  static async to(target: number): Promise<CuttableProxy> {
    const server = createServer()
    const proxy = new CuttableProxy(server, target)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  /** Connections that were opened so far. */
  get opened(): number {
    return this.#opened
  }

  #join(near: Socket, far: Socket): void {
    this.#opened += 1
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      from.on('data', chunk => {
        if (!this.#silent) to.write(chunk)
      })
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
  }

  /** Breaks all connections; new ones are accepted. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Connections stay open, but no data passes. */
  silence(silent: boolean): void {
    this.#silent = silent
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.cut()
    await closed
  }
}
