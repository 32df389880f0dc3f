// Requests that two servers could read in two ways, and headers that are given twice: nothing of them is executed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { sendRaw, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

const SCRIPT = '/printer/gcode/script?script=M112'
const HOST = 'Host: localhost\r\n'
const INNER = `POST ${SCRIPT} HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`

test('a request with an ambiguous length is refused, and what is hidden in it is not executed', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  const before = klippy.count('gcode/script')
  const body = `0\r\n\r\n${INNER}`
  const length = `Content-Length: ${body.length}\r\n`
  for (const [headers, sent] of [
    [`${length}Transfer-Encoding: chunked\r\n`, body],
    [`Transfer-Encoding: chunked\r\n${length}`, body],
    [`${length}Transfer-Encoding: xchunked\r\n`, body],
    ['Transfer-Encoding: chunked, identity\r\n', body],
    ['Transfer-Encoding: identity\r\n', body],
    ['Transfer-Encoding: \x0bchunked\r\n', body],
    [' Transfer-Encoding: chunked\r\n', body],
    ['Transfer-Encoding : chunked\r\n', body],
    ['X: y\n Transfer-Encoding: chunked\r\n', body],
    [`${length}Content-Length: 0\r\n`, body],
    ['Content-Length: 0\r\nContent-Length: 5\r\n', INNER],
    ['Content-Length: +0\r\n', INNER],
    ['Content-Length: 0, 0\r\n', INNER],
    ['Content-Length: 0x0\r\n', INNER],
    ['Content-Length: -1\r\n', INNER],
    ['Content-Length: 99999999999999999999\r\n', INNER],
    ['Transfer-Encoding: chunked\r\n', `0;x\n\r\n\r\n${INNER}`],
    ['Transfer-Encoding: chunked\r\n', `-1\r\n${INNER}`],
    ['Transfer-Encoding: chunked\r\n', `0x0\r\n\r\n${INNER}`],
    ['Transfer-Encoding: chunked\r\n', `fffffffffffffffff\r\n${INNER}`],
  ] as const) {
    const reply = await sendRaw(rig.port, `POST /server/jsonrpc HTTP/1.1\r\n${HOST}${headers}\r\n${sent}`)
    assert.match(reply, /^HTTP\/1\.1 4\d\d /, JSON.stringify(headers))
    assert.equal(reply.match(/HTTP\/1\.1 /g)?.length, 1, JSON.stringify(headers))
  }
  assert.equal(klippy.count('gcode/script'), before)
  assert.equal((await sendRequest(rig.port, SCRIPT, { verb: 'POST' })).status, 200)
})

test('lines that are not those of HTTP are refused', async () => {
  await using rig = await startRig({ printer: 'none' })
  for (const request of [
    `GET /server/info HTTP/1.1\r\n${HOST}Host: evil.example\x00\r\n\r\n`,
    `GET /server/info HTTP/1.1\r\n${HOST}X-A\x00: b\r\n\r\n`,
    `GET /server/info HTTP/1.1\r\n${HOST}X A: b\r\n\r\n`,
    `GET /server/info HTTP/1.1\r\n${HOST}: b\r\n\r\n`,
    'GET /server/info HTTP/1.1\r\n\r\n',
    `GET /server/info HTTP/9.9\r\n${HOST}\r\n`,
    `G\x00ET /server/info HTTP/1.1\r\n${HOST}\r\n`,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ]) {
    assert.match(await sendRaw(rig.port, request), /^HTTP\/1\.1 (400|505) /, JSON.stringify(request))
  }
})

test('a request with two Host headers is refused, on each way into the server', async () => {
  await using rig = await startRig({ printer: 'none' })
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
  const refusal = /^HTTP\/1\.1 400 [\s\S]*"The request has more than one Host header"/
  for (const second of [HOST, 'hOsT: localhost\r\n', 'Host: evil.example\r\n']) {
    for (const [target, headers] of [
      ['/server/info', ''],
      ['/server/info?a=\xe4', ''],
      ['/websocket', upgrade],
    ] as const) {
      const reply = await sendRaw(rig.port, `GET ${target} HTTP/1.1\r\n${HOST}${second}${headers}\r\n`)
      assert.match(reply, refusal, JSON.stringify([target, second]))
    }
  }
  const single = await sendRaw(rig.port, `GET /server/info HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  assert.match(single, /^HTTP\/1\.1 200 /)
})

test('credentials that are given twice are not valid', async () => {
  await using rig = await startRig({ printer: 'none' })
  const key: string = (await sendRequest(rig.port, '/access/api_key')).json.result
  const elsewhere = 'X-Forwarded-For: 203.0.113.5\r\nConnection: close\r\n'
  const status = async (headers: string) =>
    (await sendRaw(rig.port, `GET /server/info HTTP/1.1\r\n${HOST}${elsewhere}${headers}\r\n`)).slice(9, 12)
  assert.equal(await status(`X-Api-Key: ${key}\r\n`), '200')
  assert.equal(await status(`X-Api-Key: wrong\r\nX-Api-Key: ${key}\r\n`), '401')
  assert.equal(await status(`X-Api-Key: ${key}, ${key}\r\n`), '401')
  assert.equal(await status(`X_Api_Key: ${key}\r\n`), '401', 'another name')
  assert.equal(await status(`Authorization: Bearer wrong\r\nAuthorization: Bearer ${key}\r\n`), '401')
  assert.equal(await status(`Authorization: Basic ${key}\r\n`), '401')
})
