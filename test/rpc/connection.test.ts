import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '../../src/rpc/connection.ts'
import { Connections, notificationText } from '../../src/rpc/connections.ts'
import { answer } from '../../src/rpc/json-rpc.ts'
import { Message } from '../../src/rpc/message.ts'
import { Registry } from '../../src/rpc/registry.ts'
import { TRUSTED_USER } from '../../src/rpc/user.ts'

/** A channel to a client that reads when the test lets it. */
class SlowChannel implements Channel {
  readonly sent: string[] = []
  buffered = 0
  /** Each text stays unread. */
  stuck = false
  ended: 'closed' | 'terminated' | null = null
  #drain = () => {}

  send(text: string): void {
    this.sent.push(text)
    if (this.stuck) this.buffered += text.length
  }

  sendShared(message: Message): void {
    this.send(message.text)
  }

  onDrain(listener: () => void): void {
    this.#drain = listener
  }

  drain(): void {
    this.buffered = 0
    this.#drain()
  }

  close(): void {
    this.ended = 'closed'
  }

  terminate(): void {
    this.ended = 'terminated'
  }
}

function connect() {
  const channel = new SlowChannel()
  const connections = new Connections()
  const connection = connections.open('websocket', '127.0.0.1', TRUSTED_USER, channel)
  const status = (change: Record<string, Record<string, unknown>>, eventtime: number) =>
    connection.sendStatus(
      change,
      eventtime,
      new Message(notificationText('notify_status_update', [change, eventtime])),
    )
  return { channel, connections, connection, status }
}

const sent = (channel: SlowChannel) => channel.sent.map(text => JSON.parse(text))
const MANY = 300 * 1024

test('a client that reads gets each update', () => {
  const { channel, status } = connect()
  status({ a: { x: 1 } }, 1)
  status({ a: { x: 2 } }, 2)
  assert.deepEqual(
    sent(channel).map(({ params }) => params),
    [
      [{ a: { x: 1 } }, 1],
      [{ a: { x: 2 } }, 2],
    ],
  )
})

test('updates for a slow client are merged: the latest value of each field, the latest time', () => {
  const { channel, connections, status } = connect()
  channel.buffered = MANY
  for (let time = 1; time <= 1000; time += 1) status({ a: { x: time }, b: { [`y${time % 3}`]: time } }, time)
  assert.deepEqual(sent(channel), [])
  assert.equal(connections.counts.statusMerged, 1000)
  channel.drain()
  const [update, ...more] = sent(channel)
  assert.deepEqual(more, [])
  assert.deepEqual(update.params, [{ a: { x: 1000 }, b: { y0: 999, y1: 1000, y2: 998 } }, 1000])
  status({ a: { x: 1001 } }, 1001)
  assert.equal(channel.sent.length, 2, 'then it goes on as before')
})

test('later updates are not sent before a merged one', () => {
  const { channel, status } = connect()
  channel.buffered = MANY
  status({ a: { x: 1 } }, 1)
  channel.buffered = 0
  status({ a: { x: 2 } }, 2)
  assert.deepEqual(sent(channel), [])
  channel.drain()
  assert.deepEqual(sent(channel)[0].params, [{ a: { x: 2 } }, 2])
})

test('merging leaves the shared update as it is', () => {
  const { channel, status } = connect()
  channel.buffered = MANY
  const change = { a: { x: 1 } }
  status(change, 1)
  status({ a: { x: 2 } }, 2)
  assert.deepEqual(change, { a: { x: 1 } })
})

test('names of JavaScript properties are names of objects', () => {
  const { channel, status } = connect()
  channel.buffered = MANY
  for (const x of [1, 2]) status(JSON.parse(`{"__proto__":{"x":${x}},"constructor":{"x":${x}}}`), x)
  assert.ok(!('x' in {}))
  channel.drain()
  assert.match(channel.sent[0] ?? '', /\{"__proto__":\{"x":2\},"constructor":\{"x":2\}\}/)
})

test('a client that leaves too much unread is disconnected, whatever it gets', () => {
  for (const send of ['send', 'notify'] as const) {
    const { channel, connections, connection } = connect()
    channel.buffered = 9 * 1024 * 1024
    if (send === 'send') connection.send('x')
    else connection.notify(new Message('x'))
    assert.equal(channel.ended, 'terminated')
    assert.equal(connections.counts.slowClosed, 1)
    assert.deepEqual(channel.sent, [])
  }
})

test('one long message next to others disconnects no client, a second one does', () => {
  const { channel, connection } = connect()
  const long = 'x'.repeat(20_000_000)
  channel.stuck = true
  connection.send(long)
  for (let count = 0; count < 100; count += 1) connection.notify(new Message('short'))
  assert.deepEqual([channel.ended, channel.sent.length], [null, 101])
  connection.send(long)
  connection.send('x')
  assert.deepEqual([channel.ended, channel.sent.length], ['terminated', 102])
})

test('a disconnected client gets no messages', () => {
  const { channel, connections, connection, status } = connect()
  channel.buffered = MANY
  status({ a: { x: 1 } }, 1)
  connections.closed(connection)
  channel.drain()
  connection.send('x')
  connection.notify(new Message('x'))
  assert.deepEqual(channel.sent, [])
})

const NEVER = new AbortController().signal

test("only the client's reply settles a request to it", async () => {
  const { channel, connection } = connect()
  const registry = new Registry()
  const reply = (text: string) => assert.equal(answer(registry, text, connection), undefined)
  const results = [connection.request('a', { x: 1 }, NEVER), connection.request('b', {}, NEVER)] as const
  const [first, second] = sent(channel)
  assert.deepEqual(first, { jsonrpc: '2.0', method: 'a', params: { x: 1 }, id: first.id })
  assert.deepEqual(second, { jsonrpc: '2.0', method: 'b', id: second.id }, 'no parameters, no key')
  for (const nonsense of ['9999', '"x"', 'null', '{"a":1}', `"${second.id}"`]) {
    reply(`{"jsonrpc":"2.0","result":"wrong","id":${nonsense}}`)
  }
  reply(JSON.stringify({ jsonrpc: '2.0', result: 'yes', error: null, id: second.id }))
  reply(JSON.stringify({ jsonrpc: '2.0', result: 'again', id: second.id }))
  const refusal = { jsonrpc: '2.0', error: { code: 409, message: 'no', data: [1] }, id: first.id }
  assert.equal(await answer(registry, JSON.stringify([refusal]), connection), undefined)
  assert.equal(await results[1], 'yes')
  await assert.rejects(results[0], { status: 424, message: 'Agent unknown RPC error', data: refusal.error })
})

test('a reply without a result is an error, whatever it contains', async () => {
  for (const reply of [{ error: null }, { error: 'text' }, {}, { result: 1, error: 'both' }]) {
    const { channel, connection } = connect()
    const result = connection.request('a', {}, NEVER)
    connection.settle(sent(channel)[0].id, reply, 10)
    await assert.rejects(result, { status: 424, data: reply.error ?? null })
  }
})

test('a reply that is too long is rejected', async () => {
  const { channel, connection } = connect()
  const registry = new Registry()
  const result = connection.request('a', {}, NEVER)
  const reply = { jsonrpc: '2.0', result: 'x'.repeat(8 * 1024 * 1024), id: sent(channel)[0].id }
  assert.equal(answer(registry, JSON.stringify(reply), connection), undefined)
  await assert.rejects(result, {
    status: 502,
    message: /^Agent unknown sent a reply of 8388\d\d\d characters/,
  })
})

test('a requester may abort; a reply after that is ignored', async () => {
  const { channel, connection } = connect()
  const abort = new AbortController()
  const result = connection.request('a', {}, abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(result, { message: 'enough' })
  connection.settle(sent(channel)[0].id, { result: 'late' }, 10)
})

test('a client that does not reply gets a bounded number of requests', async () => {
  const { channel, connection } = connect()
  const abort = new AbortController()
  const waiting = Array.from({ length: 100 }, () => connection.request('a', {}, abort.signal))
  await assert.rejects(connection.request('a', {}, NEVER), { status: 503, message: /is too slow/ })
  assert.equal(channel.sent.length, 100)
  abort.abort(new Error('enough'))
  await Promise.all(waiting.map(each => assert.rejects(each, { message: 'enough' })))
  const next = connection.request('a', {}, NEVER)
  connection.settle(sent(channel)[100].id, { result: 'there' }, 10)
  assert.equal(await next, 'there')
})

test('requests end with 500 when the client disconnects, and at once afterwards', async () => {
  const { connections, connection } = connect()
  const result = connection.request('a', {}, NEVER)
  connections.closed(connection)
  await assert.rejects(result, { status: 500, message: 'Client Socket Disconnected' })
  await assert.rejects(connection.request('a', {}, NEVER), { status: 500 })
})

test('an unauthenticated client gets neither requests nor calls', async () => {
  const { channel, connection } = connect()
  connection.user = null
  await assert.rejects(connection.request('a', {}, NEVER), { status: 503 })
  connection.call('a', {})
  assert.deepEqual(channel.sent, [])
})

test('ids are unguessable, exact in JavaScript, and find their connections', () => {
  const connections = new Connections()
  const all = Array.from({ length: 200 }, () =>
    connections.open('unix', null, TRUSTED_USER, new SlowChannel()),
  )
  assert.equal(new Set(all.map(({ id }) => id)).size, 200)
  for (const connection of all) {
    assert.ok(Number.isSafeInteger(connection.id) && connection.id >= 2 ** 30)
    assert.equal(connections.get(connection.id), connection)
  }
})

test('notifications go to every client with a user', () => {
  const connections = new Connections()
  const channels = [new SlowChannel(), new SlowChannel(), new SlowChannel()] as const
  connections.open('websocket', '10.0.0.1', TRUSTED_USER, channels[0])
  const unauthenticated = connections.open('websocket', '8.8.8.8', null, channels[1])
  connections.open('unix', null, TRUSTED_USER, channels[2])
  connections.notify('notify_gcode_response', 'ok')
  connections.notify('notify_klippy_ready')
  const expected = [
    { jsonrpc: '2.0', method: 'notify_gcode_response', params: ['ok'] },
    { jsonrpc: '2.0', method: 'notify_klippy_ready' },
  ]
  assert.deepEqual(channels.map(sent), [expected, [], expected])
  assert.equal(connections.websockets, 2)
  unauthenticated.user = TRUSTED_USER
  connections.notify('notify_klippy_ready')
  assert.equal(channels[1].sent.length, 1)
})

test('a notification about one client goes to the others', () => {
  const { channel, connections, connection } = connect()
  const other = new SlowChannel()
  connections.open('unix', null, TRUSTED_USER, other)
  connections.notifyOthers(connection, 'notify_gcode_response', 'ok')
  assert.equal(other.sent.length, 1)
  assert.deepEqual(channel.sent, [])
})

test('listeners are called for each client that identifies itself', () => {
  const { connections, connection } = connect()
  const names: (string | undefined)[] = []
  connections.onIdentify(({ client }) => names.push(client?.name))
  connections.identified(connection, { name: 'x', version: '1', type: 'web', url: '' })
  assert.deepEqual(names, ['x'])
})

test('listeners are called once for each client that disconnects', () => {
  const { connections, connection } = connect()
  const gone: number[] = []
  connections.onClose(({ id }) => gone.push(id))
  connections.closed(connection)
  connections.closed(connection)
  assert.deepEqual(gone, [connection.id])
  assert.equal(connections.get(connection.id), undefined)
})

test('a message is encoded once for each kind of connection', () => {
  const message = new Message('text')
  let times = 0
  const encode = (text: string) => {
    times += 1
    return Buffer.from(text)
  }
  assert.equal(message.bytes(encode), message.bytes(encode))
  assert.equal(times, 1)
  assert.equal(message.bytes(text => Buffer.from(`${text}!`)).toString(), 'text!')
})
