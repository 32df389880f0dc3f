// Takes in what a client still sends of a request that has been refused. Browsers and slicers read the answer only when
// they have sent all; a connection that is closed before tells them nothing but that it was closed.
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../../core/clock.ts'

/** Seconds without a byte after which the client waits for the answer. */
const SILENCE = 0.25
/** Seconds after which a client that goes on has to do without it. */
const LONGEST = 20

/** Resolves when the request has come in, nothing more comes, or it takes too long. */
export async function drainRequest(req: IncomingMessage, clock: Clock): Promise<void> {
  if (req.complete || req.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  let heard = false
  const silence = clock.every(SILENCE, () => {
    if (!heard) resolve()
    heard = false
  })
  const longest = clock.after(LONGEST, resolve)
  req.on('data', () => {
    heard = true
  })
  req.once('end', resolve).once('close', resolve).once('error', resolve).resume()
  await promise
  silence.stop()
  longest.stop()
}
