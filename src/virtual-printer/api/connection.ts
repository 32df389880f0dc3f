// One API client's connection: JSON messages ended by ETX, in both directions.

import type { Socket } from 'node:net'
import { FrameSplitter, frame } from '../../klippy/framing.ts'

/** Longest message that a client may send; a G-code script is far shorter. */
const LONGEST_MESSAGE = 16 * 1024 * 1024

/** Unsent bytes beyond which the connection of a slow client is closed. */
const MOST_UNREAD = 64 * 1024 * 1024

/** Handles the events of a connection. */
export interface ConnectionEvents {
  message(text: Buffer): void
  closed(): void
}

/** Sends messages to one client and splits its bytes into messages. */
export class Connection {
  readonly #socket: Socket
  readonly #onClose = new Set<() => void>()
  #hung: unknown[] | undefined

  constructor(socket: Socket, events: ConnectionEvents) {
    this.#socket = socket
    const splitter = new FrameSplitter(LONGEST_MESSAGE)
    socket.on('data', chunk => {
      try {
        for (const message of splitter.push(chunk)) events.message(message)
      } catch {
        socket.destroy()
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      for (const listener of this.#onClose) listener()
      events.closed()
    })
  }

  get closed(): boolean {
    return this.#socket.destroyed
  }

  /** Calls `listener` when the connection closes. */
  onClose(listener: () => void): void {
    this.#onClose.add(listener)
  }

  send(message: unknown): void {
    if (this.#hung !== undefined) this.#hung.push(message)
    else if (!this.closed) this.#write(frame(message))
  }

  // A client that stops reading must not fill the memory.
  #write(text: string): void {
    if (this.#socket.writableLength > MOST_UNREAD) this.#socket.destroy()
    else this.#socket.write(text)
  }

  /** Sends bytes that are not a whole message. */
  sendRaw(text: string): void {
    if (!this.closed) this.#socket.write(text)
  }

  /** Delays all messages. */
  hang(): void {
    this.#hung ??= []
  }

  /** Sends the delayed messages. */
  unhang(): void {
    const held = this.#hung ?? []
    this.#hung = undefined
    for (const message of held) this.send(message)
  }

  /** Closes after the written bytes are sent. */
  end(): void {
    this.#socket.destroySoon()
  }

  /** Closes at once. */
  drop(): void {
    this.#socket.destroy()
  }
}
