// The errors of requests over HTTP.
import { CallError, ConnectionLost } from './errors.ts'

/** Sends a request. Rejects with ConnectionLost without a reply, and with the signal's reason if it aborts. */
export async function reach<T>(address: string, send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    const why =
      error instanceof Error ? `: ${(error.cause instanceof Error ? error.cause : error).message}` : ''
    throw new ConnectionLost(`no reply from ${address}${why}`, { cause: error })
  }
}

/** The status of a reply. */
interface Status {
  readonly status: number
  readonly statusText: string
}

/** The error of a refused request: the server's message in `text`, or the status if a proxy replied instead. */
export function refusal(method: string, { status, statusText }: Status, text: string): CallError {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } }
    if (error?.message !== undefined) return new CallError(method, status, error.message)
  } catch {
    // The page of a proxy: only its status is useful.
  }
  return new CallError(method, status, statusText || `HTTP status ${status}`)
}
