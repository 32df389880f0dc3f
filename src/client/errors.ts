// The errors of calls.

/** The server replied with an error. `code` and `message` are the server's; -32601 is 404, -32602 is 401. */
export class CallError extends Error {
  readonly code: number
  readonly method: string
  readonly data?: unknown

  constructor(method: string, code: number, message: string, data?: unknown) {
    super(message)
    this.name = 'CallError'
    this.method = method
    this.code = code
    if (data !== undefined) this.data = data
  }
}

/** There is no connection, or it broke before the reply: whether the server executed the call is unknown. */
export class ConnectionLost extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConnectionLost'
  }
}

/** The server did not reply within the timeout. */
export class CallTimeout extends Error {
  constructor(method: string, seconds: number) {
    super(`${method}: no reply within ${seconds} s`)
    this.name = 'CallTimeout'
  }
}
