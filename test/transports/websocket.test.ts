import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { textFrame } from '../../src/transports/websocket.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { type Rig, startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

const KEY = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
const UPGRADE = `GET /websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${KEY}\r\n`

/** A WebSocket of bare bytes. */
async function openRaw(rig: Rig): Promise<Socket> {
  const socket = connect(rig.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(UPGRADE)
  await once(socket, 'data')
  return socket
}

/** A client's frame: masked, as the protocol wants it. */
function clientFrame(opcode: number, payload: Buffer, final = true): Buffer {
  const mask = randomBytes(4)
  const header = Buffer.from([
    (final ? 0x80 : 0) | opcode,
    0x80 | 126,
    payload.length >> 8,
    payload.length & 255,
  ])
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] as number))
  return Buffer.concat([header, mask, masked])
}

const CALL = Buffer.from('{"jsonrpc":"2.0","method":"server.info","id":7}')

async function stillServes(rig: Rig): Promise<void> {
  using client = await WebClient.open(rig.url)
  assert.equal((await client.call('server.info')).result.klippy_state, 'disconnected')
}

test('frames have the form of the protocol, at every length', async () => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 100_000]) {
    const bytes = textFrame('x'.repeat(length))
    const [first, second] = bytes
    const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
    assert.equal(bytes.length, header + length)
    assert.deepEqual([first, second], [0x81, length < 126 ? length : length < 65_536 ? 126 : 127])
    if (header === 4) assert.equal(bytes.readUInt16BE(2), length)
    if (header === 10) assert.equal(bytes.readBigUInt64BE(2), BigInt(length))
  }
  assert.equal(textFrame('☃ü').subarray(2).toString(), '☃ü')
})

test('long replies with any characters arrive complete', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  for (const text of ['☃'.repeat(41), 'ü'.repeat(63), 'x'.repeat(70_000), '\u{1f600}'.repeat(20_000)]) {
    klippy.answer('bed_mesh/dump_mesh', () => text)
    assert.equal((await client.call('printer.bed_mesh.dump_mesh')).result, text)
  }
})

test('a call may come as text or as bytes, whole, in fragments, or byte by byte', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  client.ws.send(CALL, { binary: true })
  assert.equal((await client.find(({ id }) => id === 7)).result.klippy_state, 'disconnected')
  const socket = await openRaw(rig)
  const frames = Buffer.concat([
    clientFrame(1, CALL.subarray(0, 10), false),
    clientFrame(0, CALL.subarray(10, 11), false),
    clientFrame(0, CALL.subarray(11)),
  ])
  for (const byte of frames) socket.write(Buffer.from([byte]))
  const [reply] = await once(socket, 'data')
  assert.match(reply.toString(), /"id":7/)
  socket.destroy()
})

test('invalid frames end their connection and no other', async () => {
  await using rig = await startRig({ printer: 'none' })
  const garbage = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    randomBytes(1000),
    Buffer.from([0x81, 0x05, 1, 2, 3, 4, 5]),
    clientFrame(3, CALL),
    clientFrame(0, CALL),
    clientFrame(1, Buffer.from([0xff, 0xfe, 0xfd])),
    Buffer.from([0xf1, 0x80, 0, 0, 0, 0]),
    Buffer.concat([clientFrame(1, CALL, false), clientFrame(1, CALL)]),
  ]
  for (const bytes of garbage) {
    const socket = await openRaw(rig)
    socket.write(bytes)
    socket.resume()
    socket.once('end', () => socket.end())
    await once(socket, 'close')
  }
  await stillServes(rig)
})

test('half a frame without an end causes no error', async () => {
  await using rig = await startRig({ printer: 'none' })
  const socket = await openRaw(rig)
  socket.write(clientFrame(1, CALL).subarray(0, 20))
  await stillServes(rig)
  socket.destroy()
  await once(socket, 'close')
  await stillServes(rig)
})

test('a message past the limit ends its connection before it is held', async () => {
  await using rig = await startRig({ printer: 'none' })
  const socket = await openRaw(rig)
  const header = Buffer.alloc(14)
  header.set([0x81, 0xff])
  header.writeBigUInt64BE(60_000_000n, 2)
  socket.write(header)
  const [reply] = await once(socket, 'data')
  assert.deepEqual([reply[0], reply.readUInt16BE(2)], [0x88, 1009])
  socket.destroy()
  await stillServes(rig)
})

test('deeply nested calls are answered, and the connection stays', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  assert.equal(
    (await client.exchange(`{"jsonrpc":"2.0","method":"server.info","id":${deep}}`)).error.code,
    -32600,
  )
  assert.ok(
    (await client.exchange(`{"jsonrpc":"2.0","method":"server.info","params":{"a":${deep}},"id":1}`)).result,
  )
})

test('calls are answered when they are ready, not in order', async () => {
  await using klippy = await FakeKlippy.start()
  const held = Promise.withResolvers<object>()
  klippy.answer('gcode/script', () => held.promise)
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  const slow = client.call('printer.gcode.script', { script: 'G4 P600' })
  await client.call('server.info')
  held.resolve({})
  assert.equal((await slow).result, 'ok')
})

test('many parallel calls are all answered', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const replies = await Promise.all(Array.from({ length: 500 }, () => client.call('server.websocket.id')))
  assert.equal(new Set(replies.map(({ id }) => id)).size, 500)
})

test('a closed client no longer counts', async () => {
  await using rig = await startRig({ printer: 'none' })
  using one = await WebClient.open(rig.url)
  const other = await WebClient.open(rig.url)
  assert.equal((await one.call('server.info')).result.websocket_count, 2)
  other.ws.close()
  await other.closed
  assert.equal((await one.call('server.info')).result.websocket_count, 1)
})

const PIECE = 'x'.repeat(100_000)

test('for a client that does not read, status is merged; then it gets the latest', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using slow = await WebClient.open(rig.url)
  using quick = await WebClient.open(rig.url)
  for (const client of [slow, quick]) {
    await client.call('printer.objects.subscribe', { objects: { display_status: null } })
  }
  slow.ws.pause()
  const rounds = 300
  for (let round = 1; round <= rounds; round += 1) {
    klippy.push('display_status', { message: `${round} ${PIECE}`, progress: round })
    await quick.notified('notify_status_update', round)
    quick.frames.at(-1).params = [{}, 0]
  }
  slow.ws.resume()
  const last = await slow.find(({ params }) => params?.[0].display_status?.progress === rounds)
  assert.equal(last.params[0].display_status.message, `${rounds} ${PIECE}`)
  const updates = slow.frames.filter(({ method }) => method === 'notify_status_update')
  assert.ok(updates.length < rounds, `${updates.length} of ${rounds} updates: they were merged`)
})

test('a client that reads nothing is disconnected', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using deaf = await WebClient.open(rig.url)
  using watch = await WebClient.open(rig.url)
  deaf.ws.pause()
  for (let round = 1; (await watch.call('server.info')).result.websocket_count === 2; round += 1) {
    assert.ok(round < 500, 'the queue has no end')
    klippy.print(PIECE)
    await watch.find(({ method }) => method === 'notify_gcode_response')
    watch.frames.length = 0
  }
})
