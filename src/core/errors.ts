// The errors that people are told, and the words of all others.

/**
 * An error that is told to the caller as it is. `status` is the HTTP status.
 * `data` goes along in JSON-RPC replies, for callers that can act on it.
 */
export class ApiError extends Error {
  override readonly name: string = 'ApiError'
  readonly status: number
  readonly data?: unknown

  constructor(status: number, message: string, options?: ErrorOptions & { data?: unknown }) {
    super(message, options)
    this.status = status
    if (options?.data !== undefined) this.data = options.data
  }
}

/** What the server cannot start with: told in one line, without a trace, and ends the process with code 1. */
export class StartError extends Error {
  override readonly name: string = 'StartError'
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
