// A connection that costs the load generator as little as possible: one buffer for all reads, whole messages cut
// out of it in place. The generator shares the machine with the server, and must leave it the larger part.
import { connect, type Socket } from 'node:net'

/** Room for the longest message and a good deal of what follows it. */
const BUFFER_SIZE = 1024 * 1024

/** Where a server listens. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string }

/** Takes the complete messages of `bytes` from `start` to `end`; returns the start of the first incomplete one. */
export type TakeMessages = (bytes: Buffer, start: number, end: number) => number

export class RawConnection {
  readonly #socket: Socket
  readonly #buffer = Buffer.allocUnsafe(BUFFER_SIZE)
  #held = 0
  #received = 0
  #take: TakeMessages
  #failure: Error | null = null
  #onFailure: (error: Error) => void = () => {}

  constructor(address: Address, take: TakeMessages) {
    this.#take = take
    this.#socket = connect({
      ...address,
      onread: {
        buffer: () => this.#buffer.subarray(this.#held),
        callback: count => {
          this.#read(count)
          return true
        },
      },
    })
    this.#socket.setNoDelay(true)
    this.#socket.on('error', error => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  /** Bytes that the server has sent. */
  get received(): number {
    return this.#received
  }

  /** Why the connection is of no more use. */
  get failure(): Error | null {
    return this.#failure
  }

  /** Calls back when the connection breaks. */
  onFailure(listener: (error: Error) => void): void {
    this.#onFailure = listener
    if (this.#failure !== null) listener(this.#failure)
  }

  /** From now on messages are of another kind: after an upgrade. */
  switchTo(take: TakeMessages): void {
    this.#take = take
  }

  /** False where the bytes have to wait for the server. */
  write(bytes: Buffer | string): boolean {
    return this.#socket.write(bytes)
  }

  /** Resolves when what was written has left, or the connection has ended. */
  drained(): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done)
        resolve()
      }
      this.#socket.on('drain', done).on('close', done)
    })
  }

  close(): void {
    this.#failure ??= new Error('closed')
    this.#onFailure = () => {}
    this.#socket.destroy()
  }

  #read(count: number): void {
    const end = this.#held + count
    this.#received += count
    try {
      const rest = this.#take(this.#buffer, 0, end)
      if (rest > 0) this.#buffer.copyWithin(0, rest, end)
      this.#held = end - rest
      if (this.#held === BUFFER_SIZE) throw new Error(`a message of more than ${BUFFER_SIZE} bytes`)
    } catch (error) {
      this.#fail(error as Error)
      this.#socket.destroy()
    }
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#onFailure(error)
  }
}
