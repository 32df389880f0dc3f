// The way to a client of framed texts, over a WebSocket or a unix socket. What the client does not read waits here: the
// frames count with what they cost in memory, and the client's further requests are not read before it reads replies.
import type { Duplex } from 'node:stream'
import type { Channel } from '../rpc/connection.ts'
import type { Message } from '../rpc/message.ts'
import type { Backlog } from './backlog.ts'
import type { QueuedClient, RequestScheduler } from './request-scheduler.ts'

/** Bytes that a waiting frame takes in addition to its own. */
const FRAME_OVERHEAD = 256
/** Beyond this many unsent bytes the client's requests are not read, until half of them are sent. */
const PAUSE_ABOVE = 2 * 1024 * 1024

/** What differs between a WebSocket and a unix socket. */
export interface Wire {
  /** The bytes of a text. One function for all channels of a kind, so that a notification is encoded once for them. */
  readonly encode: (text: string) => Buffer
  /** Handles a message of the client; returns a promise if its reply comes later. */
  readonly handle: (message: Buffer) => unknown
  /** Whether texts may still be sent. */
  readonly isOpen: () => boolean
  /** Stops and continues reading from the client. */
  readonly pause: () => void
  readonly resume: () => void
  /** Ends the connection once all is sent; `code` and `reason` are those of a WebSocket. */
  readonly close: (code: number, reason: string) => void
  readonly terminate: () => void
}

/** What all clients share. */
export interface SharedLimits {
  readonly backlog: Backlog
  readonly scheduler: RequestScheduler
}

export class FramedChannel implements Channel, QueuedClient {
  readonly #socket: Duplex
  readonly #wire: Wire
  readonly #backlog: Backlog
  /** Frames that wait until the socket takes more, oldest first from `#next` on. */
  #waiting: Buffer[] = []
  #next = 0
  #waitingBytes = 0
  readonly #scheduler: RequestScheduler
  /** Messages of the client that the scheduler holds, or until it has read enough of its replies. */
  readonly #held: Buffer[] = []
  readonly #onDrain: (() => void)[] = []
  #corked = false
  /** Whether too many replies are unread. */
  #paused = false
  /** Whether further requests are read from the client. */
  #reading = true

  constructor(socket: Duplex, wire: Wire, { backlog, scheduler }: SharedLimits) {
    this.#socket = socket
    this.#wire = wire
    this.#backlog = backlog
    this.#scheduler = scheduler
    socket.on('drain', () => this.#flush())
    socket.on('close', () => this.#discard())
  }

  send(text: string): void {
    this.#write(this.#wire.encode(text))
  }

  sendShared(message: Message): void {
    this.#write(message.bytes(this.#wire.encode))
  }

  get buffered(): number {
    return this.#waitingBytes + this.#socket.writableLength
  }

  onDrain(listener: () => void): void {
    this.#onDrain.push(listener)
  }

  /** Handles a message of the client: at once, when the scheduler starts it, or when it has read enough of its replies. */
  receive(message: Buffer): void {
    if (this.#held.length === 0 && !this.#paused && this.#scheduler.handle(this.#wire.handle, message)) return
    this.#held.push(message)
    this.#stopReading()
    if (!this.#paused) this.#scheduler.wait(this)
  }

  handleNext(): unknown {
    const message = this.#held.shift()
    const returned = message && this.#wire.handle(message)
    this.#read()
    return returned
  }

  get hasNext(): boolean {
    return this.#held.length > 0 && !this.#paused
  }

  #stopReading(): void {
    if (this.#reading) this.#wire.pause()
    this.#reading = false
  }

  /** Reads further requests if none waits, and replies may be sent. */
  #read(): void {
    if (this.#reading || this.#paused || this.#held.length > 0) return
    this.#reading = true
    this.#wire.resume()
  }

  close(code: number, reason: string): void {
    this.#writeWaiting(() => true)
    this.#wire.close(code, reason)
  }

  terminate(): void {
    this.#wire.terminate()
  }

  #write(bytes: Buffer): void {
    if (!this.#wire.isOpen()) return
    if (this.#waiting.length > 0 || this.#socket.writableNeedDrain) {
      this.#waiting.push(bytes)
      this.#waitingBytes += bytes.length + FRAME_OVERHEAD
    } else {
      this.#cork()
      if (this.#socket.write(bytes)) return
    }
    this.#account()
  }

  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#socket.cork()
    this.#backlog.uncorkSoon(this)
  }

  uncork(): void {
    this.#corked = false
    this.#socket.uncork()
  }

  #flush(): void {
    this.#socket.cork()
    this.#writeWaiting(() => !this.#socket.writableNeedDrain)
    this.#socket.uncork()
    this.#account()
    if (this.#paused && this.buffered < PAUSE_ABOVE / 2) this.#continue()
    if (this.#waiting.length === 0 && !this.#socket.writableNeedDrain)
      for (const listener of this.#onDrain) listener()
  }

  #writeWaiting(mayGoOn: () => boolean): void {
    while (this.#next < this.#waiting.length && mayGoOn()) {
      const bytes = this.#waiting[this.#next++] as Buffer
      this.#waitingBytes -= bytes.length + FRAME_OVERHEAD
      this.#socket.write(bytes)
    }
    // Not one by one, which would take time that grows with the square of the length.
    if (this.#next < this.#waiting.length / 2) return
    this.#waiting = this.#waiting.slice(this.#next)
    this.#next = 0
  }

  #account(): void {
    const { buffered } = this
    this.#backlog.update(this, this.#socket.destroyed ? 0 : buffered)
    if (this.#paused || buffered <= PAUSE_ABOVE) return
    this.#paused = true
    this.#stopReading()
  }

  #continue(): void {
    this.#paused = false
    if (this.#held.length > 0) this.#scheduler.wait(this)
    else this.#read()
  }

  #discard(): void {
    this.#waiting = []
    this.#next = 0
    this.#waitingBytes = 0
    this.#held.length = 0
    this.#scheduler.leave(this)
    this.#backlog.update(this, 0)
  }
}
