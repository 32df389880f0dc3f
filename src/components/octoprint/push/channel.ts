// What the push socket needs of a connection, whether it is a WebSocket or a sequence of HTTP requests.
import type { User } from '../../../rpc/user.ts'

/** A connection to one client. */
export interface PushChannel {
  /** Sends one message. Closes the connection of a client that reads too slowly. */
  send(text: string): void
  close(code: number, reason: string): void
  /** The client has shown that it is `user`. */
  identified(user: User): void
}

/** The server's end of a connection. */
export interface PushPeer {
  /** The client has sent one message. */
  receive(text: string): void
  /** The connection has ended. */
  closed(): void
}

/** Serves a new connection; `user` is null for a client that has not shown who it is. */
export type OpenPeer = (channel: PushChannel, user: User | null) => PushPeer
