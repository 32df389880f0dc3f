// What the server holds for WebSocket clients that send too much or read too little.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { createUser, IDENTITY, startAccess } from '../components/access/access-rig.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { postJson, sendRequest } from '../support/raw-http.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

const UNAUTHENTICATED = { 'X-Forwarded-For': '203.0.113.5' }
const PIECE = 'x'.repeat(100_000)
const KIB = 1024

/** A call that is a text of `length` characters. */
const callOf = (length: number, id = 1) =>
  `{"jsonrpc":"2.0","method":"access.info","id":${id}}`.padEnd(length)

/** A text frame of a client; the mask of zeros leaves the text as it is. */
function maskedFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const header = Buffer.alloc(14)
  header.set([0x81, 0xff])
  header.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([header, Buffer.from(text)])
}

test('an unauthenticated client may send messages of 64 KiB, and longer ones once it has identified', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  using client = await WebClient.open(rig.url, UNAUTHENTICATED)
  for (let count = 0; count < 5; count += 1) assert.ok((await client.exchange(callOf(64 * KIB))).result)
  await client.call('server.connection.identify', { ...IDENTITY, access_token: token })
  assert.ok((await client.exchange(callOf(1000 * KIB))).result)
  await client.call('access.logout')
  client.send(callOf(64 * KIB + 1))
  assert.deepEqual(await client.closed, { code: 1009, reason: 'Log in to send longer messages' })
})

test('a message of an unauthenticated client that does not end is not collected', async () => {
  await using rig = await startAccess()
  for (const fragments of [1, 1000]) {
    using client = await WebClient.open(rig.url, UNAUTHENTICATED)
    const bytes = Buffer.alloc(400_000 / fragments, 'x')
    for (let count = 0; count < fragments; count += 1) client.ws.send(bytes, { fin: false })
    assert.equal((await client.closed).code, 1009)
  }
  using user = await WebClient.open(rig.url)
  user.ws.send(Buffer.alloc(400_000, ' '), { fin: false })
  user.ws.send('{"jsonrpc":"2.0","method":"server.info","id":1}')
  assert.equal((await user.find(({ id }) => id === 1)).result.websocket_count >= 1, true)
})

test('messages that do not end cannot fill the memory together', async () => {
  await using rig = await startAccess()
  const clients = await Promise.all(Array.from({ length: 4 }, () => WebClient.open(rig.url)))
  const piece = Buffer.alloc(KIB * KIB, ' ')
  for (let count = 0; count < 45; count += 1) {
    for (const { ws } of clients) if (ws.readyState === ws.OPEN) ws.send(piece, { fin: false })
    await new Promise(resolve => setImmediate(resolve))
  }
  const { code } = await Promise.race(clients.map(({ closed }) => closed))
  assert.ok(code === 1013 || code === 1006, 'a client that still sends may lose the close frame')
  using other = await WebClient.open(rig.url)
  assert.ok((await other.call('server.info')).result)
  for (const client of clients) client[Symbol.dispose]()
})

test('after a message that is too long nothing is executed, and the client need not agree to the end', async () => {
  await using rig = await startAccess()
  using watch = await WebClient.open(rig.url)
  const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
  const head = `GET /websocket HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.5\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`
  const socket = connect(rig.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(head)
  await once(socket, 'data')
  const refresh = '{"jsonrpc":"2.0","method":"access.refresh_jwt","params":{"refresh_token":"x"},"id":1}'
  socket.write(Buffer.concat([maskedFrame(' '.repeat(64 * KIB + 1)), maskedFrame(refresh)]))
  await once(socket, 'data')
  for (let round = 0; (await watch.call('server.info')).result.websocket_count === 2; round += 1) {
    assert.ok(round < 100, 'it is still connected')
  }
  assert.ok(!rig.log.some(line => line.includes('a refresh token was refused')))
  socket.destroy()
})

/** Prints lines of 100 kB, which the server stores: a reply that is ready at once. */
async function fillStore(klippy: FakeKlippy, client: WebClient, lines: number): Promise<void> {
  for (let count = 0; count < lines; count += 1) klippy.print(PIECE)
  await client.notified('notify_gcode_response', lines)
}

test('a client that reads no replies is not read from; when it reads, it gets all of them', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using greedy = await WebClient.open(rig.url)
  using other = await WebClient.open(rig.url)
  await fillStore(klippy, other, 10)
  greedy.ws.pause()
  const calls = 25
  const method = 'server.gcode_store'
  for (let id = 1; id <= calls; id += 1) greedy.send(JSON.stringify({ jsonrpc: '2.0', method, id }))
  // As much as no buffer of the system takes.
  for (let count = 0; count < 150; count += 1) greedy.send(callOf(100 * KIB, 1000 + count))
  for (let count = 0; count < 50; count += 1) {
    assert.equal((await other.call('server.info')).result.websocket_count, 2, 'it is not disconnected')
  }
  assert.ok(greedy.ws.bufferedAmount > 0, 'the server does not read')
  greedy.ws.resume()
  for (let id = 1; id <= calls; id += 1) {
    const { result } = await greedy.find(frame => frame.id === id)
    assert.equal(result.gcode_store.length, 10)
  }
  assert.ok((await greedy.find(({ id }) => id === 1149)).result)
})

test('a client with more unread than one reply is disconnected', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.answer('bed_mesh/dump_mesh', () => PIECE)
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using greedy = await WebClient.open(rig.url)
  using watch = await WebClient.open(rig.url)
  greedy.ws.pause()
  const before = klippy.count('bed_mesh/dump_mesh')
  for (let id = 1; id <= 400; id += 1) {
    greedy.send(`{"jsonrpc":"2.0","method":"printer.bed_mesh.dump_mesh","id":${id}}`)
  }
  await klippy.waitFor('bed_mesh/dump_mesh', before + 1)
  for (let round = 0; (await watch.call('server.info')).result.websocket_count === 2; round += 1) {
    assert.ok(round < 5000, 'it is still there')
  }
})

/** The bytes that arrive of a reply to a GET when the client reads it at last. */
async function readLate(socket: Socket): Promise<number> {
  let received = 0
  socket.on('data', ({ length }) => {
    received += length
  })
  socket.resume()
  await once(socket, 'close')
  return received
}

test('clients that read no replies cannot fill the memory together, over HTTP and WebSocket', async () => {
  await using rig = await startRig({ printer: 'none' })
  const item = { namespace: 'large', key: 'item' }
  const size = 8_000_000
  await postJson(rig.port, '/server/database/item', { ...item, value: 'x'.repeat(size) })
  using client = await WebClient.open(rig.url)
  client.ws.pause()
  client.send(JSON.stringify({ jsonrpc: '2.0', method: 'server.database.get_item', params: item, id: 1 }))
  const path = '/server/database/item?namespace=large&key=item'
  const sockets = Array.from({ length: 9 }, () => {
    const socket = connect(rig.port, '127.0.0.1').pause()
    socket.on('error', () => {})
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    return socket
  })
  const { body } = await sendRequest(rig.port, path)
  assert.ok(body.length > size, 'a client that reads is served')
  const received = await Promise.all(sockets.map(readLate))
  const whole = received.filter(bytes => bytes > size).length
  assert.ok(whole >= 6 && whole < 9, `${whole} of 9 replies are whole`)
})

test('an error does not repeat a long argument', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const long = 'x'.repeat(1_000_000)
  for (const [method, params] of [
    ['server.files.list', { root: long }],
    ['server.job_queue.post_job', { filenames: [long] }],
    ['server.database.get_item', { namespace: 'moonraker', key: long }],
  ] as const) {
    const { error } = await client.call(method, params)
    assert.ok(error.message.length <= 10_000, `${method}: ${error.message.length}`)
  }
})
