import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import { CallError, CallTimeout, ConnectionLost, connect } from '../../src/client/index.ts'
import { type Rig, startRig } from '../support/rig.ts'
import { CuttableProxy } from './cuttable-proxy.ts'
import { next } from './next.ts'

const WITHOUT_PRINTER = { printer: 'none' } as const
const IDENTITY = { name: 'test', version: '1', type: 'bot', url: 'http://localhost' }

function urls(rig: Rig): string[] {
  return [
    `ws://127.0.0.1:${rig.port}`,
    `ws://127.0.0.1:${rig.port}/websocket`,
    rig.url,
    `${rig.url}/`,
    rig.socketPath,
  ]
}

describe('client', { concurrency: true }, () => {
  test('a call gets its reply over every kind of link', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    for (const url of urls(rig)) {
      using client = await connect({ url })
      const info = await client.call('server.info')
      assert.equal(info.klippy_connected, false, url)
      assert.equal(info.api_version.length, 3, url)
    }
  })

  test('an error of the server rejects with its code and its message', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    for (const url of urls(rig)) {
      using client = await connect({ url })
      await assert.rejects(client.request('no.such.method'), {
        name: 'CallError',
        code: -32601,
        message: 'Method not found',
        method: 'no.such.method',
      })
      await assert.rejects(client.call('printer.info'), { code: 503, message: 'Klippy Host not connected' })
    }
  })

  test('the contract gives the types of a call', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    using client = await connect({ url: rig.socketPath })
    const { gcode_store } = await client.call('server.gcode_store', { count: 5 })
    assert.deepEqual(gcode_store satisfies readonly { message: string }[], [])
    // @ts-expect-error a required parameter is missing
    await assert.rejects(client.call('server.files.metadata'), { code: 400 })
    // @ts-expect-error a parameter has the wrong type
    await assert.rejects(client.call('server.gcode_store', { count: 'many' }), { code: 400 })
    // @ts-expect-error the method has no parameters
    await client.call('server.config', { raw: true })
    // @ts-expect-error there is no such method
    await assert.rejects(client.call('server.infos'), CallError)
  })

  test('each call of a batch has its own outcome', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    for (const url of urls(rig)) {
      using client = await connect({ url })
      const [info, metadata, roots] = await client.batch([
        ['server.info'],
        ['server.files.metadata', { filename: 'missing.gcode' }],
        ['server.files.roots'],
      ])
      assert.equal(info.status === 'fulfilled' && info.value.klippy_state, 'disconnected', url)
      assert.equal(metadata.status === 'rejected' && metadata.reason instanceof CallError, true, url)
      assert.equal(roots.status === 'fulfilled' && Array.isArray(roots.value), true, url)
    }
  })

  test('a batch may be of any length', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    using client = await connect({ url: rig.socketPath })
    assert.deepEqual(await client.batch([]), [])
    const outcomes = await client.batch(Array.from({ length: 1234 }, () => ['server.info'] as const))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1234)
  })

  test('without a server, connecting rejects with the address', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    const proxy = await CuttableProxy.to(rig.port)
    const { port } = proxy
    await proxy[Symbol.asyncDispose]()
    const lost = (address: RegExp) => (error: unknown) =>
      error instanceof ConnectionLost && address.test(error.message)
    await assert.rejects(connect({ url: `ws://127.0.0.1:${port}` }), lost(new RegExp(`${port}/websocket`)))
    await assert.rejects(connect({ url: `${rig.socketPath}.none` }), lost(/moonraker\.sock\.none: .*ENOENT/))
    using client = await connect({ url: `http://127.0.0.1:${port}` })
    await assert.rejects(
      client.call('server.info'),
      lost(new RegExp(`${port}/server/jsonrpc: .*ECONNREFUSED`)),
    )
    await assert.rejects(connect({ url: 'ftp://127.0.0.1' }), /ws:\/\//)
  })

  test('a lost connection rejects pending calls; the client reconnects and identifies again', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    await using proxy = await CuttableProxy.to(rig.port)
    using client = await connect({ url: `ws://127.0.0.1:${proxy.port}`, client: IDENTITY })
    const back = next(client, 'connected')
    const disconnected = next(client, 'disconnected')
    proxy.silence(true)
    const waiting = assert.rejects(client.call('server.info'), ConnectionLost)
    proxy.cut()
    await waiting
    const [reason] = await disconnected
    assert.ok(reason instanceof ConnectionLost)
    assert.equal(client.connected, false)
    await assert.rejects(client.call('server.info'), /server\.info was not sent/)
    proxy.silence(false)
    await back
    assert.equal((await client.call('server.info')).klippy_state, 'disconnected')
    const identifyAgain = client.call('server.connection.identify', {
      client_name: 'x',
      version: '1',
      type: 'bot',
      url: 'x',
    })
    await assert.rejects(identifyAgain, { code: 400, message: /^Connection already identified/ })
  })

  test('the client retries while the server is unreachable', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    const proxy = await CuttableProxy.to(rig.port)
    using client = await connect({ url: `ws://127.0.0.1:${proxy.port}` })
    const warned = next(client, 'warning')
    await proxy[Symbol.asyncDispose]()
    const [error] = await warned
    assert.ok(error instanceof ConnectionLost)
    assert.equal(client.connected, false)
  })

  test('without reconnect, the client stays disconnected', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    await using proxy = await CuttableProxy.to(rig.port)
    using client = await connect({ url: `ws://127.0.0.1:${proxy.port}`, reconnect: false })
    const disconnected = next(client, 'disconnected')
    proxy.cut()
    await disconnected
    await assert.rejects(client.call('server.info'), ConnectionLost)
    assert.equal(proxy.opened, 1)
  })

  test('a connection without a reply to a heartbeat is closed', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    await using proxy = await CuttableProxy.to(rig.port)
    using client = await connect({ url: `ws://127.0.0.1:${proxy.port}`, heartbeat: 0.05, reconnect: false })
    const disconnected = next(client, 'disconnected')
    proxy.silence(true)
    const [reason] = await disconnected
    assert.match(reason.message, /no reply to a heartbeat within 0\.05 s/)
  })

  test('a call rejects at its timeout and when its signal aborts', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    await using proxy = await CuttableProxy.to(rig.port)
    for (const url of [`ws://127.0.0.1:${proxy.port}`, `http://127.0.0.1:${proxy.port}`]) {
      using client = await connect({ url })
      proxy.silence(true)
      await assert.rejects(client.call('server.info', {}, { timeout: 0.01 }), (error: unknown) => {
        return error instanceof CallTimeout && /^server\.info: no reply within 0\.01 s$/.test(error.message)
      })
      const stop = new AbortController()
      const aborted = assert.rejects(client.call('server.info', {}, { signal: stop.signal }), /enough/)
      stop.abort(new Error('enough'))
      await aborted
      await assert.rejects(client.call('server.info', {}, { signal: stop.signal }), /enough/)
      proxy.silence(false)
    }
  })

  test('closing rejects pending calls permanently', async () => {
    await using rig = await startRig(WITHOUT_PRINTER)
    await using proxy = await CuttableProxy.to(rig.port)
    for (const url of [`ws://127.0.0.1:${proxy.port}`, `http://127.0.0.1:${proxy.port}`]) {
      const client = await connect({ url })
      proxy.silence(true)
      const waiting = assert.rejects(client.call('server.info'), ConnectionLost)
      client.close()
      client.close()
      await waiting
      await assert.rejects(client.call('server.info'), ConnectionLost)
      proxy.silence(false)
    }
  })

  test('credentials are sent in identify, and as headers over HTTP', async () => {
    const seen: string[] = []
    const server = createServer((req, res) => {
      seen.push(`${req.headers.authorization} ${String(req.headers['x-api-key'])}`)
      req.resume().on('end', () => res.writeHead(401, 'Unauthorized').end('<html>no</html>'))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    let issued = 0
    const accessToken = () => `token${++issued}`
    using client = await connect({ url: `http://127.0.0.1:${port}`, accessToken, apiKey: 'key' })
    await assert.rejects(client.call('server.info'), {
      name: 'CallError',
      code: 401,
      message: 'Unauthorized',
    })
    await assert.rejects(client.call('server.info'), CallError)
    assert.deepEqual(seen, ['Bearer token1 key', 'Bearer token2 key'])
    server.closeAllConnections()
    server.close()
  })
})
