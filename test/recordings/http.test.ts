// Recorded exchanges over HTTP, replayed against a whole server.
import assert from 'node:assert/strict'
import { type IncomingHttpHeaders, request } from 'node:http'
import { test } from 'node:test'
import { startRig } from '../support/rig.ts'
import { compareReply, type HttpExchange, loadRecording, same } from './fixture.ts'
import { improvementOf } from './improvements.ts'
import { openWebSocket } from './lasting.ts'
import { fillIn, prepare } from './prepare.ts'

interface HttpReply {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Call = Pick<HttpExchange, 'method' | 'path' | 'headers' | 'body'>

/** Sends exactly the headers that are given, as the recording client did. */
function send(url: string, { method, path, headers, body }: Call): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }
    const sent = request(
      `${url}${path}`,
      { method, headers: { ...headers, ...length }, agent: false },
      res => {
        let text = ''
        res.setEncoding('utf8')
        res.on('data', chunk => {
          text += chunk
        })
        res.on('end', () => {
          const { statusCode = 0, statusMessage = '' } = res
          resolve({ status: statusCode, reason: statusMessage, headers: res.headers, body: text })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** How a reply differs from what is expected, one line each. */
function compare(expected: HttpExchange, { status, reason, headers, body }: HttpReply): string[] {
  return [
    ...same('status', expected.status, status),
    ...same('reason', expected.reason, reason),
    ...Object.entries(expected.replyHeaders).flatMap(([name, value]) => same(name, value, headers[name])),
    ...same('etag', expected.etag, headers.etag !== undefined),
    ...(expected.reply === null ? same('body', '', body) : compareReply(expected.reply, JSON.parse(body))),
  ]
}

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
