// Reads of devices: every form of a response, what is none, and connections that are kept.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { Deadline } from '../../../src/components/power/deadline.ts'
import { PlainHttp } from '../../../src/components/power/plain-http/plain-http.ts'
import { systemClock } from '../../../src/core/clock.ts'

/** A server that replies with bytes as a test gives them. */
class RawServer implements AsyncDisposable {
  /** What each connection has received. */
  readonly received: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, reply: (socket: Socket, request: number) => void) {
    this.#server = server
    let requests = 0
    server.on('connection', socket => {
      const index = this.received.push('') - 1
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('data', data => {
        this.received[index] = `${this.received[index]}${String(data)}`
        reply(socket, requests++)
      })
    })
  }

  static async start(reply: (socket: Socket, request: number) => void): Promise<RawServer> {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return new RawServer(server, reply)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

const READ = { headers: {}, maxBytes: 1000, isKept: false, deadline: new Deadline(systemClock, 3600) }

/** The body of a response that arrives whole, or byte by byte, and ends with the connection. */
async function bodyOf(bytes: string, { isSlow = false } = {}): Promise<string> {
  await using server = await RawServer.start(async socket => {
    socket.setNoDelay(true)
    for (const part of isSlow ? bytes : [bytes]) {
      socket.write(part, 'latin1')
      await new Promise(resolve => setImmediate(resolve))
    }
    socket.end()
  })
  const reply = await new PlainHttp().get(server.url, READ)
  return `${reply?.status} ${String(reply?.body)}`
}

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKS = 'Transfer-Encoding: chunked\r\n\r\n'

for (const [what, bytes, expected] of [
  ['with a length', `${OK}content-length:  5 \r\n\r\nhello`, '200 hello'],
  ['that ends with the connection', `${OK}\r\nhello`, '200 hello'],
  ['of HTTP/1.0 without a reason', 'HTTP/1.0 200\r\n\r\nhello', '200 hello'],
  ['in chunks', `${OK}${CHUNKS}2\r\nhe\r\n03;a=b\r\nllo\r\n0\r\n\r\n`, '200 hello'],
  ['in chunks with trailers', `${OK}${CHUNKS}A\r\n0123456789\r\n0\r\nDate: now\r\n\r\n`, '200 0123456789'],
  ['after an interim one', `HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n${OK}Content-Length: 0\r\n\r\n`, '200 '],
  ['without an encoding', `${OK}Transfer-Encoding: identity\r\n\r\nhello`, '200 hello'],
  ['after an empty line', `\r\n${OK}Content-Length: 5\r\n\r\nhello`, '200 hello'],
  ['of an unknown status', 'HTTP/1.1 999 Odd\r\n\r\nhello', '999 hello'],
  ['that has no body', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', '204 '],
] as const) {
  test(`a response ${what}`, async () => {
    assert.equal(await bodyOf(bytes), expected)
    assert.equal(await bodyOf(bytes, { isSlow: true }), expected)
  })
}

for (const [what, bytes, reason] of [
  ['no bytes', '', /closes the connection without an answer/],
  ['a head without an end', OK, /closes the connection before the end of the answer/],
  [
    'less than its length',
    `${OK}Content-Length: 9\r\n\r\nhello`,
    /closes the connection before the end of the answer/,
  ],
  [
    'chunks without an end',
    `${OK}${CHUNKS}2\r\nhe\r\n`,
    /closes the connection before the end of the answer/,
  ],
  ['text', 'SSH-2.0-OpenSSH\r\n\r\n', /not HTTP/],
  ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n', /not HTTP/],
  ['another protocol', 'HTTP/1.1 101 Switching\r\n\r\n', /changes the protocol/],
  ['a header without a colon', `${OK}hello\r\n\r\n`, /invalid header/],
  ['a header with a space', `${OK}Content-Length : 5\r\n\r\nhello`, /invalid header/],
  ['a folded header', `${OK}A: b\r\n c\r\n\r\n`, /invalid header/],
  ['a head of 17 kB', `${OK}A: ${'b'.repeat(17_000)}`, /too long/],
  [
    'two lengths',
    `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    /length of the answer is not clear/,
  ],
  ['a negative length', `${OK}Content-Length: -1\r\n\r\n`, /length of the answer is not clear/],
  [
    'a length and chunks',
    `${OK}Content-Length: 5\r\n${CHUNKS}0\r\n\r\n`,
    /length of the answer is not clear/,
  ],
  ['a long length', `${OK}Content-Length: 1001\r\n\r\n`, /longer than 1000 bytes/],
  ['a long body', `${OK}\r\n${'b'.repeat(20_000)}`, /longer than 1000 bytes/],
  ['a long chunk', `${OK}${CHUNKS}3e9\r\n`, /longer than 1000 bytes/],
  ['a chunk without a size', `${OK}${CHUNKS}-1\r\n`, /invalid chunk/],
  ['a chunk of another size', `${OK}${CHUNKS}2\r\nhello\r\n`, /invalid chunk/],
] as const) {
  test(`${what} in place of a response is an error`, async () => {
    await assert.rejects(bodyOf(bytes), { name: 'HttpClientError', message: reason })
  })
}

test('headers have names in lower case, and repeated ones are joined', async () => {
  await using server = await RawServer.start(socket =>
    socket.end(`${OK}ETag: "a"\r\nX-A: 1\r\nx-a:2\r\n__proto__: b\r\n\r\n`),
  )
  const reply = await new PlainHttp().get(server.url, READ)
  assert.deepEqual({ ...reply?.headers }, { etag: '"a"', 'x-a': '1, 2', ['__proto__']: 'b' })
})

test('a request has its headers once, and none that would change the protocol', async () => {
  await using server = await RawServer.start(socket => socket.end(`${OK}\r\n`))
  const http = new PlainHttp()
  await http.get(`${server.url}/a b?c=%20d`, { ...READ, headers: { 'X-A': 'lost', 'x-a': 'kept' } })
  const host = server.url.replace('http://', '')
  assert.deepEqual(server.received, [
    `GET /a%20b?c=%20d HTTP/1.1\r\nHost: ${host}\r\nx-a: kept\r\nConnection: close\r\n\r\n`,
  ])
  await assert.rejects(http.get(server.url, { ...READ, headers: { a: 'b\r\nc: d' } }), /Invalid character/)
  for (const [url, headers] of [
    [server.url, { host: 'other' }],
    [server.url.replace('//', '//user:password@'), {}],
    [server.url.replace('//', '//:password@'), {}],
    [server.url.replace('http:', 'https:'), {}],
    ['not a URL', {}],
  ] as const) {
    assert.equal(await http.get(url, { ...READ, headers }), null)
  }
  assert.equal(server.received.length, 1)
})

const KEPT = `${OK}Content-Length: 1\r\n\r\na`

test('a kept connection serves the next read, until the server ends it', async () => {
  const ends: Socket[] = []
  await using server = await RawServer.start((socket, request) => {
    if (request === 2) socket.destroy()
    else socket.write(KEPT)
    if (request === 4) ends.push(socket)
  })
  const http = new PlainHttp()
  const get = async () => String((await http.get(server.url, { ...READ, isKept: true }))?.body)
  // The third request meets a connection that ends, and is sent again over a new one.
  for (let i = 0; i < 4; i += 1) assert.equal(await get(), 'a')
  assert.equal(server.received.length, 2)
  assert.equal(server.received[0]?.split('GET').length, 4)
  const [last] = ends
  assert.ok(last)
  last.end()
  await once(last, 'close')
  assert.equal(await get(), 'a')
  assert.equal(server.received.length, 3)
  http.close()
})

for (const [what, bytes] of [
  ['closes it', `${OK}Connection: Close\r\nContent-Length: 1\r\n\r\na`],
  ['uses HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na'],
  ['sends more than a response', `${KEPT}HTTP/1.1 200 OK\r\n`],
] as const) {
  test(`a connection is not kept if the server ${what}`, async () => {
    await using server = await RawServer.start(socket => socket.write(bytes))
    const http = new PlainHttp()
    for (let i = 0; i < 2; i += 1) await http.get(server.url, { ...READ, isKept: true })
    assert.equal(server.received.length, 2)
  })
}

test('a server gets 8 requests at the same time, and 4 connections are kept', async () => {
  const waiting: Socket[] = []
  const eight = Promise.withResolvers<void>()
  await using server = await RawServer.start(socket => {
    if (waiting.push(socket) === 8) eight.resolve()
    if (waiting.length > 8) socket.write(KEPT)
  })
  const http = new PlainHttp()
  const replies = Array.from({ length: 20 }, () => http.get(server.url, { ...READ, isKept: true }))
  await eight.promise
  assert.equal(server.received.length, 8)
  const closed = waiting.map(socket => once(socket, 'close'))
  for (const socket of waiting) socket.write(KEPT)
  await Promise.all(replies)
  http.close()
  await Promise.all(closed)
})

test('the connections of at most 200 servers are kept', async () => {
  await using stack = new AsyncDisposableStack()
  const sockets: Socket[] = []
  const http = new PlainHttp()
  for (let i = 0; i < 201; i += 1) {
    const server = await RawServer.start(socket => {
      sockets.push(socket)
      socket.write(KEPT)
    })
    stack.use(server)
    await http.get(server.url, { ...READ, isKept: true })
  }
  assert.equal(sockets.length, 201)
  const [first, second] = sockets
  assert.ok(first && second)
  if (!first.closed) await once(first, 'close')
  assert.equal(second.readyState, 'open')
  http.close()
})

test('a read whose deadline ends rejects with the reason, and closes its connection', async () => {
  const ended = Promise.withResolvers<void>()
  const requested = Promise.withResolvers<void>()
  await using server = await RawServer.start(socket => {
    socket.on('close', () => ended.resolve())
    requested.resolve()
  })
  const deadline = new Deadline(systemClock, 3600)
  const reply = new PlainHttp().get(server.url, { ...READ, deadline })
  await requested.promise
  deadline.cancel(new Error('enough'))
  await assert.rejects(reply, /^Error: enough$/)
  await ended.promise
})
