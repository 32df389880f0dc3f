// Waits of client tests, with a timeout: a test fails instead of hanging.
import type { Client, ClientEvents, ObjectRequest, StatusMirror } from '../../src/client/index.ts'

const LIMIT = 10_000

/** The parameters of the next `event` of `client`. Rejects at a timeout. */
export function next<E extends keyof ClientEvents>(client: Client, event: E): Promise<ClientEvents[E]> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`${event} did not come`)), LIMIT)
    const off = client.on(event, (...params) => {
      clearTimeout(limit)
      off()
      resolve(params)
    })
  })
}

/** Resolves when the mirror's status matches; rejects at a timeout. */
export async function until<R extends ObjectRequest>(
  mirror: StatusMirror<R>,
  fits: () => boolean,
): Promise<void> {
  if (fits()) return
  await new Promise<void>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`stays at ${JSON.stringify(mirror.status)}`)), LIMIT)
    const off = mirror.on('change', () => {
      if (!fits()) return
      clearTimeout(limit)
      off()
      resolve()
    })
  })
}
