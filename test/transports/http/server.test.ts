import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import { EntityTags } from '../../../src/transports/http/entity-tags.ts'
import { sendRaw, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

const bare = (server = '') => startRig({ printer: 'none', server })

test('errors come as JSON with their status, and the reason repeats the message', async () => {
  await using rig = await bare()
  const { status, reason, json, headers } = await sendRequest(rig.port, '/server/gcode_store?count=x')
  const message = 'Unable to convert argument [count] to int: value received: x'
  assert.equal(status, 400)
  assert.equal(reason, message)
  assert.deepEqual(json, { error: { code: 400, message } })
  assert.equal(headers['content-type'], 'application/json; charset=UTF-8')
  assert.equal(headers['x-content-type-options'], 'nosniff')
})

test('an error keeps the connection open, except where a body has not arrived', async () => {
  await using rig = await bare()
  const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`
  const text = await sendRaw(rig.port, get('/nosuch') + get('/server/info', 'Connection: close\r\n'))
  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 404', 'HTTP/1.1 200'])
  const half = await sendRaw(rig.port, 'POST /nosuch HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')
  assert.match(half, /^HTTP\/1\.1 404 .*Connection: close/s)
})

test('text of the caller cannot add a header through the reason phrase', async () => {
  await using rig = await bare()
  for (const value of ['%0d%0aX-Evil: 1', '%00', '\u00fc', 'x'.repeat(5000)]) {
    const { status, headers } = await sendRequest(rig.port, `/server/gcode_store?count=${encodeURI(value)}`)
    assert.equal(status, 400)
    assert.equal(headers['x-evil'], undefined)
  }
})

test('unknown paths are 404, known ones with another verb 405', async () => {
  await using rig = await bare()
  for (const path of [
    '/nosuch',
    '/server',
    '/server/',
    '/server/info/',
    '//server/info',
    '/printer/nosuch',
    '/Server/Info',
  ]) {
    assert.equal((await sendRequest(rig.port, path)).status, 404, path)
  }
  for (const verb of ['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS']) {
    const { status, body } = await sendRequest(rig.port, '/server/info', { verb })
    assert.equal(status, 405, verb)
    assert.equal(body === '', verb === 'HEAD')
  }
  assert.equal((await sendRequest(rig.port, '/server/restart')).status, 405)
  assert.equal((await sendRequest(rig.port, '/server/files/upload')).status, 405)
  assert.equal((await sendRequest(rig.port, '/server/jsonrpc')).status, 405)
})

test('a path may be percent-encoded; an invalid encoding is refused', async () => {
  await using rig = await bare()
  assert.equal((await sendRequest(rig.port, '/server/%69nfo')).status, 200)
  assert.equal((await sendRequest(rig.port, '/server%2Finfo')).status, 200)
  for (const path of ['/server/%', '/server/%zz', '/server/%ff', '/%c0%af']) {
    const { status, json } = await sendRequest(rig.port, path)
    assert.equal(status, 400, path)
    assert.equal(json.error.message, 'The path is not valid percent-encoding')
  }
})

test('a target may be a whole URL, whose host counts instead of the Host header', async () => {
  await using rig = await bare()
  const get = (target: string, host = 'localhost') =>
    sendRaw(rig.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  assert.match(
    await get('http://localhost:7125/server/files/list?root=config'),
    /^HTTP\/1\.1 200 .*moonraker\.conf/s,
  )
  assert.match(await get('HTTP://localhost/server/info#top', 'evil.example'), /^HTTP\/1\.1 200 /)
  assert.match(await get('http://evil.example/access/api_key'), /^HTTP\/1\.1 401 /)
  assert.match(await get('http://localhost@evil.example/access/api_key'), /^HTTP\/1\.1 401 /)
  for (const target of [
    'http://',
    'http:///server/info',
    'ftp://localhost/server/info',
    'localhost/server/info',
  ])
    assert.match(await get(target), /^HTTP\/1\.1 40[04] /, target)
  const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
  const socket = connect(rig.port, '127.0.0.1')
  socket.write(
    `GET ws://localhost/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`,
  )
  const [reply] = await once(socket, 'data')
  assert.match(reply.toString(), /^HTTP\/1\.1 101 /)
  socket.destroy()
})

test('a query with an invalid encoding is read as it is', async () => {
  await using rig = await bare()
  assert.equal((await sendRequest(rig.port, '/server/info?%=%ff&&&=')).status, 200)
})

test('the server does not send a reply again that the client has', async () => {
  await using rig = await bare()
  const first = await sendRequest(rig.port, '/server/config')
  const etag = String(first.headers.etag)
  assert.match(etag, /^"[0-9a-z-]+"$/)
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await sendRequest(rig.port, '/server/config', { headers: { 'If-None-Match': known } })
    assert.equal(again.status, 304, known)
    assert.equal(again.body, '')
    assert.equal(again.headers.etag, etag)
  }
  const other = await sendRequest(rig.port, '/server/config', { headers: { 'If-None-Match': '"other"' } })
  assert.equal(other.status, 200)
  assert.equal(other.body, first.body)
})

test('a reply that changes has another tag, also after a restart', () => {
  const tags = new EntityTags()
  const [first, second] = [tags.of('/a', 'one'), tags.of('/a', 'two')]
  const all = [first, second, tags.of('/a', 'one'), tags.of('/b', 'one'), new EntityTags().of('/a', 'two')]
  assert.equal(new Set(all).size, all.length)
  assert.equal(tags.of('/b', 'one'), all[3])
  const long = 'x'.repeat(100_000)
  assert.equal(tags.of('/long', long), tags.of('/long', long))
  assert.notEqual(tags.of('/long', long), tags.of('/long', `${long}x`))
})

test('JSON-RPC over HTTP always answers 200, and needs the right content type', async () => {
  await using rig = await bare()
  const post = (body: string, type = 'application/json') =>
    sendRequest(rig.port, '/server/jsonrpc', { verb: 'POST', headers: { 'Content-Type': type }, body })
  const info = await post('{"jsonrpc":"2.0","method":"server.info","id":0}')
  assert.deepEqual([info.status, info.json.id, info.json.result.klippy_state], [200, 0, 'disconnected'])
  assert.equal((await post('{', 'application/json; charset=utf-8')).json.error.code, -32700)
  assert.equal((await post('')).json.error.code, -32700)
  assert.equal((await post('{"jsonrpc":"2.0","method":"x","id":1}')).json.error.code, -32601)
  const lasting = await post('{"jsonrpc":"2.0","method":"server.websocket.id","id":1}')
  assert.equal(lasting.json.error.message, 'Method not found for transport HTTP')
  const notification = await post('{"jsonrpc":"2.0","method":"server.info"}')
  assert.deepEqual([notification.status, notification.body], [200, ''])
  const batch = await post(
    '[{"jsonrpc":"2.0","method":"server.files.roots","id":1},{"jsonrpc":"2.0","method":"x","id":2}]',
  )
  assert.deepEqual(
    batch.json.map(({ id }: { id: number }) => id),
    [1, 2],
  )
  for (const type of ['text/plain', '', 'application/x-www-form-urlencoded']) {
    assert.equal((await post('{}', type)).status, 400, type)
  }
})

test('a route prefix is the start of every path, of WebSockets too', async () => {
  for (const prefix of ['printer1', '/printer1/', '/printer1']) {
    await using rig = await bare(`route_prefix: ${prefix}`)
    assert.equal((await sendRequest(rig.port, '/printer1/server/info')).status, 200)
    for (const path of [
      '/server/info',
      '/printer1x/server/info',
      '/printer1server/info',
      '/',
      '/printer2/server/info',
    ]) {
      assert.equal((await sendRequest(rig.port, path)).status, 404, path)
    }
    using client = await WebClient.open(`${rig.url}/printer1/websocket`)
    assert.equal((await client.call('server.info')).result.websocket_count, 1)
    for (const path of ['/websocket', '/printer1websocket', '/printer1/x/websocket']) {
      await assert.rejects(WebClient.open(`${rig.url}${path}`), /refused: 404/, path)
    }
  }
})

test('bytes that are not HTTP are refused, and the server continues', async () => {
  await using rig = await bare()
  for (const bytes of ['hello\r\n\r\n', '\x16\x03\x01\x02\x00', 'GET\r\n\r\n', '\0\0\0\0\r\n\r\n']) {
    assert.match(await sendRaw(rig.port, bytes), /^HTTP\/1\.1 400 /)
  }
  const long = `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`
  assert.match(await sendRaw(rig.port, long), /^HTTP\/1\.1 431 /)
  assert.equal((await sendRequest(rig.port, '/server/info')).status, 200)
})

test('an offer of another protocol is ignored', async () => {
  await using rig = await bare()
  const headers =
    'Host: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'
  const reply = await sendRaw(rig.port, `GET /server/info HTTP/1.1\r\n${headers}\r\n`)
  assert.match(reply, /^HTTP\/1\.1 200 /)
})

test('a client that disconnects in the middle of its body causes no error', async () => {
  await using rig = await bare()
  const socket = connect(rig.port, '127.0.0.1')
  socket.write('POST /server/restart HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"half"')
  await once(socket, 'connect')
  socket.destroy()
  await once(socket, 'close')
  assert.equal((await sendRequest(rig.port, '/server/info')).status, 200)
  assert.doesNotMatch(rig.log.join('\n'), /ERROR/)
})

test('no more WebSockets than allowed open; one that closes frees its place', async () => {
  await using rig = await bare('max_websocket_connections: 2')
  using one = await WebClient.open(rig.url)
  using other = await WebClient.open(rig.url)
  await assert.rejects(WebClient.open(rig.url), /refused: 503/)
  const path = '/websocket'
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }
  const refusal = await sendRequest(rig.port, path, {
    headers: { ...headers, 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
  })
  assert.deepEqual(refusal.json, {
    error: { code: 503, message: 'Too many WebSockets: at most 2 are allowed' },
  })
  assert.equal((await other.call('server.info')).result.websocket_count, 2)
  one.ws.close()
  await one.closed
  using third = await WebClient.open(rig.url)
  assert.equal((await third.call('server.info')).result.websocket_count, 2)
})

test('too many connections are refused, and closed ones free their places', async () => {
  await using rig = await bare('max_websocket_connections: 1')
  const sockets: Socket[] = []
  const open = async () => {
    const socket = connect(rig.port, '127.0.0.1')
    socket.on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  for (let batch = 0; batch < 10; batch += 1) await Promise.all(Array.from({ length: 50 }, open))
  await open()
  const refused = await open()
  refused.setEncoding('utf8')
  const [text] = await once(refused, 'data')
  assert.match(text, /^HTTP\/1\.1 503 Service Unavailable\r\n/)
  assert.match(text, /Too many connections/)
  const gone = once(sockets[0] as Socket, 'close')
  for (const socket of sockets) socket.destroy()
  await gone
  while ((await sendRequest(rig.port, '/server/info').catch(() => ({ status: 0 }))).status !== 200);
})

test('an upgrade to another protocol than WebSocket is refused', async () => {
  await using rig = await bare()
  for (const path of ['/', '/server/info', '/websocket/', '/nosuch']) {
    await assert.rejects(WebClient.open(`${rig.url}${path}`), /refused: 404/, path)
  }
  const head = 'GET /websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  for (const version of ['', 'Sec-WebSocket-Version: 5\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n']) {
    assert.match(await sendRaw(rig.port, `${head}${version}\r\n`), /^HTTP\/1\.1 (400|426) /)
  }
  for (const path of ['/websocket', '/klippysocket']) {
    const { status, json } = await sendRequest(rig.port, path)
    assert.deepEqual(
      [status, json.error.message],
      [400, 'This address is for WebSockets: connect to it with a WebSocket client'],
    )
  }
})

test('a stop closes WebSockets with 1001 and does not wait for clients that do not answer', async () => {
  const rig = await bare()
  using polite = await WebClient.open(rig.url)
  using deaf = await WebClient.open(rig.url)
  deaf.ws.pause()
  const idle = connect(rig.port, '127.0.0.1')
  await once(idle, 'connect')
  const before = systemClock.monotonic()
  await rig[Symbol.asyncDispose]()
  assert.ok(
    systemClock.monotonic() - before < 10,
    'far from the half minute that a WebSocket may take to close',
  )
  assert.equal((await polite.closed).code, 1001)
  idle.destroy()
})
