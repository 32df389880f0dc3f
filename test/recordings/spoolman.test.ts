// Spoolman: the requests that the original sent to it, and its replies to clients.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Scene } from '../components/spoolman/scene.ts'
import { sendRequest } from '../support/raw-http.ts'

/** A request to Spoolman, and what it replied. */
interface Sent {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly status?: number
  readonly answer?: string
  readonly drops?: true
}

interface SpoolExchange {
  readonly name: string
  /** A JSON-RPC method, or that of a macro (`remote`), or a route (`http` is its verb). */
  readonly method?: string
  readonly remote?: string
  readonly http?: string
  readonly path?: string
  readonly params?: unknown
  readonly body?: unknown
  readonly reply?: { readonly result?: unknown; readonly error?: unknown }
  /** The notified active spools; not recorded for HTTP. */
  readonly active?: readonly (number | null)[]
  readonly sent: readonly Sent[]
}

const exchanges: readonly SpoolExchange[] = JSON.parse(
  readFileSync(new URL('../fixtures/spoolman-recording.json', import.meta.url), 'utf8'),
)

/** Where the server replies otherwise than the original: see docs/differences.md. */
const DIFFERENT: Readonly<Record<string, unknown>> = {
  clear_null: { result: { spool_id: null } },
  'proxy.nonjson.v1': { error: { code: 500, message: 'Spoolman returned something other than JSON' } },
  'proxy.drop.v2': {
    result: {
      response: null,
      error: { status_code: 500, message: 'Spoolman: {address}: socket hang up' },
    },
  },
}

test('Spoolman gets the requests of the original, and clients its replies', async t => {
  await using scene = await Scene.start()
  const { spoolman, client, klippy, rig } = scene
  const call = async ({ method, remote, http, path = '', params, body }: SpoolExchange) => {
    if (remote !== undefined) return klippy.call(remote, params)
    if (method !== undefined) return client.call(method, params)
    const { json } = await sendRequest(rig.port, path, {
      verb: http ?? 'GET',
      ...(body !== undefined && {
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    return json
  }
  for (const exchange of exchanges) {
    await t.test(exchange.name, async () => {
      const { name, reply, active, sent } = exchange
      const answers = [...sent]
      spoolman.failure = () => {
        // A GET over a kept connection is sent again.
        if (answers[0]?.drops) return 'drop before'
        const answer = answers.shift()
        if (answer === undefined) return { status: 500, body: 'unexpected' }
        return { status: answer.status ?? 200, body: answer.answer ?? '' }
      }
      const [frames, requests] = [client.frames.length, spoolman.requests.length]
      const { result, error } = (await call(exchange)) ?? {}
      if (typeof result === 'object') delete result?.response_headers
      const reason = result?.error?.message?.replace(/127\.0\.0\.1:\d+/, '{address}')
      if (reason !== undefined) result.error.message = reason
      if (reply !== undefined)
        assert.deepEqual(error === undefined ? { result } : { error }, DIFFERENT[name] ?? reply)
      const received = spoolman.requests.slice(requests)
      if (answers[0]?.drops) received.splice(1)
      assert.deepEqual(
        received.map(({ method, path, body }) => ({ method, path, body })),
        sent.map(({ method, path, body = null }) => ({ method, path, body })),
      )
      if (active === undefined) return
      const notified = () =>
        client.frames.slice(frames).filter(({ method }) => method === 'notify_active_spool_set')
      if (active.length > 0)
        await client.find((_, index) => index >= frames && notified().length === active.length)
      assert.deepEqual(
        notified().map(({ params }) => params[0].spool_id),
        active,
      )
    })
  }
})
