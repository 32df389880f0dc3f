// WebSockets of a camera: passed on to its streamer in both directions, and ended with the server.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { type TestContext, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { sendRequest } from '../../support/raw-http.ts'
import { type RigOptions, startRig } from '../../support/rig.ts'

interface Signalling {
  readonly port: number
  readonly requests: IncomingMessage[]
  readonly sockets: WebSocketServer
}

/** A streamer whose WebSocket at /api/ws sends a first message to each client and repeats what it receives. */
async function signalling(t: TestContext): Promise<Signalling> {
  const requests: IncomingMessage[] = []
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'webrtc' })
  t.after(() => {
    for (const ws of sockets.clients) ws.terminate()
  })
  const server = createServer((_req, res) => res.writeHead(200).write('--frame'))
  server.on('upgrade', (req, socket, head) => {
    requests.push(req)
    if (!req.url?.startsWith('/api/ws')) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(req, socket, head, ws => {
      ws.send('offer')
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, requests, sockets }
}

function rigWith(port: number, options: RigOptions = {}) {
  const camera = `[frontend mainsail]\npath: ${tmpdir()}/no-such-site\nwebcams:\n  /webcam/ = http://127.0.0.1:${port}`
  return startRig({ printer: 'none', ...options, conf: `${camera}\n${options.conf ?? ''}` })
}

async function refusal(url: string, headers: Record<string, string> = {}): Promise<number> {
  const ws = new WebSocket(url, { headers })
  ws.on('error', () => {})
  const [, response] = await once(ws, 'unexpected-response')
  ws.terminate()
  return response.statusCode
}

test('messages pass in both directions, text and binary', async t => {
  const { port, requests } = await signalling(t)
  await using rig = await rigWith(port)
  const ws = new WebSocket(`ws://127.0.0.1:${rig.port}/webcam/api/ws?src=printer&token=`, ['webrtc'])
  assert.equal(String((await once(ws, 'message'))[0]), 'offer')
  assert.equal(ws.protocol, 'webrtc')
  const frame = Buffer.alloc(300_000, 7)
  ws.send(frame)
  const [echo, isBinary] = await once(ws, 'message')
  assert.ok(isBinary && frame.equals(echo))
  const [{ url, headers }] = requests as [IncomingMessage]
  assert.equal(url, '/api/ws?src=printer')
  assert.equal(headers.host, `127.0.0.1:${port}`)
  ws.close()
  await once(ws, 'close')
})

test('credentials and origin do not reach the streamer', async t => {
  const { port, requests } = await signalling(t)
  await using rig = await rigWith(port)
  const headers = { Cookie: 'a=b', 'X-Api-Key': 'key', Origin: `http://127.0.0.1:${rig.port}` }
  const ws = new WebSocket(`ws://127.0.0.1:${rig.port}/webcam/api/ws`, { headers })
  await once(ws, 'message')
  ws.terminate()
  for (const name of ['cookie', 'x-api-key', 'origin', 'authorization']) {
    assert.equal(requests[0]?.headers[name], undefined, name)
  }
})

test('the WebSocket needs a user, and no page of another site opens it', async t => {
  const { port } = await signalling(t)
  await using closed = await rigWith(port, { authorization: 'force_logins: True' })
  assert.equal(await refusal(`ws://127.0.0.1:${closed.port}/webcam/api/ws`), 401)
  await using open = await rigWith(port)
  const url = `ws://127.0.0.1:${open.port}/webcam/api/ws`
  assert.equal(await refusal(url, { Origin: 'http://evil.test' }), 403)
})

test('a camera that is open to everybody has an open WebSocket', async t => {
  const { port } = await signalling(t)
  const options = { authorization: 'force_logins: True', conf: 'webcams_need_login: False' }
  await using rig = await rigWith(port, options)
  const ws = new WebSocket(`ws://127.0.0.1:${rig.port}/webcam/api/ws`)
  await once(ws, 'message')
  ws.terminate()
})

test('a streamer without a WebSocket is an error for its client only', async t => {
  const { port } = await signalling(t)
  await using rig = await rigWith(port)
  assert.equal(await refusal(`ws://127.0.0.1:${rig.port}/webcam/other`), 502)
  assert.equal(await refusal(`ws://127.0.0.1:${rig.port}/nothing/other`), 404)
  assert.equal((await sendRequest(rig.port, '/server/info')).status, 200)
})

test('the end of one side is the end of the other', async t => {
  const { port, sockets } = await signalling(t)
  await using rig = await rigWith(port)
  for (const endsFirst of ['streamer', 'client']) {
    const ws = new WebSocket(`ws://127.0.0.1:${rig.port}/webcam/api/ws`)
    await once(ws, 'message')
    const [streamer] = [...sockets.clients] as [WebSocket]
    const both = Promise.all([once(ws, 'close'), once(streamer, 'close')])
    const first = endsFirst === 'client' ? ws : streamer
    first.terminate()
    await both
  }
})

test('a stop ends streams and WebSockets of viewers before the time limit of other requests', async t => {
  const { port } = await signalling(t)
  await using rig = await rigWith(port)
  const ws = new WebSocket(`ws://127.0.0.1:${rig.port}/webcam/api/ws`)
  ws.on('error', () => {})
  await once(ws, 'message')
  const viewer = get({ host: '127.0.0.1', port: rig.port, path: '/webcam/', agent: false })
  const [res] = await once(viewer, 'response')
  await once(res, 'data')
  res.on('error', () => {})
  const ended = Promise.all([new Promise(resolve => res.on('close', resolve)), once(ws, 'close')])
  // The time limit is a timer, and no mocked timer fires.
  t.mock.timers.enable({ apis: ['setTimeout'] })
  await rig.server.stop()
  await ended
})
