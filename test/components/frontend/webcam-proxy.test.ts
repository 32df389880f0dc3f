// Cameras behind a front-end: passed on to their streamer, and to nowhere else.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { type TestContext, test } from 'node:test'
import { ask } from '../../support/raw-http.ts'
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
  const reply = await ask(rig.port, '/webcam/webrtc?action=stream&token=', {
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
    await ask(rig.port, path)
  }
  assert.ok(
    urls.every(url => url.startsWith('/cam/')),
    urls.join(' '),
  )
})

test('a streamer that is away or breaks off is told as such', async t => {
  const port = await streamer(t, req => req.socket.destroy())
  await using rig = await rigWith(`http://127.0.0.1:${port}`)
  const reply = await ask(rig.port, '/webcam/')
  assert.deepEqual([reply.status, reply.json.error.message], [502, "The camera's streamer does not answer"])
})

test('cameras are for known users, unless the configuration opens them', async t => {
  const port = await streamer(t, (_req, res) => res.end('picture'))
  const authorization = 'force_logins: True'
  await using closed = await rigWith(`http://127.0.0.1:${port}`, '', { authorization })
  assert.equal((await ask(closed.port, '/webcam/')).status, 401)
  await using open = await rigWith(`http://127.0.0.1:${port}`, 'webcams_need_login: False', { authorization })
  assert.equal((await ask(open.port, '/webcam/')).body, 'picture')
})

test('more viewers than the bound are refused, and room comes back', async t => {
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
  assert.equal((await ask(rig.port, '/webcam/still')).status, 503)
  for (const socket of viewers) socket.destroy()
  let reply = await ask(rig.port, '/webcam/still')
  while (reply.status === 503) reply = await ask(rig.port, '/webcam/still')
  assert.equal(reply.body, 'picture')
})
