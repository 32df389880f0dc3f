// Reads the bodies of API calls into memory, with limits of size and time. Uploads are streamed elsewhere.
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'

const MIB = 1024 * 1024

/** How much of a body the server reads, and for how long. */
export interface BodyLimits {
  readonly maxBytes: number
  readonly maxSeconds: number
}

/** For the requests of users. */
export const USER_BODY: BodyLimits = { maxBytes: 50 * MIB, maxSeconds: 300 }

/** For unauthenticated clients, which send credentials at most. */
export const UNAUTHENTICATED_BODY: BodyLimits = { maxBytes: 64 * 1024, maxSeconds: 10 }

/** Bytes that all bodies may take together while they are received. */
const MAX_TOTAL = 128 * MIB

export class BodyReader {
  readonly #clock: Clock
  #total = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * The bytes of a body. Rejects with ApiError: 400 when the client disconnects before the end, 408 past the time
   * limit, 413 past the size limit, 503 when other bodies fill the memory.
   */
  async read(req: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
    if (Number(req.headers['content-length'] ?? 0) > limits.maxBytes) throw tooLarge(limits)
    const chunks: Buffer[] = []
    let size = 0
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = this.#clock.after(limits.maxSeconds, () => reject(tooSlow(limits)))
    const onData = (chunk: Buffer) => {
      size += chunk.length
      this.#total += chunk.length
      chunks.push(chunk)
      if (size > limits.maxBytes) reject(tooLarge(limits))
      else if (this.#total > MAX_TOTAL) reject(new ApiError(503, 'Too many large requests, try again later'))
    }
    const onBreak = (cause?: Error) =>
      reject(new ApiError(400, 'The connection ended before the end of the body', { cause }))
    req.on('data', onData).once('end', resolve).on('error', onBreak).once('close', onBreak)
    // A request without a body emits no end.
    if (req.readableEnded) resolve()
    try {
      await promise
      return Buffer.concat(chunks, size)
    } finally {
      timer.stop()
      req.off('data', onData).pause()
      this.#total -= size
    }
  }
}

function tooLarge({ maxBytes }: BodyLimits): ApiError {
  return new ApiError(413, `The request is too large: the server accepts at most ${maxBytes} bytes here`)
}

function tooSlow({ maxSeconds }: BodyLimits): ApiError {
  return new ApiError(408, `The body did not arrive within ${maxSeconds} seconds`)
}

/** Whether a request announces a body. */
export function hasBody(req: IncomingMessage): boolean {
  const { headers } = req
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** The content type of a body, in lower case and without its parameters; '' where the request names none. */
export function mediaTypeOf({ headers }: IncomingMessage): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  return type.trim().toLowerCase()
}

/** The text of a body, without the byte order mark that some clients put before it. */
export function textOf(body: Buffer): string {
  const text = body.toString()
  return text.startsWith('\ufeff') ? text.slice(1) : text
}
