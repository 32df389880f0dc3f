// Limits of size and time for the heads of requests.
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import { Warnings } from '../../../src/core/warnings.ts'
import { KlippyLink } from '../../../src/klippy/link.ts'
import type { AccessPolicy } from '../../../src/rpc/access-policy.ts'
import { Connections } from '../../../src/rpc/connections.ts'
import { Registry } from '../../../src/rpc/registry.ts'
import { Backlog } from '../../../src/transports/backlog.ts'
import { Admission } from '../../../src/transports/http/admission.ts'
import { HttpApi } from '../../../src/transports/http/api.ts'
import { Authenticator } from '../../../src/transports/http/authenticator.ts'
import { HttpListener } from '../../../src/transports/http/listener.ts'
import { HttpServer } from '../../../src/transports/http/server.ts'
import { RequestScheduler } from '../../../src/transports/request-scheduler.ts'
import { WebSocketTransport } from '../../../src/transports/websocket.ts'
import { sendRaw, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { testLog } from '../../support/test-log.ts'

test('the address and the headers of a request may have 64 KiB', async () => {
  await using rig = await startRig({ printer: 'none' })
  const long = 'x'.repeat(64 * 1024)
  assert.equal((await sendRequest(rig.port, `/server/info?x=${long}`)).status, 200)
  assert.equal((await sendRequest(rig.port, '/server/info', { headers: { 'X-Long': long } })).status, 200)
  const tooLong = 'x'.repeat(81 * 1024)
  for (const [query, value] of [
    [tooLong, ''],
    ['', tooLong],
  ]) {
    const reply = await sendRaw(
      rig.port,
      `GET /server/info?${query} HTTP/1.1\r\nHost: x\r\nX-Long: ${value}\r\n\r\n`,
    )
    assert.match(reply, /^HTTP\/1\.1 431 .*more than 80 KiB/s)
  }
})

test('requests have half a minute for their head and no limit as a whole, idle connections 75 s', async () => {
  await using rig = await startRig({ printer: 'none' })
  let found: Server | undefined
  const note = (message: unknown) => {
    found = (message as { server: Server }).server
  }
  subscribe('http.server.request.start', note)
  await sendRequest(rig.port, '/server/info')
  unsubscribe('http.server.request.start', note)
  const { headersTimeout, requestTimeout, keepAliveTimeout } = found as Server
  assert.deepEqual([headersTimeout, requestTimeout, keepAliveTimeout], [30_000, 0, 75_000])
})

/** A server in which nothing is served, with short timeouts. */
async function startQuickly(timeouts: Partial<Record<'headersTimeout' | 'keepAliveTimeout', number>>) {
  const policy: AccessPolicy = {
    authenticate: () => null,
    trustsAddress: () => true,
    identify: () => assert.fail(),
    onLogout: () => {},
    allowsOrigin: () => false,
    isTrustedProxy: () => false,
    isNamedHost: () => true,
    isKnownNetwork: () => false,
  }
  const log = testLog()
  const [registry, connections, backlog, warnings] = [
    new Registry(),
    new Connections(),
    new Backlog(),
    new Warnings(),
  ]
  const common = {
    authenticator: new Authenticator(policy, warnings),
    admission: new Admission(policy, 1),
    routePrefix: '',
    clock: systemClock,
    registry,
    connections,
    backlog,
    scheduler: new RequestScheduler(),
    warnings,
    log,
  }
  const websockets = new WebSocketTransport(common)
  const link = new KlippyLink({ ...common, path: '/none' })
  const handler = new HttpServer({ ...common, api: new HttpApi(common), websockets, link, maxWebsockets: 1 })
  const server = new HttpListener({
    ...common,
    handler,
    timeouts: { connectionsCheckingInterval: 20, ...timeouts },
  })
  const { port } = await server.listen({
    host: '127.0.0.1',
    port: 0,
    tlsPort: 0,
    certificate: '/none',
    key: '/none',
  })
  return { port, [Symbol.asyncDispose]: () => server.close() }
}

test('a head that does not end is refused, on a new connection and after a request', async () => {
  await using server = await startQuickly({ headersTimeout: 100 })
  for (const sent of ['', 'GET /', 'GET /nosuch HTTP/1.1\r\nHost: x\r\n\r\nGET /']) {
    const socket = connect(server.port, '127.0.0.1').setEncoding('utf8')
    socket.on('error', () => {})
    let text = ''
    socket.on('data', piece => {
      text += piece
    })
    socket.write(sent)
    // Single bytes do not help.
    const trickle = setInterval(() => sent !== '' && socket.write('x'), 30)
    await once(socket, 'close').finally(() => clearInterval(trickle))
    assert.match(text, /HTTP\/1\.1 408 .*did not arrive in time/s, sent)
  }
})
