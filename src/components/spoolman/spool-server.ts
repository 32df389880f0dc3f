// Requests to Spoolman's HTTP API that the server sends on its own: read a spool, add to its use.
import { type HttpClient, HttpClientError } from '../../core/http-client.ts'
import { isPlainObject } from '../../schema/index.ts'

/** Seconds until a request has failed. */
const TIMEOUT = 10
/** Bytes of a spool's record, with its filament and vendor. */
const MAX_RECORD = 2 ** 20

/** What became of a request about a spool. */
export type SpoolReply =
  /** `usedLength` is the use of the spool in mm, null if Spoolman did not return it. */
  | { readonly kind: 'ok'; readonly usedLength: number | null }
  /** Spoolman has no such spool. */
  | { readonly kind: 'unknown spool' }
  /** Spoolman refused the request: it changed nothing. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No reply: whether Spoolman received the request is not known. */
  | { readonly kind: 'no reply'; readonly reason: string }

/** The spools of one Spoolman server. */
export class SpoolServer {
  readonly #http: HttpClient
  readonly #url: string
  readonly #signal: AbortSignal

  /** `url` is that of the server, without a slash at its end; `signal` ends all requests. */
  constructor(http: HttpClient, url: string, signal: AbortSignal) {
    this.#http = http
    this.#url = url
    this.#signal = signal
  }

  /** Reads a spool. */
  read(spoolId: number): Promise<SpoolReply> {
    return this.#request(`${spoolId}`, 'GET')
  }

  /** Adds `length` mm to the use of a spool. */
  use(spoolId: number, length: number): Promise<SpoolReply> {
    return this.#request(`${spoolId}/use`, 'PUT', { use_length: length })
  }

  async #request(path: string, method: string, body?: unknown): Promise<SpoolReply> {
    try {
      const {
        status,
        statusText,
        body: reply,
      } = await this.#http.send({
        url: `${this.#url}/api/v1/spool/${path}`,
        method,
        // Spoolman adds what it receives: a report that arrives twice counts twice.
        once: true,
        timeoutSeconds: TIMEOUT,
        maxBytes: MAX_RECORD,
        signal: this.#signal,
        ...(body !== undefined && {
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        }),
      })
      if (status === 404) return { kind: 'unknown spool' }
      if (status < 200 || status > 299) return { kind: 'refused', reason: `HTTP ${status}: ${statusText}` }
      return { kind: 'ok', usedLength: usedLengthOf(parse(reply)) }
    } catch (error) {
      if (this.#signal.aborted) return { kind: 'no reply', reason: 'the server stops' }
      if (!(error instanceof HttpClientError)) throw error
      return { kind: 'no reply', reason: error.message }
    }
  }
}

/** The use in a spool's record, mm; null without one. */
export function usedLengthOf(spool: unknown): number | null {
  if (!isPlainObject(spool)) return null
  const { used_length } = spool
  return typeof used_length === 'number' && Number.isFinite(used_length) ? used_length : null
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return null
  }
}
