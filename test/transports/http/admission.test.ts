// Connections of unauthenticated clients: they take no place of users, and not the last one of each other.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { sendRequest } from '../../support/raw-http.ts'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'
import { CERTIFICATE, KEY } from './certificate.ts'
import { statusOverTls } from './tls-request.ts'

/** 127.0.0.1 is trusted; other addresses of this machine are those of unauthenticated clients. */
const start = (options: RigOptions = {}) =>
  startRig({ printer: 'none', authorization: 'trusted_clients: 127.0.0.1', ...options })

/** The n-th unauthenticated address. */
const address = (n: number) => `127.0.1.${n + 1}`

/** A connection with what it receives, and the moment when it ends. */
class Connection implements Disposable {
  readonly socket: Socket
  readonly closed: Promise<unknown>
  text = ''

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    this.closed = new Promise(resolve => socket.once('close', resolve))
    socket.on('data', piece => {
      this.text += piece.toString('latin1')
    })
  }

  static async open(port: number | null, localAddress: string, sent = ''): Promise<Connection> {
    const connection = new Connection(connect({ host: '127.0.0.1', port: port ?? 0, localAddress }))
    await once(connection.socket, 'connect')
    if (sent !== '') connection.socket.write(sent)
    return connection
  }

  get isOpen(): boolean {
    return !this.socket.closed
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

async function openMany(
  rig: Rig,
  count: number,
  from: (index: number) => string,
  sent = '',
): Promise<Connection[]> {
  const opened: Connection[] = []
  for (let index = 0; index < count; index += 1)
    opened.push(await Connection.open(rig.port, from(index), sent))
  return opened
}

const openIn = (connections: readonly Connection[]) => connections.filter(({ isOpen }) => isOpen)

const info = async (rig: Rig, from: string, headers = {}) =>
  (await sendRequest(rig.port, '/access/info', { from, headers })).status

test('of one address 32 connections stay: a new one is served, and the oldest is refused', async () => {
  await using rig = await start()
  const connections = await openMany(rig, 100, () => address(0))
  assert.equal(await info(rig, address(0)), 200)
  await Promise.all(connections.slice(0, 69).map(({ closed }) => closed))
  assert.match(connections[0]?.text ?? '', /^HTTP\/1\.1 503 .*not logged in/s)
  assert.equal(await info(rig, address(1)), 200)
  assert.deepEqual(openIn(connections), connections.slice(69))
  for (const each of connections) each[Symbol.dispose]()
})

test('of all addresses 100 stay: a new one replaces the oldest of the address with the most', async () => {
  await using rig = await start()
  const greedy = await openMany(rig, 30, () => address(0))
  const modest = await openMany(rig, 70, index => address(1 + index))
  const late = await openMany(rig, 10, index => address(100 + index))
  await Promise.all(greedy.slice(0, 10).map(({ closed }) => closed))
  assert.equal(await info(rig, '127.0.0.1'), 200)
  assert.deepEqual(openIn(greedy), greedy.slice(10))
  assert.deepEqual([openIn(modest), openIn(late)], [modest, late])
  for (const each of [...greedy, ...modest, ...late]) each[Symbol.dispose]()
})

test('no number of them keeps users out, with half a head or half a login', async () => {
  await using rig = await start()
  const login = 'POST /access/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{'
  for (const sent of ['', 'GET / HTT', login]) {
    const connections = await openMany(rig, 300, index => address(index % 200), sent)
    assert.equal((await sendRequest(rig.port, '/server/info')).status, 200)
    assert.equal(await info(rig, '127.0.0.9'), 200, 'another unauthenticated client')
    assert.ok(openIn(connections).length <= 100)
    for (const each of connections) each[Symbol.dispose]()
  }
})

test('connections that are refused do not stay, even if their clients neither read nor close', async () => {
  await using rig = await start()
  const sockets: Socket[] = []
  for (let index = 0; index < 700; index += 1) {
    const options = { host: '127.0.0.1', port: rig.port, localAddress: address(index % 200) }
    const socket = connect({ ...options, allowHalfOpen: true }).on('error', () => undefined)
    await once(socket, 'connect')
    socket.write('GET / HTT')
    sockets.push(socket)
  }
  assert.equal((await sendRequest(rig.port, '/server/info')).status, 200)
  for (const socket of sockets) socket.destroy()
})

test('a flood from many networks on the internet ends no login from a network that is near', async () => {
  await using rig = await start()
  const login = (client: string) =>
    `POST /access/login HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${client}\r\nContent-Length: 100\r\n\r\n{`
  using near = await Connection.open(rig.port, address(0), login('10.0.0.1'))
  // One attacker has a /48 of IPv6; two others have one connection each.
  using first = await Connection.open(rig.port, '127.0.0.1', login('198.51.100.1'))
  using second = await Connection.open(rig.port, '127.0.0.1', login('203.0.113.1'))
  const flood: Connection[] = []
  for (let index = 0; index < 130; index += 1)
    flood.push(await Connection.open(rig.port, '127.0.0.1', login(`2001:db8:1:${index.toString(16)}::1`)))
  await Promise.all(flood.slice(0, 33).map(({ closed }) => closed))
  assert.deepEqual([near.isOpen, first.isOpen, second.isOpen], [true, true, true])
  for (const each of flood) each[Symbol.dispose]()
})

async function apiKey(rig: Rig): Promise<string> {
  return (await sendRequest(rig.port, '/access/api_key')).json.result
}

/** Sends a request on a connection that stays open. */
async function statusOn(agent: Agent, rig: Rig, key: string): Promise<number> {
  const req = request({
    port: rig.port,
    host: '127.0.0.1',
    localAddress: address(0),
    path: '/server/info',
    headers: { 'X-Api-Key': key },
    agent,
  })
  req.end()
  const [res] = await once(req, 'response')
  res.resume()
  await once(res, 'end')
  return res.statusCode
}

test("a connection on which a user has sent a request takes no unauthenticated client's place", async () => {
  await using rig = await start()
  const key = await apiKey(rig)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const sockets = new Set<Duplex>()
  agent.on('free', socket => sockets.add(socket))
  assert.equal(await statusOn(agent, rig, key), 200)
  const connections = await openMany(rig, 60, () => address(0))
  assert.equal(await statusOn(agent, rig, key), 200)
  assert.equal(sockets.size, 1, 'both requests had the same connection')
  for (const each of connections) each[Symbol.dispose]()
  agent.destroy()
})

test('one address of a user has 250 connections', async () => {
  await using rig = await start()
  const key = await apiKey(rig)
  const sent = `GET /server/info HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: ${key}\r\n\r\n`
  const connections: Connection[] = []
  for (let count = 0; count < 250; count += 1) {
    const connection = await Connection.open(rig.port, address(0), sent)
    await once(connection.socket, 'data')
    connections.push(connection)
  }
  const refused = await sendRequest(rig.port, '/server/info', {
    from: address(0),
    headers: { 'X-Api-Key': key },
  })
  assert.deepEqual(
    [refused.status, refused.json.error.message],
    [503, 'Too many connections of this address: at most 250 are allowed'],
  )
  assert.equal(
    (await sendRequest(rig.port, '/server/info', { from: address(1), headers: { 'X-Api-Key': key } })).status,
    200,
  )
  assert.equal(openIn(connections).length, 250)
  for (const each of connections) each[Symbol.dispose]()
})

test('behind a trusted proxy the address that it reports counts, and only while a request is answered', async () => {
  await using rig = await start()
  const body = 'Content-Length: 100\r\n\r\n{'
  const login = (client: string) =>
    `POST /access/login HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${client}\r\n${body}`
  const connections = await openMany(rig, 40, () => '127.0.0.1', login('203.0.113.5'))
  const other = await Connection.open(rig.port, '127.0.0.1', login('203.0.113.6'))
  await Promise.all(connections.slice(0, 8).map(({ closed }) => closed))
  assert.equal(await info(rig, '127.0.0.1', { 'X-Forwarded-For': '203.0.113.6' }), 200)
  assert.deepEqual(openIn([...connections, other]), [...connections.slice(8), other])
  for (const each of [...connections, other]) each[Symbol.dispose]()
  const idle = await openMany(
    rig,
    150,
    () => '127.0.0.1',
    'GET /access/info HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n',
  )
  await Promise.all(idle.map(async ({ text, socket }) => text !== '' || once(socket, 'data')))
  assert.equal(await info(rig, '127.0.0.1'), 200)
  assert.equal(openIn(idle).length, 150)
  for (const each of idle) each[Symbol.dispose]()
})

test('a download that loses its place ends, without an error in the midst of the file', async () => {
  const size = 30_000_000
  await using rig = await start({
    prepare: ({ gcodes }) => {
      mkdirSync(gcodes, { recursive: true })
      writeFileSync(join(gcodes, 'a.png'), Buffer.alloc(size, 'x'))
    },
  })
  const sent = 'GET /server/files/gcodes/a.png HTTP/1.1\r\nHost: localhost\r\n\r\n'
  using download = await Connection.open(rig.port, address(0), sent)
  await once(download.socket, 'data')
  download.socket.pause()
  const connections = await openMany(rig, 40, () => address(0))
  download.socket.resume()
  await download.closed
  assert.match(download.text, /^HTTP\/1\.1 200 .*\r\n\r\nx+$/s)
  assert.ok(download.text.length < size)
  for (const each of connections) each[Symbol.dispose]()
})

test('over TLS the same limits count, before and after the handshake', async () => {
  await using rig = await start({
    prepare: ({ certs }) => {
      mkdirSync(certs, { recursive: true })
      writeFileSync(join(certs, 'moonraker.cert'), CERTIFICATE)
      writeFileSync(join(certs, 'moonraker.key'), KEY)
    },
  })
  const { tlsPort } = rig.server
  const silent: Connection[] = []
  for (let count = 0; count < 40; count += 1) silent.push(await Connection.open(tlsPort, address(0)))
  await Promise.all(silent.slice(0, 8).map(({ closed }) => closed))
  assert.equal(await statusOverTls(tlsPort, '/server/info'), 200)
  const secured: Connection[] = []
  for (let count = 0; count < 34; count += 1) {
    const socket = connectTls({
      socket: connect({ host: '127.0.0.1', port: tlsPort ?? 0, localAddress: address(1) }),
      ca: CERTIFICATE,
      servername: 'localhost',
    })
    secured.push(new Connection(socket))
    await once(socket, 'secureConnect')
  }
  await Promise.all(secured.slice(0, 2).map(({ closed }) => closed))
  assert.match(secured[0]?.text ?? '', /^HTTP\/1\.1 503 /)
  for (const each of [...silent, ...secured]) each[Symbol.dispose]()
  await Promise.all([...silent, ...secured].map(({ closed }) => closed))
  const again: Connection[] = []
  for (let count = 0; count < 32; count += 1) again.push(await Connection.open(tlsPort, address(2)))
  assert.equal(await statusOverTls(tlsPort, '/server/info'), 200)
  assert.equal(openIn(again).length, 32, 'closed connections have given their places back')
  for (const each of again) each[Symbol.dispose]()
})

/** Opens a WebSocket from an address. */
async function openSocket(rig: Rig, from: string, headers = {}): Promise<WebSocket> {
  const ws = new WebSocket(`${rig.url.replace('http', 'ws')}/websocket`, { localAddress: from, headers })
  ws.on('error', () => {})
  await once(ws, 'open')
  return ws
}

async function call(ws: WebSocket, method: string, params: object = {}): Promise<unknown> {
  const reply = new Promise<unknown>(resolve => {
    ws.on('message', data => {
      const { id, result, error } = JSON.parse((data as Buffer).toString())
      if (id === method) resolve(result ?? error)
    })
  })
  ws.send(JSON.stringify({ jsonrpc: '2.0', method, params, id: method }))
  return reply
}

test('of unauthenticated WebSockets 10 of an address and 25 of all stay; a new one always opens', async () => {
  await using rig = await start({ server: 'max_websocket_connections: 5' })
  const key = await apiKey(rig)
  const identified = await openSocket(rig, address(0))
  const identity = { client_name: 'x', version: '1', type: 'web', url: 'x', api_key: key }
  await call(identified, 'server.connection.identify', identity)
  const sockets: WebSocket[] = []
  for (let count = 0; count < 60; count += 1)
    sockets.push(await openSocket(rig, address(Math.floor(count / 20))))
  const isOpen = (ws: WebSocket) => ws.readyState === WebSocket.OPEN
  await Promise.all(sockets.slice(0, 10).map(async ws => isOpen(ws) && once(ws, 'close')))
  assert.deepEqual(await call(sockets.at(-1) as WebSocket, 'server.info'), {
    code: -32602,
    message: 'Unauthorized',
  })
  const open = sockets.map((ws, index) => (isOpen(ws) ? index : -1)).filter(index => index >= 0)
  assert.deepEqual(
    open.map(index => Math.floor(index / 20)),
    [...Array(8).fill(0), ...Array(8).fill(1), ...Array(9).fill(2)],
  )
  assert.equal(isOpen(identified), true)
  const users: WebSocket[] = []
  for (let count = 0; count < 4; count += 1) users.push(await openSocket(rig, '127.0.0.1'))
  for (const from of ['127.0.0.1', address(9)]) {
    const refused = new WebSocket(`${rig.url.replace('http', 'ws')}/websocket`, { localAddress: from })
    const [, response] = await once(refused, 'unexpected-response')
    assert.equal(response.statusCode, 503, from)
    refused.on('error', () => {})
    refused.terminate()
  }
  for (const ws of [identified, ...sockets, ...users]) ws.terminate()
})
