// A TCP connection to an HTTP server, for one request after the other.
import { connect, type Socket } from 'node:net'
import type { ResponseReader } from './response-reader.ts'

/** Milliseconds that an unused connection stays open. */
const IDLE = 10_000

/** Where a server listens. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** A request that waits for its response. */
interface Exchange {
  readonly reader: ResponseReader
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Connection {
  readonly #socket: Socket
  #exchange: Exchange | null = null
  #isOpen = true

  /** Connects. What arrives is read into `buffer`, which connections share. */
  constructor(target: Target, buffer: Buffer) {
    const callback = (length: number) => {
      this.#received(buffer.subarray(0, length))
      return true
    }
    this.#socket = connect({ ...target, onread: { buffer, callback } })
    this.#socket.on('error', error => this.close(error))
    this.#socket.on('close', () => this.#closed())
  }

  /** Whether a request can be sent. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** From now on, the connection also closes when it is not used for a while. */
  keep(): void {
    this.#socket.setTimeout(IDLE, () => {
      if (this.#exchange === null) this.close()
    })
  }

  /** Sends a request; resolves when `reader` has the whole response. Rejects with Error if the connection ends before. */
  send(request: string, reader: ResponseReader): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#exchange = { reader, resolve, reject }
    this.#socket.write(request, 'latin1')
    return promise
  }

  /** Ends the connection; a request that waits is rejected with `reason`. */
  close(reason?: unknown): void {
    this.#isOpen = false
    this.#socket.destroy()
    this.#finished()?.reject(reason)
  }

  #finished(): Exchange | null {
    const exchange = this.#exchange
    this.#exchange = null
    return exchange
  }

  #received(bytes: Buffer): void {
    const exchange = this.#exchange
    try {
      // Bytes without a request are no response.
      if (exchange === null) this.close()
      else exchange.reader.push(bytes)
    } catch (error) {
      this.close(error)
    }
    if (exchange?.reader.isComplete) this.#finished()?.resolve()
  }

  #closed(): void {
    this.#isOpen = false
    const exchange = this.#finished()
    if (exchange === null) return
    try {
      exchange.reader.finish()
      exchange.resolve()
    } catch (error) {
      exchange.reject(error)
    }
  }
}
