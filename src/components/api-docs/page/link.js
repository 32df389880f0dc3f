// The WebSocket of the page: JSON-RPC calls and notifications.

/**
 * A JSON-RPC message.
 * @typedef {{ id?: number, method?: string, params?: unknown, result?: unknown, error?: { code: number, message: string } }} Frame
 * What came of a call: the message as it came, and how long it took in milliseconds.
 * @typedef {{ frame: Frame, text: string, took: number }} Answer
 * What the owner of a link receives. `closed` also follows a failed connection attempt.
 * @typedef {{ opened(): void, closed(reason: string): void, notified(frame: Frame): void }} Owner
 */

export class Link {
  #url
  #owner
  /** @type {WebSocket | null} */
  #socket = null
  /** @type {Map<number, { sentAt: number, resolve: (answer: Answer) => void, reject: (error: Error) => void }>} */
  #waiting = new Map()
  #lastId = 0

  /**
   * @param {URL} url
   * @param {Owner} owner
   */
  constructor(url, owner) {
    this.#url = url
    this.#owner = owner
  }

  /** Connects; may be called again once it is closed. */
  open() {
    const socket = new WebSocket(this.#url)
    socket.addEventListener('open', () => {
      this.#socket = socket
      this.#owner.opened()
    })
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)))
    socket.addEventListener('close', ({ reason }) => this.#lost(reason))
  }

  /**
   * Calls a method. Resolves with what was answered, an error too; rejects where nothing was.
   * @param {string} method
   * @param {unknown} [params]
   * @returns {Promise<Answer>}
   */
  call(method, params) {
    const socket = this.#socket
    if (socket === null) return Promise.reject(new Error('There is no connection'))
    const id = this.nextId
    this.#lastId = id
    socket.send(JSON.stringify({ jsonrpc: '2.0', method, ...(params !== undefined && { params }), id }))
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { sentAt: performance.now(), resolve, reject })
    })
  }

  /**
   * Calls a method for its result. Rejects with the server's words too.
   * @param {string} method
   * @param {unknown} [params]
   * @returns {Promise<any>}
   */
  async resultOf(method, params) {
    const { frame } = await this.call(method, params)
    if (frame.error !== undefined) throw new Error(frame.error.message)
    return frame.result
  }

  /** The id of the next call. */
  get nextId() {
    return this.#lastId + 1
  }

  /** @param {string} text */
  #receive(text) {
    const frame = /** @type {Frame} */ (JSON.parse(text))
    if (frame.method !== undefined) {
      this.#owner.notified(frame)
      return
    }
    const waiting = this.#waiting.get(frame.id ?? 0)
    this.#waiting.delete(frame.id ?? 0)
    waiting?.resolve({ frame, text, took: performance.now() - waiting.sentAt })
  }

  /** @param {string} reason */
  #lost(reason) {
    this.#socket = null
    for (const { reject } of this.#waiting.values())
      reject(new Error('The connection broke before the answer'))
    this.#waiting.clear()
    this.#owner.closed(reason)
  }
}
