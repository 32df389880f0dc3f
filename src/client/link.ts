// What carries JSON-RPC texts to a server and back; the files in links/ are the kinds there are.

/** Who hears what a link brings. */
export interface LinkListener {
  /** The server sent one JSON text. */
  message(text: string): void
  /** The link has ended, for the reason given; nothing follows. */
  closed(reason: string): void
}

/** An open way to a server. */
export interface Link {
  /** False where each text travels by itself (HTTP): such a link brings no notifications. */
  readonly lasting: boolean
  /** Sends one JSON text. A promise, where there is one, settles once the answer is in, and rejects when it failed. */
  send(text: string, signal: AbortSignal): void | Promise<void>
  close(): void
}

/** Opens a link. Rejects with an error that names the address when there is no way there. */
export type OpenLink = (listener: LinkListener) => Promise<Link>
