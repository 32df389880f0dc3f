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

test('print.*, reconnect, status_*: reports that fail are added up, as in the original', async t => {
  await using scene = await Scene.start()
  const { spoolman, client } = scene
  let status = 200
  spoolman.failure = ({ method }) =>
    method === 'PUT' && status !== 200 ? { status, body: '{"message":"db locked"}' } : null
  const reported = (spool: number, length: number) =>
    spoolman.until(() => spoolman.reports().at(-1)?.join() === `${spool},${length}`)
  const state = (spool_id: number | null, isConnected: boolean, ...used: number[]) => ({
    spoolman_connected: isConnected,
    pending_reports: used.map(filament_used => ({ spool_id, filament_used })),
    spool_id,
  })

  await t.test('print.report_500, print.status_500', async () => {
    await scene.set(2)
    await scene.move(2)
    await reported(2, 2)
    status = 500
    await scene.move(4)
    await reported(2, 2)
    await scene.move(6)
    await reported(2, 4)
    assert.deepEqual(await scene.status(), state(2, true, 4))
  })
  await t.test('print.status_disconnected, reconnect', async () => {
    await spoolman.close()
    await scene.connected(false)
    await scene.move(8)
    assert.deepEqual(await scene.status(), state(2, false, 6))
    status = 200
    const from = spoolman.requests.length
    await spoolman.listen()
    await reported(2, 6)
    const received = spoolman.requests.slice(from).map(({ method, path }) => `${method} ${path}`)
    // A report whose reply was lost with the connection is a further reason to read the spool.
    assert.deepEqual([...new Set(received)], ['GET /api/v1/spool/2', 'PUT /api/v1/spool/2/use'])
    assert.equal(received.filter(text => text.startsWith('PUT')).length, 1)
    assert.equal(spoolman.used(2), 8)
  })
  await t.test('print.report_404, print.status_after_404', async () => {
    status = 404
    const from = client.frames.length
    await scene.move(10)
    await client.find(({ method, params }, index) => {
      return index >= from && method === 'notify_active_spool_set' && params[0].spool_id === null
    })
    assert.deepEqual(await scene.status(), state(null, true))
  })
  await t.test('ws.deleted_active, status_after_deleted', async () => {
    await scene.set(3)
    const from = client.frames.length
    spoolman.event('deleted', spoolman.spools.get(3))
    await client.find(({ method, params }, index) => {
      return index >= from && method === 'notify_active_spool_set' && params[0].spool_id === null
    })
    assert.deepEqual(await scene.status(), state(null, true))
  })
})
