// The ways in which a call can fail.

/** The server's answer is an error. `code` and `message` are the server's own; -32601 stands for 404, -32602 for 401. */
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

/** There is no connection, or it broke before the answer came: whether the server did what was asked is unknown. */
export class ConnectionLost extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConnectionLost'
  }
}

/** No answer came in time. */
export class CallTimeout extends Error {
  constructor(method: string, seconds: number) {
    super(`${method}: no answer within ${seconds} s`)
    this.name = 'CallTimeout'
  }
}
