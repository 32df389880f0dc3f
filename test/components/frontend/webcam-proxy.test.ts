// Cameras behind a front-end: passed on to their streamer, and to nowhere else.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { type TestContext, test } from 'node:test'
import { sendRaw, sendRequest } from '../../support/raw-http.ts'
import { type RigOptions, startRig } from '../../support/rig.ts'

async function streamer(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

/** A streamer that answers every request with these bytes. */
async function oddStreamer(t: TestContext, bytes: string): Promise<number> {
  const server = createTcpServer(socket => {
    t.after(() => socket.destroy())
    socket.on('error', () => {})
    socket.once('data', () => socket.write(bytes))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

function rigWith(target: string, more = '', options: Omit<RigOptions, 'conf'> = {}) {
  const site = `${tmpdir()}/no-such-site`
  const conf = `[frontend mainsail]\npath: ${site}\nwebcams:\n  /webcam/ = ${target}\n${more}`
  return startRig({ printer: 'none', conf, ...options })
}

test('path, query, verb and body reach the streamer; credentials do not', async t => {
  let seen: { verb?: string; url?: string; headers?: IncomingHttpHeaders; body?: string } = {}
  const port = await streamer(t, async (req, res) => {
    let body = ''
    for await (const part of req) body += part
    seen = { verb: req.method ?? '', url: req.url ?? '', headers: req.headers, body }
    res.writeHead(200, { 'Content-Type': 'application/json', 'Set-Cookie': 'a=b' }).end('{"ok":1}')
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}/cam/`)
  const reply = await sendRequest(rig.port, '/webcam/webrtc?action=stream&token=', {
    verb: 'POST',
    headers: { 'X-Api-Key': 'key', Cookie: 'c=1', Referer: 'http://x/', 'Content-Type': 'application/json' },
    body: '{"type":"offer"}',
  })
  assert.deepEqual([reply.status, reply.json], [200, { ok: 1 }])
  assert.equal(reply.headers['set-cookie'], undefined)
  assert.equal(reply.headers['content-security-policy'], 'sandbox allow-scripts allow-forms')
  assert.deepEqual(
    [seen.verb, seen.url, seen.body],
    ['POST', '/cam/webrtc?action=stream', '{"type":"offer"}'],
  )
  for (const name of ['x-api-key', 'cookie', 'referer', 'authorization']) {
    assert.equal(seen.headers?.[name], undefined, name)
  }
  assert.equal(seen.headers?.host, `127.0.0.1:${port}`)
})

test('credentials do not reach the streamer of a request with Expect: 100-continue either', async t => {
  const seen: IncomingHttpHeaders[] = []
  const port = await streamer(t, (req, res) => {
    seen.push(req.headers)
    res.end()
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  const head = 'POST /webcam/ HTTP/1.1\r\nHost: localhost\r\nCookie: c=1\r\nProxy-Authorization: Basic x\r\n'
  const reply = await sendRaw(
    rig.port,
    `${head}Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close, te\r\nTE: trailers\r\n\r\nhi`,
  )
  assert.match(reply, /HTTP\/1\.1 200 /)
  const names = seen.map(headers => Object.keys(headers).sort())
  assert.deepEqual(names, [['connection', 'content-length', 'host']])
})

test('the query reaches the streamer as it was written, without our keys', async t => {
  const urls: string[] = []
  const port = await streamer(t, (req, res) => {
    urls.push(req.url ?? '')
    res.end()
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  for (const query of ['?snapshot', '?a=%2F+b&token=&c', '?%74oken=&apikey&access_token=&TOKEN=x', '?a?b']) {
    assert.equal((await sendRequest(rig.port, `/webcam/${query}`)).status, 200, query)
  }
  assert.deepEqual(urls, ['/?snapshot', '/?a=%2F+b&c', '/?TOKEN=x', '/?a?b'])
})

test('the slash that is left away is added', async t => {
  const port = await streamer(t, (_req, res) => res.end())
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  const { status, headers } = await sendRequest(rig.port, '/webcam?action=stream')
  assert.deepEqual([status, headers.location], [308, './webcam/?action=stream'])
})

test('a response contains no header that affects the rest of this server', async t => {
  const port = await streamer(t, (_req, res) => {
    res.writeHead(200, {
      'Content-Type': 'text/html',
      'Content-Security-Policy': "default-src 'unsafe-inline'",
      'X-Content-Type-Options': 'none',
      'Access-Control-Allow-Origin': '*',
      'Clear-Site-Data': '"*"',
      'Strict-Transport-Security': 'max-age=999999',
      'WWW-Authenticate': 'Basic',
      ETag: '"tag"',
    })
    res.end('<script>')
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  const { headers } = await sendRequest(rig.port, '/webcam/')
  for (const own of ['date', 'connection', 'transfer-encoding']) delete headers[own]
  assert.deepEqual(headers, {
    'content-type': 'text/html',
    etag: '"tag"',
    'content-security-policy': 'sandbox allow-scripts allow-forms',
    'x-content-type-options': 'nosniff',
  })
})

test('a stream comes as it is made, and ends at the streamer when the viewer goes', async t => {
  const gone = Promise.withResolvers<void>()
  const port = await streamer(t, (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace;boundary=frame' }).write('--frame one')
    res.on('close', gone.resolve)
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  const viewer = get({ host: '127.0.0.1', port: rig.port, path: '/webcam/?action=stream', agent: false })
  const [res] = await once(viewer, 'response')
  const [chunk] = await once(res, 'data')
  assert.equal(String(chunk), '--frame one')
  assert.match(res.headers['content-type'], /multipart/)
  viewer.destroy()
  await gone.promise
})

test('no spelling leads out of the path of the streamer', async t => {
  const urls: string[] = []
  const port = await streamer(t, (req, res) => {
    urls.push(req.url ?? '')
    res.end()
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}/cam`)
  for (const path of [
    '/webcam/../admin',
    '/webcam/%2e%2e/admin',
    '/webcam/..%2fadmin',
    '/webcam//evil.test/',
  ]) {
    await sendRequest(rig.port, path)
  }
  assert.ok(
    urls.every(url => url.startsWith('/cam/')),
    urls.join(' '),
  )
})

test('the body of a GET is no further request to the streamer', async t => {
  const urls: string[] = []
  const port = await streamer(t, (req, res) => {
    urls.push(req.url ?? '')
    res.end()
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}/cam`)
  const inner = 'GET /admin HTTP/1.1\r\nHost: x\r\n\r\n'
  for (const [header, body] of [
    ['Transfer-Encoding: chunked', `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`],
    [`Content-Length: ${inner.length}`, inner],
  ]) {
    const head = `GET /webcam/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${header}\r\n\r\n`
    assert.match(await sendRaw(rig.port, `${head}${body}`), /HTTP\/1\.1 200 /)
  }
  assert.deepEqual(urls, ['/cam/x', '/cam/x'])
})

const ODD_ANSWERS: readonly (readonly [what: string, bytes: string, status: number])[] = [
  ['a reason that no header may hold', 'HTTP/1.1 200 \x01\xff\r\nContent-Length: 0\r\n\r\n', 200],
  ['a status that there is not', 'HTTP/1.1 001 Odd\r\nContent-Length: 0\r\n\r\n', 502],
  ['trailers without chunks', 'HTTP/1.1 200 OK\r\nTrailer: x\r\nContent-Length: 0\r\n\r\n', 200],
  ['another protocol', 'HTTP/1.1 101 Switch\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 502],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 502],
  ['no HTTP', 'SSH-2.0-x\r\n', 502],
  ['headers without an end', `HTTP/1.1 200 OK\r\n${'X-More: x\r\n'.repeat(3000)}`, 502],
]

for (const [what, bytes, status] of ODD_ANSWERS) {
  test(`an invalid response of a streamer affects only its client: ${what}`, async t => {
    await using rig = await rigWith(`http://127.0.0.1:${await oddStreamer(t, bytes)}`)
    assert.equal((await sendRequest(rig.port, '/webcam/')).status, status)
    assert.equal((await sendRequest(rig.port, '/server/info')).status, 200)
  })
}

test('a picture that ends early does not look complete', async t => {
  const port = await streamer(t, (_req, res) => {
    res.writeHead(200, { 'Content-Length': '100' }).write('half a picture', () => res.destroy())
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  await assert.rejects(sendRequest(rig.port, '/webcam/'), /aborted/)
})

test('a streamer that does not answer is an error 502', async t => {
  const port = await streamer(t, req => req.socket.destroy())
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  const reply = await sendRequest(rig.port, '/webcam/')
  assert.deepEqual([reply.status, reply.json.error.message], [502, "The camera's streamer does not answer"])
})

test('cameras are for known users, unless the configuration opens them', async t => {
  const port = await streamer(t, (_req, res) => res.end('picture'))
  const authorization = 'force_logins: True'
  await using closed = await rigWith(`http://127.0.0.1:${port}`, '', { authorization })
  assert.equal((await sendRequest(closed.port, '/webcam/')).status, 401)
  await using open = await rigWith(`http://127.0.0.1:${port}`, 'webcams_need_login: False', { authorization })
  assert.equal((await sendRequest(open.port, '/webcam/')).body, 'picture')
})

test('a viewer gets WebRTC too, which is requested by POST', async t => {
  const port = await streamer(t, (_req, res) => res.end('answer'))
  const authorization = 'trusted_clients: 127.0.0.1\ntrusted_role: viewer'
  await using rig = await rigWith(`http://127.0.0.1:${port}`, '', { authorization })
  assert.equal(
    (await sendRequest(rig.port, '/webcam/webrtc', { verb: 'POST', body: 'offer' })).body,
    'answer',
  )
  const foreign = { verb: 'POST', body: 'offer', headers: { Origin: 'http://evil.test' } }
  assert.equal((await sendRequest(rig.port, '/webcam/webrtc', foreign)).status, 403)
})

test('a WHEP session is opened, changed and ended', async t => {
  const seen: string[] = []
  const port = await streamer(t, async (req, res) => {
    let body = ''
    for await (const part of req) body += part
    seen.push(
      `${req.method} ${req.url} ${req.headers['content-type'] ?? ''} ${req.headers['if-match'] ?? ''} ${body}`,
    )
    if (req.method === 'POST')
      res.writeHead(201, {
        Location: '/cam/whep/s-1?x=1',
        ETag: '"ice"',
        'Accept-Patch': 'application/trickle-ice-sdpfrag',
      })
    else res.statusCode = req.method === 'PATCH' ? 204 : 200
    res.end()
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}/cam`, '', { server: 'route_prefix: printer' })
  const call = (verb: string, path: string, headers: Record<string, string> = {}, body = '') =>
    sendRequest(rig.port, path, { verb, headers, body })
  const offer = { 'Content-Type': 'application/sdp', Origin: 'http://allowed.test' }
  const opened = await call('POST', '/printer/webcam/whep', offer, 'offer')
  assert.equal(opened.status, 201)
  const location = String(opened.headers.location)
  assert.equal(location, '/printer/webcam/whep/s-1?x=1')
  assert.equal(opened.headers['accept-patch'], 'application/trickle-ice-sdpfrag')
  assert.equal(opened.headers['access-control-expose-headers'], 'Location, ETag')
  const patch = { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '"ice"' }
  assert.equal((await call('PATCH', location, patch, 'candidate')).status, 204)
  assert.equal((await call('DELETE', location)).status, 200)
  assert.equal((await call('DELETE', location, { Origin: 'http://evil.test' })).status, 403)
  assert.deepEqual(seen, [
    'POST /cam/whep application/sdp  offer',
    'PATCH /cam/whep/s-1?x=1 application/trickle-ice-sdpfrag "ice" candidate',
    'DELETE /cam/whep/s-1?x=1   ',
  ])
})

test('an address that is not below the streamer never leads to the API', async t => {
  const port = await streamer(t, (req, res) => {
    res.writeHead(302, { Location: decodeURIComponent(req.url?.split('to=')[1] ?? '') }).end()
  })
  const origin = `http://127.0.0.1:${port}`
  await using rig = await rigWith(`${origin}/cam`)
  for (const [named, expected] of [
    ['/printer/emergency_stop', `${origin}/printer/emergency_stop`],
    ['../access/user?username=a', `${origin}/access/user?username=a`],
    ['//other.test/x', 'http://other.test/x'],
    ['https://other.test/x', 'https://other.test/x'],
    ['javascript:alert(1)', undefined],
    ['http://', undefined],
  ] as const) {
    const { headers } = await sendRequest(rig.port, `/webcam/?to=${encodeURIComponent(named)}`)
    assert.equal(headers.location, expected, named)
  }
})

test('a page of an allowed site may send PATCH', async t => {
  const port = await streamer(t, (_req, res) => res.end())
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  const headers = { Origin: 'http://allowed.test', 'Access-Control-Request-Method': 'PATCH' }
  const reply = await sendRequest(rig.port, '/webcam/whep/1', { verb: 'OPTIONS', headers })
  assert.match(String(reply.headers['access-control-allow-methods']), /\bPATCH\b/)
})

test('more viewers than the limit are refused, until others leave', async t => {
  const port = await streamer(t, (req, res) => {
    if (req.url === '/still') res.end('picture')
    else res.writeHead(200).write('x')
  })
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  const viewers = await Promise.all(
    Array.from({ length: 32 }, async () => {
      const socket = connect(rig.port, '127.0.0.1')
      socket.write('GET /webcam/ HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await once(socket, 'data')
      return socket
    }),
  )
  assert.equal((await sendRequest(rig.port, '/webcam/still')).status, 503)
  for (const socket of viewers) socket.destroy()
  let reply = await sendRequest(rig.port, '/webcam/still')
  while (reply.status === 503) reply = await sendRequest(rig.port, '/webcam/still')
  assert.equal(reply.body, 'picture')
})

test('one address without a login leaves streams to others, and to users', async t => {
  const port = await streamer(t, (req, res) => {
    if (req.url?.startsWith('/still') === true) res.end('picture')
    else res.writeHead(200).write('x')
  })
  const authorization = 'force_logins: True\ntrusted_clients: 127.0.0.1'
  await using rig = await rigWith(`http://127.0.0.1:${port}`, 'webcams_need_login: False', { authorization })
  const post = (path: string, body: object, headers = {}) =>
    sendRequest(rig.port, path, {
      verb: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const { token } = (await post('/access/user', { username: 'a', password: 'pw' })).json.result
  const watch = async (address: string) => {
    const socket = connect(rig.port, '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write(`GET /webcam/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${address}\r\n\r\n`)
    const [head] = (await once(socket, 'data')) as [Buffer]
    return Number(head.toString('latin1', 9, 12))
  }
  const still = async (headers: Record<string, string>) =>
    (await sendRequest(rig.port, '/webcam/still', { headers })).status
  const statuses = await Promise.all(Array.from({ length: 9 }, () => watch('203.0.113.5')))
  assert.deepEqual(
    statuses.sort((a, b) => a - b),
    [...Array(6).fill(200), ...Array(3).fill(503)],
  )
  assert.equal(await still({ 'X-Forwarded-For': '203.0.113.6' }), 200)
  for (let i = 0; i < 18; i += 1) assert.equal(await watch(`2001:db8:0:${i >> 2}::${i}`), 200)
  assert.equal(await still({ 'X-Forwarded-For': '203.0.113.6' }), 503)
  assert.equal(await still({ 'X-Forwarded-For': '203.0.113.6', Authorization: `Bearer ${token}` }), 200)
})
