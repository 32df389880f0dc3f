// Calls a server by JSON-RPC over HTTP.
import type { Rig } from '../support/rig.ts'
import type { Frame } from '../support/web-client.ts'

/** Calls a method of the API; resolves with its result. */
export async function call({ url }: Pick<Rig, 'url'>, method: string, params: object) {
  const response = await fetch(`${url}/server/jsonrpc`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const reply: Frame = await response.json()
  if (reply.error !== undefined) throw new Error(`${reply.error.code}: ${reply.error.message}`)
  return reply.result
}
