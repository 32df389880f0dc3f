// Reads the body of a request to the push socket: JSON without the content type of JSON.
import type { IncomingMessage } from 'node:http'
import { type Clock, withTimeout } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'

const MAX_BYTES = 64 * 1024
const MAX_SECONDS = 10

/** The body as text. Rejects with ApiError 408 or 413. */
export function readText(clock: Clock, req: IncomingMessage): Promise<string> {
  return withTimeout(clock, MAX_SECONDS, read(req), () => {
    req.destroy()
    return new ApiError(408, 'The body of the request takes too long')
  })
}

async function read(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req) {
    size += (chunk as Buffer).length
    if (size > MAX_BYTES) throw new ApiError(413, `The body of the request is longer than ${MAX_BYTES} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString()
}
