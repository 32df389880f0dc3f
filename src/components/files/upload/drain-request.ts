// Drains the rest of a request that was rejected. Browsers and slicers read the reply only when they have sent the whole
// body; if the connection is closed before, they report a connection error instead.
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../../core/clock.ts'

/** Seconds without a byte after which the client probably waits for the reply. */
const IDLE_TIMEOUT = 0.25
/** Seconds after which the server stops draining. */
const TIMEOUT = 20

/** Resolves when the request is complete, the client stops sending, or the timeout ends. */
export async function drainRequest(req: IncomingMessage, clock: Clock): Promise<void> {
  if (req.complete || req.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  let received = false
  const idle = clock.every(IDLE_TIMEOUT, () => {
    if (!received) resolve()
    received = false
  })
  const limit = clock.after(TIMEOUT, resolve)
  req.on('data', () => {
    received = true
  })
  req.once('end', resolve).once('close', resolve).once('error', resolve).resume()
  await promise
  idle.stop()
  limit.stop()
}
