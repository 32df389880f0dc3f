import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

const open = (url: string, headers = {}) => WebClient.open(`${url}/klippysocket`, headers)

test("Klippy's own protocol passes in both directions, on a separate connection", async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  const before = klippy.connections
  using client = await open(rig.url)
  await klippy.waitForConnection(before + 1)
  client.send('{"id":"mine","method":"info","params":{"a":"ü☃"}}')
  const reply = await client.find(({ id }) => id === 'mine')
  assert.equal(reply.result.state, 'ready')
  assert.deepEqual(klippy.requests.at(-1), { method: 'info', params: { a: 'ü☃' } })
  client.ws.send(Buffer.from('{"id":2,"method":"gcode/help"}'), { binary: true })
  assert.deepEqual(await client.find(({ id }) => id === 2), { id: 2, result: {} })
})

test('pushes pass unchanged, however their bytes are split', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await open(rig.url)
  await klippy.waitForConnection(2)
  const huge = 'x'.repeat(10 * 1024 * 1024)
  klippy.send('{"a":1}\x03{"b"')
  await client.find(({ a }) => a === 1)
  klippy.send(`:2}\x03{"huge":"${huge}"}\x03`)
  await client.find(({ b }) => b === 2)
  assert.equal((await client.find(frame => 'huge' in frame)).huge.length, huge.length)
  assert.deepEqual(
    client.frames.map(frame => Object.keys(frame)),
    [['a'], ['b'], ['huge']],
  )
})

test('the bridge ends with Klippy, and its connection to Klippy with the client', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using first = await open(rig.url)
  await klippy.waitForConnection(2)
  klippy.drop()
  assert.equal((await first.closed).code, 1000)
  await klippy.waitForConnection(3)
  using watch = await WebClient.open(rig.url)
  assert.equal((await watch.call('server.info')).result.klippy_connected, true)
  using second = await open(rig.url)
  await klippy.waitForConnection(4)
  const gone = klippy.waitForEnd()
  second.ws.close()
  await gone
})

test('the bridge is refused with 503 without Klippy, and with 401 without a user', async () => {
  await using klippy = await FakeKlippy.start()
  await klippy.close()
  await using rig = await startRig({ klippySocket: klippy.path })
  await assert.rejects(open(rig.url), /refused: 503/)
  await assert.rejects(open(rig.url, { 'X-Forwarded-For': '8.8.8.8' }), /refused: 401/)
})

test('the bridge counts as a WebSocket, and a stop of the server closes it with 1001', async () => {
  await using klippy = await FakeKlippy.start()
  const rig = await startRig({
    klippySocket: klippy.path,
    ready: true,
    server: 'max_websocket_connections: 1',
  })
  using client = await open(rig.url)
  await assert.rejects(WebClient.open(rig.url), /refused: 503/)
  await rig[Symbol.asyncDispose]()
  assert.equal((await client.closed).code, 1001)
})

test('while Klippy does not read, the server does not read from the client', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-'))
  const path = join(folder, 'klippy.sock')
  const accepted: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, socket => accepted.push(socket))
  await once(server.listen(path), 'listening')
  await using rig = await startRig({ klippySocket: path })
  try {
    while (accepted.length < 1) await once(server, 'connection')
    using client = await open(rig.url)
    while (accepted.length < 2) await once(server, 'connection')
    const message = 'x'.repeat(2 ** 20)
    for (let sent = 0; sent < 64; sent += 1) client.send(message)
    for (let turn = 0; turn < 200; turn += 1) await fetch(`${rig.url}/server/info`)
    assert.ok(client.ws.bufferedAmount > 2 ** 25)
    let received = 0
    accepted[1]?.on('data', chunk => {
      received += chunk.length
    })
    accepted[1]?.resume()
    while (received < 64 * (message.length + 1)) await once(accepted[1] as Socket, 'data')
    assert.equal(client.ws.bufferedAmount, 0)
  } finally {
    for (const socket of accepted) socket.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  }
})

test('a message that is too long for Klippy ends the bridge, and Klippy receives nothing of it', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await open(rig.url)
  await klippy.waitForConnection(2)
  const before = klippy.requests.length
  client.send(JSON.stringify({ id: 1, method: 'gcode/script', params: { script: 'x'.repeat(2 ** 20) } }))
  client.send('{"id":2,"method":"gcode/help"}')
  assert.deepEqual(await client.closed, {
    code: 1009,
    reason: 'A message to Klippy has at most 1048576 bytes',
  })
  assert.equal(klippy.requests.length, before)
})

test('a client that does not read is disconnected', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using deaf = await open(rig.url)
  await klippy.waitForConnection(2)
  deaf.ws.pause()
  const ended = klippy.waitForEnd()
  const piece = `{"a":"${'x'.repeat(2 ** 20)}"}\x03`
  for (let sent = 0; sent < 40; sent += 1) klippy.send(piece)
  await ended
  deaf.ws.resume()
  assert.equal((await deaf.closed).code, 1006)
})
