// Requests to other servers, against servers of the test that behave well and badly.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { REACH, type Reach } from '../../src/core/address-reach.ts'
import { HttpClient, HttpClientError, type HttpReply, type HttpRequest } from '../../src/core/http-client.ts'
import { CERTIFICATE, KEY } from '../transports/http/certificate.ts'

const BOUNDS = { timeoutSeconds: 5, maxBytes: 1000 }

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createServer(listener))}`
}

/** Sends a request with a client of its own. */
async function sendHttp(request: HttpRequest): Promise<HttpReply> {
  const client = new HttpClient()
  try {
    return await client.send(request)
  } finally {
    client.close()
  }
}

function clientOf(t: TestContext): HttpClient {
  const client = new HttpClient()
  t.after(() => client.close())
  return client
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of req) text += part
  return text
}

test('a request arrives as it was given, and so does the response', async t => {
  const url = await serve(t, async (req, res) => {
    res
      .writeHead(201, { 'X-Seen': `${req.method} ${req.url} ${String(req.headers['x-own'])}` })
      .end(await bodyOf(req))
  })
  const reply = await sendHttp({
    ...BOUNDS,
    url: `${url}/a?b=1`,
    method: 'PUT',
    headers: { 'X-Own': 'yes' },
    body: 'hello',
  })
  assert.equal(reply.status, 201)
  assert.equal(reply.headers['x-seen'], 'PUT /a?b=1 yes')
  assert.equal(reply.body.toString(), 'hello')
  assert.equal(reply.url, `${url}/a?b=1`)
})

test('user and password of the URL become credentials', async t => {
  const url = await serve(t, (req, res) => res.end(req.headers.authorization))
  const reply = await sendHttp({ ...BOUNDS, url: url.replace('//', '//me:se%20cret@') })
  assert.equal(reply.body.toString(), `Basic ${btoa('me:se cret')}`)
})

test('a redirect to another origin loses credentials, one of the same keeps them', async t => {
  const seen: (string | undefined)[] = []
  const other = await serve(t, (req, res) => {
    seen.push(req.headers.authorization, req.headers['x-api-key'] as string | undefined)
    res.end('there')
  })
  const url = await serve(t, (req, res) => {
    seen.push(req.headers.authorization)
    res.writeHead(302, { Location: req.url === '/' ? '/again' : other }).end()
  })
  const reply = await sendHttp({
    ...BOUNDS,
    url: `${url.replace('//', '//me:secret@')}/`,
    headers: { 'X-Api-Key': 'key' },
  })
  assert.equal(reply.body.toString(), 'there')
  assert.deepEqual(seen, [`Basic ${btoa('me:secret')}`, `Basic ${btoa('me:secret')}`, undefined, undefined])
})

test('the URL of the response contains no user and password', async t => {
  const url = await serve(t, (_req, res) => res.end())
  const reply = await sendHttp({ ...BOUNDS, url: url.replace('//', '//me:secret@') })
  assert.equal(reply.url, `${url}/`)
})

test('a redirect to another origin drops the Host header', async t => {
  const other = await serve(t, (req, res) => res.end(req.headers.host))
  const url = await serve(t, (_req, res) => res.writeHead(302, { Location: other }).end())
  const reply = await sendHttp({ ...BOUNDS, url, headers: { Host: 'camera.test' } })
  assert.equal(`http://${reply.body.toString()}`, other)
})

test('a redirect to a server that is nearer is refused, by address and by name', async t => {
  const received: string[] = []
  const other = await serve(t, (req, res) => {
    received.push(req.url ?? '')
    res.end()
  })
  const url = await serve(t, (req, res) => res.writeHead(302, { Location: req.url?.slice(1) }).end())
  /** Follows one redirect, where these are the distances that the two ends seem to have. */
  const redirect = (to: string, ...ends: Reach[]) =>
    new HttpClient(() => ends.shift() ?? REACH.machine).send({ ...BOUNDS, url: `${url}/${to}` })
  const { machine, house, internet } = REACH
  for (const name of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
    const to = `${other.replace('127.0.0.1', name)}/shut`
    await assert.rejects(redirect(to, internet, machine), /redirects to .*, which is nearer to this machine/)
    await assert.rejects(redirect(to, internet, house), /which is nearer/)
    await assert.rejects(redirect(to, house, machine), /which is nearer/)
  }
  assert.deepEqual(received, [])
  for (const ends of [
    [internet, internet],
    [house, house],
    [machine, machine],
    [machine, internet],
  ]) {
    assert.equal((await redirect(`${other}/open`, ...(ends as Reach[]))).status, 200)
  }
  assert.equal(received.length, 4)
})

test('a redirect to a server that is nearer is refused also over a kept connection', async t => {
  const other = (await serve(t, (_req, res) => res.end())).replace('127.0.0.1', 'localhost')
  const url = await serve(t, (_req, res) => res.writeHead(302, { Location: other }).end())
  const distances = [REACH.internet, REACH.machine]
  const client = new HttpClient(() => distances.shift() ?? REACH.machine)
  t.after(() => client.close())
  assert.equal((await client.send({ ...BOUNDS, url: other })).status, 200)
  await assert.rejects(client.send({ ...BOUNDS, url }), /which is nearer/)
})

test('a POST that is redirected with 302 becomes a GET without a body, with 307 it stays', async t => {
  const url = await serve(t, async (req, res) => {
    const status = Number(req.url?.slice(1))
    if (status > 0) res.writeHead(status, { Location: '/' }).end()
    else res.end(`${req.method} ${req.headers['content-type']} ${await bodyOf(req)}`)
  })
  const post = { ...BOUNDS, method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'x' }
  assert.equal((await sendHttp({ ...post, url: `${url}/302` })).body.toString(), 'GET undefined ')
  assert.equal((await sendHttp({ ...post, url: `${url}/307` })).body.toString(), 'POST text/plain x')
})

test('a redirect loop ends; with no redirects allowed the first response counts', async t => {
  const url = await serve(t, (_req, res) => res.writeHead(302, { Location: '/' }).end())
  await assert.rejects(sendHttp({ ...BOUNDS, url }), /redirects too many times/)
  assert.equal((await sendHttp({ ...BOUNDS, url, maxRedirects: 0 })).status, 302)
})

test('redirects lead to http and https only', async t => {
  const url = await serve(t, (_req, res) => res.writeHead(302, { Location: 'file:///etc/passwd' }).end())
  await assert.rejects(sendHttp({ ...BOUNDS, url }), /not an address of http or https/)
  await assert.rejects(sendHttp({ ...BOUNDS, url: 'ftp://x/' }), /not an address of http or https/)
  await assert.rejects(sendHttp({ ...BOUNDS, url: 'nonsense' }), /not an address of http or https/)
})

test('a body that never ends is cut at its bound', async t => {
  const url = await serve(t, (_req, res) => {
    const more = () => {
      while (!res.destroyed && res.write('x'.repeat(1000)));
    }
    res.on('drain', more)
    more()
  })
  await assert.rejects(
    sendHttp({ ...BOUNDS, url }),
    /^HttpClientError: 127\.0\.0\.1:\d+: .* longer than 1000 bytes$/,
  )
})

test('with headersOnly a stream without end does not matter', async t => {
  const url = await serve(t, (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace' }).write('--frame')
  })
  assert.equal((await sendHttp({ ...BOUNDS, url, headersOnly: true })).status, 200)
})

test('a server that does not answer is an error that names it without the password', async t => {
  const url = await serve(t, () => undefined)
  const sent = sendHttp({ ...BOUNDS, url: url.replace('//', '//me:secret@'), timeoutSeconds: 0.05 })
  await assert.rejects(sent, (error: Error) => {
    assert.ok(error instanceof HttpClientError)
    assert.equal(error.message, `${url.slice('http://'.length)}: no answer within 0.05 seconds`)
    return true
  })
})

test('an aborted request rejects with the reason', async t => {
  const controller = new AbortController()
  const url = await serve(t, () => controller.abort(new Error('enough')))
  await assert.rejects(sendHttp({ ...BOUNDS, url, signal: controller.signal }), /^Error: enough$/)
})

test('a connection that is closed without an answer is an error', async t => {
  const url = await serve(t, (req, _res) => req.socket.destroy())
  await assert.rejects(sendHttp({ ...BOUNDS, url }), /127\.0\.0\.1:\d+: socket hang up/)
})

test('a response that changes the protocol is an error', async t => {
  const server = createTcpServer(socket => {
    t.after(() => socket.destroy())
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await assert.rejects(sendHttp({ ...BOUNDS, url }), /closes the connection without an answer/)
})

/** A server that replies `ok`, and counts its connections. */
async function countConnections(t: TestContext): Promise<{ url: string; connections: () => number }> {
  const server = createServer((_req, res) => res.end('ok'))
  let count = 0
  server.on('connection', () => {
    count += 1
  })
  return { url: `http://127.0.0.1:${await listen(t, server)}/`, connections: () => count }
}

test('connections are used again, and closed with the client', async t => {
  const { url, connections } = await countConnections(t)
  const client = clientOf(t)
  for (let count = 0; count < 3; count += 1) await client.send({ ...BOUNDS, url })
  assert.equal(connections(), 1)
  client.close()
  await client.send({ ...BOUNDS, url })
  assert.equal(connections(), 2)
})

test('a kept connection that the server has closed costs no request, but a POST is not sent twice', async t => {
  const requests: string[] = []
  const server = createServer((req, res) => {
    requests.push(`${req.method} ${req.url}`)
    // The second request on a connection finds it closed.
    if (req.url === '/first') res.end('ok')
    else if (requests.length === 2) req.socket.resetAndDestroy()
    else res.end('again')
  })
  const url = `http://127.0.0.1:${await listen(t, server)}`
  for (const method of ['GET', 'POST']) {
    requests.length = 0
    const client = clientOf(t)
    await client.send({ ...BOUNDS, url: `${url}/first` })
    const second = client.send({ ...BOUNDS, url: `${url}/second`, method })
    if (method === 'GET') assert.equal((await second).body.toString(), 'again')
    else await assert.rejects(second, /ECONNRESET|socket hang up/)
    assert.equal(requests.length, method === 'GET' ? 3 : 2)
  }
})

test('a request that must arrive only once gets a new connection', async t => {
  const { url, connections } = await countConnections(t)
  const client = clientOf(t)
  await client.send({ ...BOUNDS, url })
  await client.send({ ...BOUNDS, url, method: 'PUT', once: true })
  assert.equal(connections(), 2)
})

test('credentials may be given apart from the URL', async t => {
  const url = await serve(t, (req, res) => res.end(req.headers.authorization))
  const auth = { username: 'me', password: 'sé:cret' }
  const { body } = await sendHttp({ ...BOUNDS, url: url.replace('//', '//other@'), auth })
  assert.equal(Buffer.from(body.toString().slice('Basic '.length), 'base64').toString(), 'me:sé:cret')
})

test('a certificate is checked against the usual authorities, given ones, or not at all', async t => {
  const server = createTlsServer({ cert: CERTIFICATE, key: KEY }, (_req, res) => res.end('ok'))
  const url = `https://localhost:${await listen(t, server)}/`
  const client = clientOf(t)
  const send = (tls: HttpRequest['tls'] = {}) => client.send({ ...BOUNDS, url, tls })
  await assert.rejects(send(), /self-signed certificate/)
  assert.equal((await send({ ca: CERTIFICATE })).status, 200)
  assert.equal((await send({ insecure: true })).status, 200)
  await assert.rejects(send(), /self-signed certificate/)
})

test('TLS is not loaded for a server whose name has no address', async () => {
  const script = `
    const { HttpClient } = await import('./src/core/http-client.ts')
    const request = { url: 'https://printer.invalid', timeoutSeconds: 5, maxBytes: 1 }
    const failure = await new HttpClient().send(request).catch(error => error.message)
    console.log(failure, process.moduleLoadList.includes('NativeModule tls'))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: join(import.meta.dirname, '..', '..'),
  })
  assert.match(stdout, /^printer\.invalid: getaddrinfo \w+ printer\.invalid false$/m)
})

test('a client may show a certificate of its own, but not to another origin', async t => {
  const options = {
    cert: CERTIFICATE,
    key: KEY,
    ca: CERTIFICATE,
    requestCert: true,
    rejectUnauthorized: false,
  }
  const seen: string[] = []
  const subjectOf = (req: IncomingMessage) => {
    const certificate = (req.socket as TLSSocket).getPeerCertificate()
    return String(certificate.subject?.CN)
  }
  const other = createTlsServer(options, (req, res) => {
    seen.push(subjectOf(req))
    res.end()
  })
  const otherUrl = `https://localhost:${await listen(t, other)}/`
  const first = createTlsServer(options, (req, res) => {
    seen.push(subjectOf(req))
    res.writeHead(302, { Location: otherUrl }).end()
  })
  const tls = { ca: CERTIFICATE, cert: CERTIFICATE, key: KEY }
  const url = `https://localhost:${await listen(t, first)}/`
  // What the first server allowed does not hold for the second.
  await assert.rejects(clientOf(t).send({ ...BOUNDS, url, tls }), /self-signed certificate/)
  assert.deepEqual(seen, ['localhost'])
})

const STREAM = { timeoutSeconds: 5, idleSeconds: 5 }

test('a streamed body arrives in parts, while it is being sent', async t => {
  const url = await serve(t, (_req, res) => {
    res.writeHead(200, 'Fine', { 'X-Own': 'yes' }).write('one')
    t.after(() => res.end())
  })
  const stream = await clientOf(t).open({ ...STREAM, url })
  assert.deepEqual([stream.status, stream.statusText, stream.headers['x-own']], [200, 'Fine', 'yes'])
  for await (const part of stream.body) {
    assert.equal(part.toString(), 'one')
    break
  }
})

test('a streamed body that stops, ends early or is aborted rejects', async t => {
  const controller = new AbortController()
  const url = await serve(t, (req, res) => {
    res.writeHead(200, { 'Content-Length': 100 }).write('x')
    if (req.url === '/breaks') res.socket?.end()
    if (req.url === '/aborted') setImmediate(() => controller.abort(new Error('enough')))
  })
  const client = clientOf(t)
  const read = async (path: string, more: object) => {
    const { body } = await client.open({ ...STREAM, url: url + path, ...more })
    for await (const part of body) assert.equal(part.toString(), 'x')
  }
  await assert.rejects(
    read('/stops', { idleSeconds: 0.05 }),
    /^HttpClientError: 127.*: sends nothing for 0\.05 sec/,
  )
  await assert.rejects(read('/breaks', {}), /^HttpClientError: 127.*: aborted/)
  await assert.rejects(read('/aborted', { signal: controller.signal }), /^Error: enough$/)
})

test('a slow reader of a body is not a silent server', async t => {
  const url = await serve(t, (_req, res) => res.end('x'.repeat(200_000)))
  const { body } = await clientOf(t).open({ ...STREAM, url, idleSeconds: 0.05 })
  let length = 0
  for await (const part of body) {
    if (length === 0) await setTimeout(100)
    length += part.length
  }
  assert.equal(length, 200_000)
})
