// The WebSocket of the page: JSON-RPC calls and notifications, with the messages as they were received.

/** A JSON-RPC message. */
export interface Frame {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string }
}

/** The reply to a call: the message, its text, and how long it took in milliseconds. */
export interface Answer {
  readonly frame: Frame
  readonly text: string
  readonly took: number
}

/** What the owner of a link receives. `closed` also follows a failed connection attempt. */
export interface Owner {
  opened(): void
  closed(reason: string): void
  notified(frame: Frame): void
}

interface Waiting {
  readonly sentAt: number
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

export class Link {
  readonly #url: URL
  readonly #owner: Owner
  readonly #waiting = new Map<number, Waiting>()
  #socket: WebSocket | null = null
  #lastId = 0

  constructor(url: URL, owner: Owner) {
    this.#url = url
    this.#owner = owner
  }

  /** Connects; may be called again once it is closed. */
  open(): void {
    const socket = new WebSocket(this.#url)
    socket.addEventListener('open', () => {
      this.#socket = socket
      this.#owner.opened()
    })
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)))
    socket.addEventListener('close', ({ reason }) => this.#lost(reason))
  }

  /** Calls a method. Resolves with the reply, also with an error; rejects if no reply arrives. */
  call(method: string, params?: unknown): Promise<Answer> {
    const socket = this.#socket
    if (socket === null) return Promise.reject(new Error('There is no connection'))
    const id = this.nextId
    this.#lastId = id
    socket.send(JSON.stringify({ jsonrpc: '2.0', method, ...(params !== undefined && { params }), id }))
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { sentAt: performance.now(), resolve, reject })
    })
  }

  /** Calls a method for its result. Rejects with the message of an error, too. */
  async resultOf(method: string, params?: unknown): Promise<unknown> {
    const { frame } = await this.call(method, params)
    if (frame.error !== undefined) throw new Error(frame.error.message)
    return frame.result
  }

  /** The id of the next call. */
  get nextId(): number {
    return this.#lastId + 1
  }

  #receive(text: string): void {
    const frame = JSON.parse(text) as Frame
    if (frame.method !== undefined) {
      this.#owner.notified(frame)
      return
    }
    const waiting = this.#waiting.get(frame.id ?? 0)
    this.#waiting.delete(frame.id ?? 0)
    waiting?.resolve({ frame, text, took: performance.now() - waiting.sentAt })
  }

  #lost(reason: string): void {
    this.#socket = null
    for (const { reject } of this.#waiting.values())
      reject(new Error('The connection broke before the reply'))
    this.#waiting.clear()
    this.#owner.closed(reason)
  }
}
