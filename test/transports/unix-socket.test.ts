import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { StartError } from '../../src/core/errors.ts'
import { FrameSplitter } from '../../src/klippy/framing.ts'
import { Connections } from '../../src/rpc/connections.ts'
import { Registry } from '../../src/rpc/registry.ts'
import { Backlog } from '../../src/transports/backlog.ts'
import { RequestScheduler } from '../../src/transports/request-scheduler.ts'
import { listenUnix } from '../../src/transports/unix-socket.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { startRig } from '../support/rig.ts'
import { testLog } from '../support/test-log.ts'
import type { Frame } from '../support/web-client.ts'

/** A client on the unix socket. */
class UnixClient implements Disposable {
  readonly socket: Socket
  readonly frames: Frame[] = []
  readonly #splitter = new FrameSplitter(2 ** 27)
  #notify = () => {}

  private constructor(path: string) {
    this.socket = connect(path)
    this.socket.on('error', () => {})
    this.socket.on('data', chunk => {
      this.frames.push(...this.#splitter.push(chunk).map(message => JSON.parse(message.toString())))
      this.#notify()
    })
  }

  static async open(path: string): Promise<UnixClient> {
    const client = new UnixClient(path)
    await once(client.socket, 'connect')
    return client
  }

  /** Resolves with all frames that fit, when there are `count` of them. */
  async find(fits: (frame: Frame) => boolean, count = 1): Promise<Frame[]> {
    for (;;) {
      const found = this.frames.filter(fits)
      if (found.length >= count) return found
      await new Promise<void>(resolve => {
        this.#notify = resolve
      })
    }
  }

  /** Sends bytes and resolves with the next `count` frames that are not notifications. */
  async exchange(bytes: string | Buffer, count = 1): Promise<Frame[]> {
    const before = new Set(this.frames)
    this.socket.write(bytes)
    return this.find(frame => !before.has(frame) && !('method' in frame), count)
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

const call = (id: unknown, method = 'server.info', params: unknown = {}) =>
  `${JSON.stringify({ jsonrpc: '2.0', method, params, id })}\x03`
const ids = (replies: Frame[]) => replies.map(({ id }) => id)

test('a client of the socket needs no login, and learns its connection id', async () => {
  await using rig = await startRig({ printer: 'none', authorization: '' })
  using client = await UnixClient.open(rig.socketPath)
  const identity = { client_name: 'x', version: '1', type: 'agent', url: 'x' }
  const [identified] = await client.exchange(call(0, 'server.connection.identify', identity))
  const [named] = await client.exchange(call(1, 'server.websocket.id'))
  assert.equal(identified.id, 0)
  assert.equal(named.result.websocket_id, identified.result.connection_id)
  const [info] = await client.exchange(call(2))
  assert.equal(info.result.websocket_count, 0)
})

test('messages may come split, or many at once', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await UnixClient.open(rig.socketPath)
  const bytes = Buffer.from(call('ü☃'))
  for (const byte of bytes.subarray(0, -1)) client.socket.write(Buffer.from([byte]))
  assert.deepEqual(ids(await client.exchange(bytes.subarray(-1))), ['ü☃'])
  const many = Array.from({ length: 100 }, (_, id) => call(id)).join('')
  assert.deepEqual(
    ids(await client.exchange(many, 100)),
    Array.from({ length: 100 }, (_, id) => id),
  )
})

test('each invalid message gets an error, and the connection stays', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await UnixClient.open(rig.socketPath)
  const replies = await client.exchange('hello\x03\x03{}\x03[]\x03\xff\x03', 5)
  const codes = replies.map(({ error }) => error.code)
  assert.deepEqual(codes, [-32700, -32700, -32600, -32600, -32700])
  assert.deepEqual(ids(await client.exchange(call(1))), [1])
})

test('a message without an end ends its connection and no other', async () => {
  await using rig = await startRig({ printer: 'none' })
  using greedy = await UnixClient.open(rig.socketPath)
  using other = await UnixClient.open(rig.socketPath)
  const piece = Buffer.alloc(2 ** 20, 'x')
  const closed = new Promise(resolve => greedy.socket.on('close', resolve))
  for (let sent = 0; sent < 51; sent += 1) greedy.socket.write(piece)
  await closed
  assert.deepEqual(ids(await other.exchange(call(1))), [1])
})

test('notifications and status come as on a WebSocket', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await UnixClient.open(rig.socketPath)
  const objects = { toolhead: ['homed_axes'] }
  const [reply] = await client.exchange(call(1, 'printer.objects.subscribe', { objects }))
  assert.deepEqual(reply.result.status, { toolhead: { homed_axes: '' } })
  klippy.push('toolhead', { homed_axes: 'xyz' })
  const [update] = await client.find(({ method }) => method === 'notify_status_update')
  assert.deepEqual(update.params, [{ toolhead: { homed_axes: 'xyz' } }, klippy.eventtime])
  klippy.print('hello')
  const [line] = await client.find(({ method }) => method === 'notify_gcode_response')
  assert.deepEqual(line.params, ['hello'])
})

test('only its user and group may use the socket, and it is removed with the server', async () => {
  const rig = await startRig({ printer: 'none' })
  assert.equal(statSync(rig.socketPath).mode & 0o777, 0o660)
  await rig.server.stop()
  assert.equal(existsSync(rig.socketPath), false)
  await rig[Symbol.asyncDispose]()
})

/** Listens at a path that a test has prepared. */
async function listenAt(
  prepare: (path: string) => void | Promise<void>,
  inspect: (path: string) => void = () => {},
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'unix-'))
  const path = join(folder, 'a.sock')
  try {
    await prepare(path)
    const log = testLog()
    return await listenUnix(path, {
      registry: new Registry(),
      connections: new Connections(),
      backlog: new Backlog(),
      scheduler: new RequestScheduler(),
      log,
    })
  } finally {
    inspect(path)
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a socket file without a server is replaced', async () => {
  const server = await listenAt(async path => {
    const dead = createServer().listen(path)
    await once(dead, 'listening')
    // Closing would take the file away; a server that was killed leaves it behind.
    const left = `${path}.left`
    linkSync(path, left)
    dead.close()
    await once(dead, 'close')
    renameSync(left, path)
    assert.ok(statSync(path).isSocket())
  })
  server.close()
})

test('the socket of another server stays', async () => {
  let other: Server | undefined
  await assert.rejects(
    listenAt(async path => {
      other = createServer().listen(path)
      await once(other, 'listening')
    }),
    (error: unknown) => error instanceof StartError && /is in use: another server runs/.test(error.message),
  )
  other?.close()
})

test('another kind of file is not removed', async () => {
  for (const make of [(path: string) => writeFileSync(path, 'precious'), (path: string) => mkdirSync(path)]) {
    let isThere = false
    const attempt = listenAt(make, path => {
      isThere = existsSync(path)
    })
    await assert.rejects(
      attempt,
      (error: unknown) => error instanceof StartError && /is another kind of file/.test(error.message),
    )
    assert.equal(isThere, true)
  }
})

test('a socket that cannot be created is an error of one line', async () => {
  const attempt = listenAt(path => rmSync(dirname(path), { recursive: true }))
  await assert.rejects(
    attempt,
    (error: unknown) =>
      error instanceof StartError && error.message.startsWith('cannot listen on the unix socket'),
  )
})
