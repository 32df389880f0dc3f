// A link transports JSON-RPC texts to a server and back; links/ has one file for each transport.

/** Receives the messages of a link. */
export interface LinkListener {
  /** The server sent one JSON text. */
  message(text: string): void
  /** The link is closed, for the given reason; nothing follows. */
  closed(reason: string): void
}

/** An open connection to a server. */
export interface Link {
  /** False for HTTP, where each text is a request of its own: there are no notifications. */
  readonly lasting: boolean
  /** Sends one JSON text. Over HTTP, the promise resolves after the reply, and rejects if the request fails. */
  send(text: string, signal: AbortSignal): void | Promise<void>
  close(): void
}

/** Opens a link. Rejects with an error that contains the address if it cannot be reached. */
export type OpenLink = (listener: LinkListener) => Promise<Link>
