// The page as a browser receives it.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createWelcome } from '../../../src/components/welcome/index.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { dataPaths } from '../../../src/core/paths.ts'
import { Registry } from '../../../src/rpc/registry.ts'
import { TRUSTED_USER, type User } from '../../../src/rpc/user.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { printerAt } from '../../support/printer-at.ts'
import { startRig } from '../../support/rig.ts'

const VERSION = 'v0.10.0-1-gabcdef0'

/** Serves the page to `user` over HTTP and requests it. */
async function load(user: User | null, method = 'GET'): Promise<{ headers: Headers; body: string }> {
  const registry = new Registry()
  createWelcome(
    {
      registry,
      printer: printerAt('/nowhere/klippy.sock'),
      paths: dataPaths('/data'),
      host: { version: VERSION },
      clock: systemClock,
    },
    () => ({
      warnings: ['Look at <this>'],
      components: ['data_store'],
      failedComponents: [],
      addresses: ['http://192.168.1.5:7125'],
      routePrefix: '',
      refusedSites: [],
    }),
  )
  const found = registry.find('/')
  assert.ok(found?.kind === 'raw')
  assert.equal(found.route.open?.(''), true)
  const server = createServer((req, res) => {
    const caller = { transport: 'http' as const, address: '127.0.0.1', user, connection: null }
    const readArguments = () => Promise.resolve({})
    const sendJson = () => assert.fail('the page is no JSON')
    const query = new URLSearchParams()
    const stopping = new AbortController().signal
    void found.route.handle({ req, res, rest: '', query, caller, readArguments, sendJson, stopping })
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { method })
    return { headers: response.headers, body: await response.text() }
  } finally {
    server.close()
  }
}

/** The text of an element that is once in the page. */
function inside(page: string, element: string): string {
  return page.slice(page.indexOf(`<${element}>`) + element.length + 2, page.indexOf(`</${element}>`))
}

test('an authenticated client sees the state, warnings and addresses', async () => {
  const { headers, body } = await load(TRUSTED_USER)
  assert.equal(headers.get('content-type'), 'text/html; charset=UTF-8')
  for (const part of [
    'Klipper is not connected',
    '/nowhere/klippy.sock',
    'Look at &lt;this&gt;',
    '192.168.1.5',
  ]) {
    assert.ok(body.includes(part), part)
  }
})

test('an unauthenticated client sees none of that', async () => {
  const { body } = await load(null)
  assert.ok(body.includes(VERSION))
  for (const part of [
    'Klipper is not connected',
    '/nowhere',
    'Look at',
    '192.168.1.5',
    '/data',
    'data_store',
  ]) {
    assert.ok(!body.includes(part), part)
  }
})

test("only the page's own style and script may run", async () => {
  const { headers, body } = await load(TRUSTED_USER)
  const policy = (headers.get('content-security-policy') ?? '').split('; ')
  assert.ok(policy.includes("default-src 'none'"))
  assert.ok(policy.includes(`style-src 'sha256-${hash('sha256', inside(body, 'style'), 'base64')}'`))
  assert.ok(policy.includes(`script-src 'sha256-${hash('sha256', inside(body, 'script'), 'base64')}'`))
  assert.ok(policy.includes("frame-ancestors 'none'"))
})

test('HEAD gives the same headers and no body', async () => {
  const [get, head] = await Promise.all([load(TRUSTED_USER), load(TRUSTED_USER, 'HEAD')])
  assert.equal(head.body, '')
  assert.equal(head.headers.get('content-length'), String(Buffer.byteLength(get.body)))
  assert.equal(head.headers.get('content-length'), get.headers.get('content-length'))
})

test('a server shows the full page to a trusted address, and others how to log in', async () => {
  await using open = await startRig()
  const page = await (await fetch(`${open.url}/`)).text()
  assert.match(page, /The printer is ready/)
  assert.ok(page.includes(`<code>ws://127.0.0.1:${open.port}/websocket</code>`))

  await using closed = await startRig({ printer: 'none', authorization: 'trusted_clients:\n  192.0.2.1' })
  const response = await fetch(`${closed.url}/`, { headers: { Authorization: 'Bearer nonsense' } })
  assert.equal(response.status, 200)
  const refusal = await response.text()
  assert.match(refusal, /You are not logged in/)
  assert.ok(!refusal.includes(String(closed.port)))
})

test('the page of a server shows the print, and which sites it refuses', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.change('print_stats', { state: 'paused', filename: 'part.gcode' })
  const authorization = 'trusted_clients: 127.0.0.1\ncors_domains: http://my.mainsail.xyz'
  await using rig = await startRig({ klippySocket: klippy.path, ready: true, authorization })
  const page = await (await fetch(`${rig.url}/`)).text()
  assert.match(page, /The print is paused<\/p>\s*<p class="message">part\.gcode</)
  assert.match(page, /cors_domains:\n {4}http:\/\/app\.fluidd\.xyz</)
})

test('a server below a prefix serves the page there', async () => {
  await using rig = await startRig({ printer: 'none', server: 'route_prefix: printer1' })
  for (const path of ['/printer1', '/printer1/']) {
    const page = await (await fetch(`${rig.url}${path}`)).text()
    assert.match(page, /Klipper is not connected/)
    assert.ok(page.includes('href="/printer1/openapi.json"'))
  }
  assert.equal((await fetch(`${rig.url}/`)).status, 404)
})
