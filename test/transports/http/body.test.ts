// Bodies of API calls: what the server reads of them, from which client, and for how long.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { bearer, createUser, startAccess } from '../../components/access/access-rig.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { type Reply, sendRaw, sendRequest } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'

const UNAUTHENTICATED = { 'X-Forwarded-For': '203.0.113.5' }
const JSON_TYPE = { 'Content-Type': 'application/json' }

/** Sends the head of a request with a body of `length` bytes, and of the body the text `sent`. */
function startBody(
  { port }: Rig,
  path: string,
  { length = 1000, sent = '{', headers = {} }: { length?: number; sent?: string; headers?: object } = {},
): Socket {
  const lines = Object.entries({ Host: 'localhost', ...JSON_TYPE, ...headers, 'Content-Length': length })
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.on('error', () => {})
  socket.write(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${sent}`,
  )
  return socket
}

function post(
  rig: Rig,
  path: string,
  body: string,
  headers: Record<string, string> = UNAUTHENTICATED,
): Promise<Reply> {
  return sendRequest(rig.port, path, { verb: 'POST', headers: { ...JSON_TYPE, ...headers }, body })
}

test('a client without the role is refused before its body arrives', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'viewer', { role: 'viewer' })
  for (const [headers, status] of [
    [UNAUTHENTICATED, 401],
    [bearer(token), 403],
  ] as const) {
    for (const path of ['/server/restart', '/server/files/directory', '/server/files/upload']) {
      const socket = startBody(rig, path, { headers })
      const [reply] = await once(socket, 'data')
      assert.match(reply, new RegExp(`^HTTP/1\\.1 ${status} `), path)
      socket.destroy()
    }
  }
})

test('an unauthenticated client may send 64 KiB, a user more', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  const call = (length: number) => `{"jsonrpc":"2.0","method":"access.info","id":1${' '.repeat(length)}}`
  const login = (length: number) => `{"username":"a","password":"pw of a"${' '.repeat(length)}}`
  const info = await post(rig, '/server/jsonrpc', call(65_000))
  assert.equal(info.json.result.default_source, 'moonraker')
  assert.equal((await post(rig, '/access/login', login(65_000))).status, 200)
  for (const reply of [
    await post(rig, '/server/jsonrpc', call(65_536)),
    await post(rig, '/access/login', login(65_536)),
    await post(rig, '/access/login', login(65_536), { ...UNAUTHENTICATED, 'X-Api-Key': 'wrong' }),
  ]) {
    assert.equal(reply.status, 413)
    assert.match(reply.json.error.message, /at most 65536 bytes/)
  }
  const chunk = `8000\r\n${' '.repeat(0x8000)}\r\n`.repeat(3)
  const head = 'POST /access/login HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.5\r\n'
  assert.match(
    await sendRaw(rig.port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`),
    /^HTTP\/1\.1 413 /,
  )
  const large = await post(rig, '/server/jsonrpc', call(1_000_000), bearer(token))
  assert.equal(large.json.result.default_source, 'moonraker')
})

test('a body that does not end is refused: after 10 s of an unauthenticated client, after 300 s of a user', async () => {
  const clock = new HandClock()
  await using rig = await startAccess('', { clock })
  for (const [headers, seconds] of [
    [UNAUTHENTICATED, 10],
    [{}, 300],
  ] as const) {
    const socket = startBody(rig, '/access/login', { headers })
    await clock.waitFor(seconds)
    const reply = once(socket, 'data')
    clock.pass(seconds - 1)
    socket.write(' ')
    assert.ok(clock.waits().includes(1), 'a further byte does not extend the time')
    clock.pass(1)
    assert.match((await reply)[0], new RegExp(`^HTTP/1\\.1 408 .*within ${seconds} seconds`))
    await once(socket, 'close')
  }
})

test('bodies that do not end cannot fill the memory together', async () => {
  await using rig = await startRig({ printer: 'none' })
  const piece = ' '.repeat(1024 * 1024)
  const sockets = Array.from({ length: 4 }, () =>
    startBody(rig, '/server/restart', { length: 45 * piece.length }),
  )
  const replies: string[] = []
  for (const socket of sockets) socket.on('data', reply => replies.push(String(reply)))
  const refused = Promise.race(sockets.map(socket => new Promise(resolve => socket.once('close', resolve))))
  await Promise.all(
    sockets.map(async socket => {
      for (let count = 0; count < 40 && socket.writable; count += 1) {
        await new Promise(resolve => socket.write(piece, resolve))
      }
    }),
  )
  await refused
  // A client that still sends may lose the reply.
  for (const reply of replies) assert.match(reply, /^HTTP\/1\.1 503 .*Too many large requests/)
  assert.equal(
    (await post(rig, '/server/jsonrpc', '{"jsonrpc":"2.0","method":"server.info","id":1}', {})).status,
    200,
  )
  for (const socket of sockets) socket.destroy()
})

test('JSON-RPC over HTTP accepts a byte order mark, and refuses a batch that would fill the memory', async () => {
  await using rig = await startRig({ printer: 'none' })
  const call = await post(rig, '/server/jsonrpc', '\ufeff{"jsonrpc":"2.0","method":"server.info","id":1}', {})
  assert.equal(call.json.id, 1)
  const many = await post(rig, '/server/jsonrpc', `[${'{},'.repeat(2_000_000)}{}]`, {})
  assert.deepEqual(many.json.error, { code: -32600, message: 'Too many values in one JSON text' })
})
