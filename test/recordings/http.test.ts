// Recorded exchanges over HTTP, replayed against a whole server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRig } from '../support/rig.ts'
import { type HttpExchange, loadRecording } from './fixture.ts'
import { compare, send } from './http-exchange.ts'
import { improvementOf } from './improvements.ts'
import { openWebSocket } from './lasting.ts'
import { CONFIGURATION, fillIn, prepare } from './prepare.ts'

/** An id of a connection that lives as long as the test, for the requests that name one. */
async function connectionId(connection: Awaited<ReturnType<typeof openWebSocket>>): Promise<number> {
  connection.send('{"jsonrpc":"2.0","method":"server.websocket.id","id":1}')
  const { result } = (await connection.next()) as { result: { websocket_id: number } }
  return result.websocket_id
}

for (const recording of ['http_core', 'http_jsonrpc', 'http_db', 'http_jobqueue', 'http_files']) {
  test(`HTTP: ${recording}`, async t => {
    await using rig = await startRig({
      authorization: 'trusted_clients:\n  127.0.0.1\ncors_domains:\n  *',
      conf: CONFIGURATION,
    })
    await using connection = await openWebSocket(`${rig.url}/websocket`)
    const id = await connectionId(connection)
    await prepare(recording, rig)
    for (const exchange of loadRecording<HttpExchange>(recording)) {
      await t.test(exchange.name, async () => {
        const headers = { ...exchange.headers }
        const path = await fillIn(exchange.path.replace('{connection_id}', String(id)), rig)
        if (headers['If-None-Match'] === '{etag}') {
          const first = await send(rig.url, { method: 'GET', path, headers: {} })
          headers['If-None-Match'] = first.headers.etag ?? ''
        }
        const reply = await send(rig.url, { ...exchange, path, headers })
        const better = improvementOf(recording, exchange)?.http
        assert.deepEqual(compare({ ...exchange, ...better }, reply), [])
        if (better !== undefined) {
          assert.notDeepEqual(compare(exchange, reply), [], 'no improvement any more: as recorded')
        }
      })
    }
  })
}
