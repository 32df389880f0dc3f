// Requests to other servers, against servers of our own that behave well and badly.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { REACH, type Reach } from '../../src/core/address-reach.ts'
import { HttpClientError, sendHttp } from '../../src/core/http-client.ts'

const BOUNDS = { timeoutSeconds: 5, maxBytes: 1000 }

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of req) text += part
  return text
}

test('sends what is given and gives back what comes', async t => {
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

test('the answer does not say user and password', async t => {
  const url = await serve(t, (_req, res) => res.end())
  const reply = await sendHttp({ ...BOUNDS, url: url.replace('//', '//me:secret@') })
  assert.equal(reply.url, `${url}/`)
})

test('the name of one host is not told to another', async t => {
  const other = await serve(t, (req, res) => res.end(req.headers.host))
  const url = await serve(t, (_req, res) => res.writeHead(302, { Location: other }).end())
  const reply = await sendHttp({ ...BOUNDS, url, headers: { Host: 'camera.test' } })
  assert.equal(`http://${reply.body.toString()}`, other)
})

test('a redirect leads to nobody nearer than who redirects, by address and by name', async t => {
  const asked: string[] = []
  const other = await serve(t, (req, res) => {
    asked.push(req.url ?? '')
    res.end()
  })
  const url = await serve(t, (req, res) => res.writeHead(302, { Location: req.url?.slice(1) }).end())
  /** Follows one redirect, where these are the distances that the two ends seem to have. */
  const redirect = (to: string, ...ends: Reach[]) =>
    sendHttp({ ...BOUNDS, url: `${url}/${to}` }, () => ends.shift() ?? REACH.machine)
  const { machine, house, internet } = REACH
  for (const name of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
    const to = `${other.replace('127.0.0.1', name)}/shut`
    await assert.rejects(redirect(to, internet, machine), /redirects to .*, which is nearer to this machine/)
    await assert.rejects(redirect(to, internet, house), /which is nearer/)
    await assert.rejects(redirect(to, house, machine), /which is nearer/)
  }
  assert.deepEqual(asked, [])
  for (const ends of [
    [internet, internet],
    [house, house],
    [machine, machine],
    [machine, internet],
  ]) {
    assert.equal((await redirect(`${other}/open`, ...(ends as Reach[]))).status, 200)
  }
  assert.equal(asked.length, 4)
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

test('a circle of redirects ends; without redirects the first answer counts', async t => {
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
  await assert.rejects(sendHttp({ ...BOUNDS, url }), /^Error: 127\.0\.0\.1:\d+: .* longer than 1000 bytes$/)
})

test('where only headers are wanted a stream of pictures does not matter', async t => {
  const url = await serve(t, (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace' }).write('--frame')
  })
  assert.equal((await sendHttp({ ...BOUNDS, url, headersOnly: true })).status, 200)
})

test('who does not answer is given up, and named without the password', async t => {
  const url = await serve(t, () => undefined)
  const asked = sendHttp({ ...BOUNDS, url: url.replace('//', '//me:secret@'), timeoutSeconds: 0.05 })
  await assert.rejects(asked, (error: Error) => {
    assert.ok(error instanceof HttpClientError)
    assert.equal(error.message, `${url.slice('http://'.length)}: no answer within 0.05 seconds`)
    return true
  })
})

test('a caller may give up earlier, with a reason of its own', async t => {
  const controller = new AbortController()
  const url = await serve(t, () => controller.abort(new Error('enough')))
  await assert.rejects(sendHttp({ ...BOUNDS, url, signal: controller.signal }), /^Error: enough$/)
})

test('nobody there is said in words', async t => {
  const url = await serve(t, (req, _res) => req.socket.destroy())
  await assert.rejects(sendHttp({ ...BOUNDS, url }), /127\.0\.0\.1:\d+: socket hang up/)
})

test('an answer that changes the protocol is none', async t => {
  const server = createTcpServer(socket => {
    t.after(() => socket.destroy())
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await assert.rejects(sendHttp({ ...BOUNDS, url }), /hangs up without an answer/)
})
