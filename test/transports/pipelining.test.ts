// A client that sends many requests at once, with long replies: the others do not wait for it, and it gets no more replies
// than it reads.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { get } from '../../src/api/endpoint.ts'
import { component } from '../../src/component/component.ts'
import { string } from '../../src/schema/index.ts'
import { chapterOf } from '../support/chapter.ts'
import { sendRequest } from '../support/raw-http.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

const LONG = 'x'.repeat(512 * 1024)
const REQUESTS = 24

const long = chapterOf({
  'long.now': get('/long/now', { summary: 'A long text', result: string() }),
  'long.later': get('/long/later', { summary: 'A long text, by a promise', result: string() }),
})

/** A server with methods that reply 0.5 MiB, and how many of their calls have started. */
async function startLong() {
  const calls = { started: 0 }
  const reply = () => {
    calls.started += 1
    return LONG
  }
  const longReplies = component({
    section: 'long',
    presence: 'always',
    options: {},
    create({ core, scope }) {
      scope.use(core.registry.serve(long, { 'long.now': reply, 'long.later': async () => reply() }))
      return {}
    },
  })
  const rig = await startRig({ printer: 'none', components: [longReplies] })
  return { rig, calls, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() }
}

/** Connects to a port or a unix socket, for the time of the test. */
function open(t: TestContext, where: number | string): Socket {
  const socket = typeof where === 'string' ? connect(where) : connect(where, '127.0.0.1')
  t.after(() => socket.destroy())
  return socket.on('error', () => {}).setEncoding('latin1')
}

const call = (method: string, id: number) => JSON.stringify({ jsonrpc: '2.0', method, id })

/** Resolves when the client has received `text` so many times. */
async function receive(socket: Socket, text: string, times: number): Promise<void> {
  let found = 0
  let rest = ''
  socket.resume()
  for await (const piece of socket) {
    const all = rest + piece
    found += all.split(text).length - 1
    rest = text.length > 1 ? all.slice(1 - text.length) : ''
    if (found >= times) return
  }
}

for (const name of ['now', 'later']) {
  suite(`replies that come ${name}`, () => {
    test('HTTP: the next request is handled when the reply before it is sent', async t => {
      await using server = await startLong()
      const { rig, calls } = server
      const socket = open(t, rig.port).pause()
      socket.write(`GET /long/${name} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(REQUESTS))
      for (let i = 0; i < 20; i += 1) assert.equal((await sendRequest(rig.port, '/server/info')).status, 200)
      assert.ok(calls.started <= 8, `${calls.started} calls, but the client reads nothing`)
      await receive(socket, 'HTTP/1.1 200 ', REQUESTS)
      assert.equal(calls.started, REQUESTS)
    })

    test('WebSocket: the next messages are handled round robin, while replies are read', async () => {
      await using server = await startLong()
      const { rig, calls } = server
      using slow = await WebClient.open(rig.url)
      using other = await WebClient.open(rig.url)
      slow.ws.pause()
      for (let id = 1; id <= REQUESTS; id += 1) slow.send(call(`long.${name}`, id))
      for (let i = 0; i < 20; i += 1) await other.call('server.info')
      assert.ok(calls.started <= 16, `${calls.started} calls, but the client reads nothing`)
      slow.ws.resume()
      await slow.find(({ id }) => id === REQUESTS)
      assert.deepEqual(
        slow.frames.flatMap(({ id }) => id ?? []),
        Array.from({ length: REQUESTS }, (_, i) => i + 1),
      )
    })

    test('unix socket: the next messages are handled round robin, while replies are read', async t => {
      await using server = await startLong()
      const { rig, calls } = server
      const socket = open(t, rig.socketPath).pause()
      const texts = Array.from({ length: REQUESTS }, (_, id) => call(`long.${name}`, id))
      socket.write(texts.map(text => `${text}\x03`).join(''))
      for (let i = 0; i < 20; i += 1) await sendRequest(rig.port, '/server/info')
      assert.ok(calls.started <= 16, `${calls.started} calls, but the client reads nothing`)
      await receive(socket, '"result":"', REQUESTS)
      assert.equal(calls.started, REQUESTS)
    })

    test('a batch stops when its replies are too long', async () => {
      await using server = await startLong()
      const { rig, calls } = server
      using client = await WebClient.open(rig.url)
      client.send(`[${Array.from({ length: 80 }, (_, id) => call(`long.${name}`, id)).join()}]`)
      const replies = await client.find(frame => Array.isArray(frame))
      assert.equal(replies.length, 80)
      assert.equal(replies.at(-1).error.code, 413)
      assert.ok(calls.started <= 70, `${calls.started} calls`)
    })
  })
}

test('a connection with too many pipelined requests ends', async t => {
  await using server = await startLong()
  const { rig, calls } = server
  const socket = open(t, rig.port).resume()
  socket.write('GET /long/later HTTP/1.1\r\nHost:\r\n\r\n'.repeat(400))
  await once(socket, 'close')
  assert.ok(calls.started <= 1)
})

test('a pipelined request after the end of the connection is not handled', async t => {
  await using server = await startLong()
  const { rig, calls } = server
  const socket = open(t, rig.port)
  const next = 'GET /long/later HTTP/1.1\r\nHost: localhost\r\n\r\n'
  socket.write(`GET /server/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n${next}`)
  await receive(socket, 'HTTP/1.1 200 ', 2)
  assert.equal(calls.started, 0)
})
