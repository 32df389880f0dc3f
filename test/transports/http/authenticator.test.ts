// Where requests come from, and what that allows: forwarded addresses, pages of other sites.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api, type Endpoint } from '../../../src/api/index.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

const TRUST_LOOPBACK = 'trusted_clients: 127.0.0.0/8'

const start = (authorization: string, server = '') => startRig({ printer: 'none', authorization, server })

const status = async (rig: Rig, headers: Record<string, string | string[]>, path = '/server/info') =>
  (await sendRequest(rig.port, path, { headers })).status

test('the address that a trusted proxy reports counts, read from the right', async () => {
  await using rig = await start(
    `trusted_clients:\n  127.0.0.1\n  10.0.0.0/8\ntrusted_proxies:\n  192.168.1.0/24`,
  )
  const cases: [string, number][] = [
    ['10.1.2.3', 200],
    ['8.8.8.8', 401],
    ['8.8.8.8, 10.1.2.3', 200],
    ['10.1.2.3, 8.8.8.8', 401],
    ['8.8.8.8, 192.168.1.7', 401],
    ['10.1.2.3, 192.168.1.7, 192.168.1.8', 200],
    ['8.8.8.8, 10.1.2.3, 192.168.1.7', 200],
    ['::ffff:10.1.2.3', 200],
    ['127.0.0.1', 200],
    ['192.168.1.9', 401],
  ]
  for (const [chain, expected] of cases) {
    assert.equal(await status(rig, { 'X-Forwarded-For': chain }), expected, chain)
  }
  assert.equal(await status(rig, { 'X-Forwarded-For': ['8.8.8.8', '10.1.2.3'] }), 200, 'two header lines')
  assert.equal(await status(rig, { 'X-Real-IP': '8.8.8.8' }), 401)
  assert.equal(await status(rig, { 'X-Real-IP': '10.9.9.9' }), 200)
  assert.equal(await status(rig, { 'X-Forwarded-For': '8.8.8.8', 'X-Real-IP': '10.9.9.9' }), 401)
})

test("a port after a proxy's address is ignored", async () => {
  await using rig = await start(TRUST_LOOPBACK)
  for (const [chain, expected] of [
    ['127.0.0.5:1234', 200],
    ['8.8.8.8:1234', 401],
    ['127.0.0.5:1234, 127.0.0.1', 200],
    ['[::1]:1234', 401],
    ['[::ffff:127.0.0.1]:80', 200],
    ['[2001:db8::1]', 401],
  ] as const) {
    for (const name of ['X-Forwarded-For', 'X-Real-IP']) {
      assert.equal(await status(rig, { [name]: chain }), expected, `${name}: ${chain}`)
    }
  }
})

test('a client that a proxy does not name has no rights, and is served', async () => {
  await using rig = await start(TRUST_LOOPBACK)
  for (const chain of [
    'unknown',
    '',
    'localhost',
    '_hidden',
    '1.2.3',
    '127.0.0.1:',
    '127.0.0.1:x',
    '[127.0.0.1',
    '10.0.0.1,',
    '127.0.0.1, unknown',
    'unknown, 127.0.0.1',
    ',',
    '127.0.0.1 127.0.0.1',
  ]) {
    assert.equal(await status(rig, { 'X-Forwarded-For': chain }), 401, chain)
    assert.equal(await status(rig, { 'X-Forwarded-For': chain }, '/access/info'), 200, chain)
  }
})

test('a peer that is not a trusted proxy cannot report an address', async () => {
  await using rig = await start('trusted_clients: 10.0.0.0/8')
  for (const name of ['X-Forwarded-For', 'X-Real-IP']) {
    assert.equal(await status(rig, { [name]: '10.1.2.3' }), 401)
    assert.equal(await status(rig, { [name]: 'garbage' }), 401)
  }
  await using other = await start('trusted_clients: 127.0.0.1\ntrusted_proxies: 192.168.1.1')
  assert.equal(
    await status(other, { 'X-Forwarded-For': '8.8.8.8' }),
    401,
    'loopback is trusted, so it is a proxy',
  )
})

const CHANGING: [string, string][] = [
  ['POST', '/server/restart'],
  ['POST', '/printer/gcode/script?script=G28'],
  ['GET', '/printer/gcode/script?script=G28'],
  ['POST', '/printer/emergency_stop'],
  ['GET', '/printer/objects/subscribe?toolhead&connection_id=1'],
  ['POST', '/server/files/upload'],
  ['POST', '/server/jsonrpc'],
  ['GET', '/printer/bed_mesh/dump_mesh'],
]

test('a page of another site changes nothing, from any address', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  const before = klippy.requests.length
  let restarts = 0
  void rig.restartRequested.then(() => {
    restarts += 1
  })
  const pages: Record<string, string>[] = [
    { Origin: 'http://evil.example' },
    { Origin: 'null' },
    { Origin: `http://localhost:${rig.port}` },
    { Origin: `http://10.0.0.1:${rig.port}` },
    { Origin: `http://127.0.0.1:${rig.port}.evil.example` },
    { Origin: 'file://' },
    { Origin: 'garbage' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { Origin: 'http://evil.example', 'Sec-Fetch-Site': 'same-origin' },
  ]
  for (const headers of pages) {
    for (const [verb, path] of CHANGING) {
      const reply = await sendRequest(rig.port, path, { verb, headers })
      assert.equal(reply.status, 403, `${verb} ${path} ${JSON.stringify(headers)}`)
      assert.match(reply.json.error.message, /^Requests from .* are not allowed; see 'cors_domains'/)
      assert.equal(reply.headers['access-control-allow-origin'], undefined)
    }
  }
  assert.equal(klippy.requests.length, before, 'nothing has reached Klippy')
  assert.equal((await sendRequest(rig.port, '/server/info')).status, 200)
  assert.equal(restarts, 0)
})

test("the server's own pages, allowed sites and programs may change things", async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  for (const headers of [
    {},
    { Origin: `http://127.0.0.1:${rig.port}`, 'Sec-Fetch-Site': 'same-origin' },
    { Origin: 'http://allowed.test', 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-origin' },
    { 'Sec-Fetch-Site': 'none' },
    { Referer: 'http://evil.example/' },
  ]) {
    const { status } = await sendRequest(rig.port, '/printer/gcode/script?script=G28', {
      verb: 'POST',
      headers,
    })
    assert.equal(status, 200, JSON.stringify(headers))
  }
})

test('pages of other sites may send reading requests, but cannot read the replies', async () => {
  await using rig = await startRig({ printer: 'none' })
  const { status, headers } = await sendRequest(rig.port, '/server/info', {
    headers: { Origin: 'http://evil.example' },
  })
  assert.equal(status, 200)
  assert.equal(headers['access-control-allow-origin'], undefined)
  assert.equal(headers.vary, 'Origin')
})

test('pages of allowed sites can read every reply, errors too', async () => {
  await using rig = await startRig({ printer: 'none' })
  const origin = 'http://allowed.test'
  for (const path of [
    '/server/info',
    '/nosuch',
    '/printer/info',
    '/server/%',
    '/server/gcode_store?count=x',
    '/server/restart',
    '/server/files/gcodes/no.gcode',
  ]) {
    const { headers } = await sendRequest(rig.port, path, { headers: { Origin: origin } })
    assert.equal(headers['access-control-allow-origin'], origin, path)
    assert.equal(headers.vary, 'Origin')
  }
  const info = await sendRequest(rig.port, '/server/info')
  const headers = { Origin: origin, 'If-None-Match': String(info.headers.etag) }
  const known = await sendRequest(rig.port, '/server/info', { headers })
  assert.deepEqual([known.status, known.headers['access-control-allow-origin']], [304, origin])
})

test('a preflight is answered for allowed sites only', async () => {
  await using rig = await startRig({ printer: 'none' })
  const preflight = (headers: Record<string, string>) =>
    sendRequest(rig.port, '/server/database/item', { verb: 'OPTIONS', headers })
  const allowed = await preflight({ Origin: 'http://allowed.test', 'Access-Control-Request-Method': 'POST' })
  assert.equal(allowed.status, 204)
  assert.equal(allowed.headers['access-control-allow-origin'], 'http://allowed.test')
  assert.equal(allowed.headers['access-control-allow-methods'], 'GET, POST, PUT, DELETE, OPTIONS')
  assert.match(String(allowed.headers['access-control-allow-headers']), /X-Access-Token, X-Api-Key/)
  assert.equal(allowed.headers['access-control-allow-private-network'], undefined)
  const private_ = { Origin: 'http://allowed.test', 'Access-Control-Request-Private-Network': 'true' }
  assert.equal((await preflight(private_)).headers['access-control-allow-private-network'], 'true')
  for (const origin of ['http://evil.example', 'null']) {
    const refused = await preflight({ Origin: origin })
    assert.equal(refused.status, 405)
    assert.equal(refused.headers['access-control-allow-origin'], undefined)
  }
})

test('where cors_domains is set, pages opened by a trusted address are allowed as well', async () => {
  const trusted = 'trusted_clients:\n  127.0.0.0/8\n  192.168.0.0/16\n  fe80::/10'
  await using rig = await start(`${trusted}\ncors_domains: *.lan`)
  for (const Origin of [
    'http://192.168.1.10',
    'http://127.0.0.1:81',
    'https://192.168.1.10:8443',
    'http://[fe80::1]:80',
  ]) {
    using client = await WebClient.open(rig.url, { Origin })
    assert.ok((await client.call('server.info')).result)
    for (const verb of ['GET', 'POST', 'OPTIONS']) {
      const reply = await sendRequest(rig.port, verb === 'POST' ? '/access/oneshot_token' : '/server/info', {
        verb,
        headers: { Origin },
      })
      assert.notEqual(reply.status, 403)
      assert.equal(reply.headers['access-control-allow-origin'], Origin, `${verb} ${Origin}`)
    }
  }
  for (const Origin of [
    'http://8.8.8.8',
    'http://192.168.1.10.evil.example',
    'http://192.168.1.10@8.8.8.8',
    'http://user:192.168.1.10',
    'file://192.168.1.10',
    'http://192.168.1',
    'null',
  ]) {
    await assert.rejects(WebClient.open(rig.url, { Origin }), /refused: 403/, Origin)
    const { headers } = await sendRequest(rig.port, '/server/info', { headers: { Origin } })
    assert.equal(headers['access-control-allow-origin'], undefined, Origin)
  }
  await using unset = await start(trusted)
  await assert.rejects(WebClient.open(unset.url, { Origin: 'http://192.168.1.10' }), /refused: 403/)
})

test('a WebSocket of another site is refused, on the bridge too', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  for (const path of ['/websocket', '/klippysocket']) {
    const open = (headers: Record<string, string>) => WebClient.open(`${rig.url}${path}`, headers)
    for (const Origin of ['http://evil.example', 'null', `http://localhost:${rig.port}`]) {
      await assert.rejects(open({ Origin }), /refused: 403/, `${path} ${Origin}`)
    }
    await assert.rejects(open({ 'Sec-Fetch-Site': 'cross-site' }), /refused: 403/)
    for (const headers of [
      {},
      { Origin: `http://127.0.0.1:${rig.port}` },
      { Origin: 'http://allowed.test' },
    ]) {
      using client = await open(headers)
      assert.equal(client.ws.readyState, client.ws.OPEN)
    }
  }
})

test('an unauthenticated client gets nothing over HTTP', async () => {
  await using rig = await start('trusted_clients: 10.0.0.0/8')
  for (const path of [
    '/server/info',
    '/server/config',
    '/printer/info',
    '/server/files/list',
    '/server/files/config/moonraker.conf',
    '/server/files/gcodes/a.gcode',
  ]) {
    const { status, json } = await sendRequest(rig.port, path)
    assert.deepEqual([status, json], [401, { error: { code: 401, message: 'Unauthorized' } }], path)
  }
  assert.equal((await postJson(rig.port, '/server/restart', {})).status, 401)
  assert.equal((await sendRequest(rig.port, '/server/files/upload', { verb: 'POST' })).status, 401)
  const call = await postJson(rig.port, '/server/jsonrpc', { jsonrpc: '2.0', method: 'server.info', id: 1 })
  assert.equal(call.status, 200)
  assert.deepEqual(call.json.error, { code: -32602, message: 'Unauthorized' })
})

test('no method with authentication serves an unauthenticated client, on any transport', async () => {
  await using rig = await start('trusted_clients: 10.0.0.0/8')
  using unauthenticated = await WebClient.open(rig.url)
  let requests = 0
  for (const [name, { auth, transports, routes }] of Object.entries<Endpoint>(api)) {
    if (!auth) continue
    const { error } = await unauthenticated.call(name)
    if (error.message === 'Method not found') continue
    const expected = transports.includes('websocket')
      ? 'Unauthorized'
      : 'Method not found for transport WEBSOCKET'
    assert.equal(error.message, expected, name)
    for (const { verb, path } of routes) {
      const { status } = await sendRequest(rig.port, path, { verb })
      assert.equal(status, 401, `${verb} ${path}`)
      requests += 1
    }
  }
  assert.ok(requests > 20, String(requests))
})

test('an unauthenticated client receives nothing on a WebSocket, which stays open', async () => {
  await using klippy = await FakeKlippy.start()
  const authorization = 'trusted_clients:\n  127.0.0.1\n  10.0.0.0/8'
  await using rig = await startRig({ klippySocket: klippy.path, authorization, ready: true })
  const elsewhere = { 'X-Forwarded-For': '8.8.8.8' }
  using unauthenticated = await WebClient.open(rig.url, elsewhere)
  using trusted = await WebClient.open(rig.url)
  klippy.print('hello')
  await trusted.notified('notify_gcode_response')
  for (const method of ['server.info', 'printer.info', 'printer.objects.subscribe', 'server.websocket.id']) {
    assert.deepEqual(
      (await unauthenticated.call(method)).error,
      { code: -32602, message: 'Unauthorized' },
      method,
    )
  }
  const identity = { client_name: 'x', version: '1', type: 'web', url: 'x' }
  const refused = await unauthenticated.call('server.connection.identify', identity)
  assert.deepEqual(refused.error, { code: -32602, message: 'Unauthorized' })
  assert.deepEqual(
    unauthenticated.frames.filter(({ method }) => method !== undefined),
    [],
  )
  await assert.rejects(WebClient.open(`${rig.url}/klippysocket`, elsewhere), /refused: 401/)
})

test('wrong credentials are refused even from a trusted address', async () => {
  await using rig = await start(TRUST_LOOPBACK)
  assert.equal(await status(rig, { Authorization: 'Bearer abc' }), 401)
  using client = await WebClient.open(rig.url, { Authorization: 'Bearer abc' })
  assert.deepEqual((await client.call('server.info')).error, { code: -32602, message: 'Unauthorized' })
  await assert.rejects(
    WebClient.open(`${rig.url}/klippysocket`, { Authorization: 'Bearer abc' }),
    /refused: 401/,
  )
})

test('an error contains nothing about the host', async () => {
  await using rig = await startRig({ printer: 'none' })
  for (const path of [
    '/server/files/gcodes/nosuch.gcode',
    '/server/files/config/a%00b',
    '/server/files/logs/../../etc/passwd',
    '/server/files/gcodes/a%20b/c.gcode',
  ]) {
    const { status, body } = await sendRequest(rig.port, path)
    assert.ok(status >= 400 && status < 500, path)
    assert.ok(!body.includes(rig.dataPath) && !/traceback|\.ts:|node:/.test(body), body)
  }
})

test('a browser changes nothing by GET, a program may', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, authorization: TRUST_LOOPBACK })
  const path = '/printer/gcode/script?script=M112'
  const browser = { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64)' }
  assert.equal(await status(rig, browser, path), 403)
  assert.equal(await status(rig, { ...browser, 'Sec-Fetch-Site': 'none' }, path), 403)
  for (const dest of ['image', 'document', 'iframe', 'script', undefined]) {
    const own = { 'Sec-Fetch-Site': 'same-origin', ...(dest !== undefined && { 'Sec-Fetch-Dest': dest }) }
    assert.equal(await status(rig, own, path), 403, `a camera redirects a load of ${dest}`)
  }
  const script = { ...browser, 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Dest': 'empty' }
  assert.equal(await status(rig, script, path), 200)
  assert.equal(await status(rig, browser), 200, 'reading is allowed')
  assert.equal(await status(rig, { 'User-Agent': 'curl/8' }, path), 200)
})
