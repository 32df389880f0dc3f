// The errors whose text the server sends or prints, and the text of all others.

import { cutText } from './cut-text.ts'

/** Characters of a message, which may repeat an argument of the caller; Klipper's longest errors have some thousands. */
const MAX_MESSAGE = 10_000

/**
 * An error whose message the caller receives. `status` is the HTTP status; `data` is added to the JSON-RPC reply, for
 * callers that can act on it.
 */
export class ApiError extends Error {
  override readonly name: string = 'ApiError'
  readonly status: number
  readonly data?: unknown

  constructor(status: number, message: string, options?: ErrorOptions & { data?: unknown }) {
    super(cutText(message, MAX_MESSAGE), options)
    this.status = status
    if (options?.data !== undefined) this.data = options.data
  }
}

/** The server cannot start: the process prints the message on one line, without a trace, and ends with code 1. */
export class StartError extends Error {
  override readonly name: string = 'StartError'
}

/** The message of a thrown value. A connection to several addresses fails with one error for each: the first one counts. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
