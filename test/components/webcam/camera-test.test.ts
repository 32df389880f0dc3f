// server.webcams.test against cameras that answer, refuse, hang, and redirect.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { listensEverywhere } from '../../../src/components/webcam/local-url.ts'
import { postJson } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

/** A web server as in cameras, on a free port. */
async function camera(answer: RequestListener) {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dispose = () => {
    server.closeAllConnections()
    return new Promise<void>(resolve => {
      server.close(() => resolve())
    })
  }
  return { host: `127.0.0.1:${port}`, [Symbol.asyncDispose]: dispose }
}

/** A server with a webcam of these URLs; `testCamera` tests it. */
async function scene(snapshot_url: string, stream_url = '') {
  const rig = await startRig({ printer: 'none' })
  const made = await postJson(rig.port, '/server/webcams/item', { name: 'cam', snapshot_url, stream_url })
  assert.equal(made.status, 200)
  const testCamera = async () =>
    (await postJson(rig.port, '/server/webcams/test', { name: 'cam' })).json.result
  return { rig, testCamera, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() }
}

test('a snapshot that answers is reachable, and whole URLs stay as they are', async () => {
  await using cam = await camera((_req, res) => res.end('jpeg'))
  const [snapshot, stream] = [`http://${cam.host}/?action=snapshot`, 'webrtc://elsewhere.test/x?y#z']
  await using at = await scene(snapshot, stream)
  assert.deepEqual(await at.testCamera(), {
    name: 'cam',
    snapshot_reachable: true,
    snapshot_url: snapshot,
    stream_url: stream,
  })
})

test('a stream without an end is reachable once it has started', async () => {
  await using cam = await camera((_req, res) => {
    res.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace;boundary=x' })
    res.write('--x')
  })
  await using at = await scene(`http://${cam.host}/`)
  assert.equal((await at.testCamera()).snapshot_reachable, true)
})

test('a camera with an error or without a web address is not reachable', async () => {
  await using cam = await camera((req, res) => {
    res.statusCode = Number(req.url?.slice(1))
    res.end()
  })
  for (const url of [
    `http://${cam.host}/404`,
    `http://${cam.host}/500`,
    `http://${cam.host}/304`,
    'http://127.0.0.1:1/',
    'http://[::1/',
    'http://no-camera.invalid/',
    'http://a b/',
    'https://',
    'http://127.0.0.1:99999/',
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    'rtsp://127.0.0.1/',
    'unix:/run/x.sock',
    '',
  ]) {
    await using at = await scene(url)
    const result = await at.testCamera()
    assert.equal(result.snapshot_reachable, false, url)
    if (/^\w+:\/\/[^/]/.test(url) || url === '') assert.equal(result.snapshot_url, url)
  }
})

test('a camera that never answers, or redirects in a loop, ends the test', async () => {
  let visits = 0
  await using silent = await camera(() => undefined)
  await using circle = await camera((req, res) => {
    visits += 1
    res.writeHead(302, { Location: `http://${req.headers.host}/${visits}` }).end()
  })
  for (const { host } of [silent, circle]) {
    await using at = await scene(`http://${host}/`)
    assert.equal((await at.testCamera()).snapshot_reachable, false)
  }
  assert.ok(visits > 1 && visits < 10, `${visits} visits`)
})

test('a limited number of tests runs at a time', async () => {
  const waiting: ServerResponse[] = []
  const { promise: all, resolve } = Promise.withResolvers<void>()
  await using slow = await camera((_req, res) => {
    if (waiting.push(res) === 8) resolve()
  })
  await using at = await scene(`http://${slow.host}/`)
  const test = () => postJson(at.rig.port, '/server/webcams/test', { name: 'cam' })
  const running = Array.from({ length: 8 }, test)
  await all
  const refused = await test()
  assert.deepEqual([refused.status, refused.reason], [503, 'Too many webcam tests at once, try again later'])
  for (const res of waiting) res.end()
  for (const reply of await Promise.all(running)) assert.equal(reply.status, 200)
  const next = test()
  while (waiting.length === 8) await nextIteration()
  waiting.at(-1)?.end()
  assert.equal((await next).status, 200)
})

test('user and password are sent only to the camera, and not logged', async () => {
  const received: [string, string | undefined][] = []
  await using other = await camera((req, res) => {
    received.push(['other', req.headers.authorization])
    res.end()
  })
  await using cam = await camera((req, res) => {
    received.push(['camera', req.headers.authorization])
    res.writeHead(302, { Location: `http://${other.host}/` }).end()
  })
  await using at = await scene(`http://admin:s3cret@${cam.host}/`)
  assert.equal((await at.testCamera()).snapshot_reachable, true)
  const basic = `Basic ${Buffer.from('admin:s3cret').toString('base64')}`
  assert.deepEqual(received, [
    ['camera', basic],
    ['other', undefined],
  ])
  await using broken = await scene('http://admin:s3cret@127.0.0.1:1/')
  assert.equal((await broken.testCamera()).snapshot_reachable, false)
  assert.ok(broken.rig.log.some(line => line.includes('webcam cam: no snapshot')))
  assert.deepEqual(
    broken.rig.log.filter(line => line.includes('s3cret')),
    [],
  )
})

test('relative URLs refer to this machine', async () => {
  await using at = await scene('webcam/?action=snapshot', '//webcam/?action=stream#x')
  const { snapshot_url, stream_url } = await at.testCamera()
  assert.match(snapshot_url, /^http:\/\/[^/?]+\/webcam\/\?action=snapshot$/)
  assert.match(stream_url, /^http:\/\/[^/?]+\/webcam\/\?action=stream#x$/)
})

test('sockets that listen at every address are found', () => {
  const sockets = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1BD5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 00000000:01BB 0100007F:1BD5 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
`
  assert.equal(listensEverywhere(sockets, 80), true)
  assert.equal(listensEverywhere(sockets, 7125), false)
  assert.equal(listensEverywhere(sockets, 443), false)
  assert.equal(listensEverywhere('', 80), false)
  const sixth = '   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0\n'
  assert.equal(listensEverywhere(sixth, 80), true)
})
