// The transports of SockJS under the push socket: framed WebSocket, polling, streaming.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { HandClock } from '../../support/hand-clock.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { type Reply, sendRequest } from '../../support/raw-http.ts'
import { bearer, createUser, ELSEWHERE, TRUST_LOOPBACK } from '../access/access-rig.ts'
import { startOctoPrint, type Target } from './octo-rig.ts'

const NO_PRINTER = { printer: 'none' as const }

function send(
  { port }: Target,
  path: string,
  body = '',
  headers: Record<string, string> = {},
): Promise<Reply> {
  return sendRequest(port, `/sockjs/000/${path}`, { verb: 'POST', body, headers })
}

/** The messages of a frame of one line. */
const messagesOf = ({ body }: Reply) => (JSON.parse(body.slice(1)) as string[]).map(text => JSON.parse(text))

test('the service introduces itself, and has no other transports', async () => {
  await using rig = await startOctoPrint('', NO_PRINTER)
  assert.equal((await sendRequest(rig.port, '/sockjs')).body, 'Welcome to SockJS!\n')
  const { json, headers } = await sendRequest(rig.port, '/sockjs/info?t=1')
  assert.deepEqual([json.websocket, json.cookie_needed, json.origins], [true, false, ['*:*']])
  assert.ok(Number.isInteger(json.entropy))
  assert.equal(headers['cache-control'], 'no-store')
  for (const path of ['a/eventsource', 'a/jsonp', 'a/websocket', 'a', 'a/b/xhr']) {
    assert.equal((await send(rig, path)).status, 404, path)
  }
  assert.equal((await sendRequest(rig.port, '/sockjs/000/a/xhr')).status, 404)
})

test('a framed WebSocket opens, carries lists of messages and beats', async () => {
  await using rig = await startOctoPrint('', { ...NO_PRINTER, clock: quickClock(100) })
  const ws = new WebSocket(`ws://127.0.0.1:${rig.port}/sockjs/000/session/websocket`)
  const frames: string[] = []
  const beat = new Promise<void>(resolve => {
    ws.on('message', data => {
      frames.push((data as Buffer).toString())
      if (frames.includes('h') && frames.some(frame => frame.includes('reauthRequired'))) resolve()
    })
  })
  await once(ws, 'open')
  ws.send('["{\\"auth\\": \\"_api:wrong\\"}"]')
  ws.send('')
  await beat
  assert.equal(frames[0], 'o')
  assert.deepEqual(Object.keys(JSON.parse(JSON.parse((frames[1] as string).slice(1))[0])), ['connected'])
  ws.send('{')
  const [code] = await once(ws, 'close')
  assert.equal(code, 1007)
})

test('polling receives what waits, then waits for more; the client sends by other requests', async () => {
  await using rig = await startOctoPrint('', NO_PRINTER)
  const first = await send(rig, 's/xhr')
  assert.deepEqual([first.status, first.body], [200, 'o\n'])
  assert.equal(first.headers['cache-control'], 'no-store')
  const second = await send(rig, 's/xhr')
  assert.ok('connected' in messagesOf(second)[0])
  const sent = await send(rig, 's/xhr_send', '["{\\"auth\\": \\"_api:wrong\\"}"]')
  assert.deepEqual([sent.status, sent.body], [204, ''])
  let messages: object[] = messagesOf(second)
  while (!messages.some(message => 'reauthRequired' in message)) {
    messages = messagesOf(await send(rig, 's/xhr'))
  }
  for (const body of ['', '{', '[1]']) assert.equal((await send(rig, 's/xhr_send', body)).status, 400, body)
  assert.equal((await send(rig, 'none/xhr_send', '[]')).status, 404)
  assert.equal((await send(rig, 's/xhr_send', 'x'.repeat(70_000))).status, 413)
})

test('streaming uses one response, which ends when the server stops', async () => {
  await using rig = await startOctoPrint('', NO_PRINTER)
  const req = request({
    port: rig.port,
    host: '127.0.0.1',
    path: '/sockjs/000/s/xhr_streaming',
    method: 'POST',
  })
  req.end()
  const [res] = await once(req, 'response')
  res.setEncoding('utf8')
  let text = ''
  const ended = once(res, 'end')
  await new Promise<void>(resolve => {
    res.on('data', (chunk: string) => {
      text += chunk
      if (text.includes('connected')) resolve()
    })
  })
  const [prelude, open, message] = text.split('\n')
  assert.deepEqual([prelude, open, message?.[0]], ['h'.repeat(2048), 'o', 'a'])
  const other = await send(rig, 's/xhr')
  assert.equal(other.body, 'c[2010,"Another connection still open"]\n')
  await rig.server.stop()
  await ended
})

test('a session is of the user who opened it, and is forgotten without requests', async () => {
  const clock = new HandClock()
  await using rig = await startOctoPrint('', { ...NO_PRINTER, clock, authorization: TRUST_LOOPBACK })
  assert.equal((await send(rig, 's/xhr', '', ELSEWHERE)).status, 401)
  const { token } = await createUser(rig, 'v', { role: 'viewer' })
  assert.equal((await send(rig, 's/xhr', '', bearer(token))).body, 'o\n')
  assert.equal((await send(rig, 's/xhr')).status, 404)
  assert.equal((await send(rig, 's/xhr_send', '[]')).status, 404)
  assert.equal((await send(rig, 's/xhr_send', '[]', bearer(token))).status, 204)
  clock.pass(6)
  assert.equal((await send(rig, 's/xhr_send', '[]', bearer(token))).status, 404)
})

test('sessions are limited', async () => {
  await using rig = await startOctoPrint('', { ...NO_PRINTER, clock: new HandClock() })
  for (let index = 0; index < 32; index += 1) {
    assert.equal((await send(rig, `s${index}/xhr`)).body, 'o\n')
  }
  assert.equal((await send(rig, 'one-more/xhr')).status, 503)
})
