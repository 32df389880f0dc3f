// Requests under host names that a page of the internet could have (DNS rebinding): only credentials grant access there.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isPrivateHost } from '../../../src/transports/http/host-names.ts'
import { sendRaw, sendRequest } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

const TRUST_LOOPBACK = 'trusted_clients: 127.0.0.0/8'

const start = (authorization: string) => startRig({ printer: 'none', authorization })

const status = async (rig: Rig, headers: Record<string, string>, path = '/server/info') =>
  (await sendRequest(rig.port, path, { headers })).status

const PRIVATE = [
  'localhost:7125',
  hostname(),
  '127.0.0.1',
  '192.168.1.5:7125',
  '[::1]:80',
  '[fe80::1]',
  '8.8.8.8',
  'printer',
  'PRINTER.local',
  'a.lan:1',
  'x.home',
  'x.home.arpa',
  'my.internal.',
  'a.localdomain',
  'a.intranet',
  'a.private',
  'a.corp',
  'named.example',
  'NAMED.example:80',
  'front.example.org',
  'a.wild.example.org',
]
const FOREIGN = [
  'evil.example',
  'evil.example:7125',
  'rebind.127.0.0.1.nip.io',
  'local.evil.example',
  '127.0.0.1.evil.example',
  'xlocal.example',
  'wild.example.org',
  'x.front.example.org',
  'a.wild.example.org.evil.example',
  'evil.corp.example',
  'evil.example#.local',
  'evil.example?.local',
  'evil.example\t.local',
  'evil\u00b7example',
]
/** Paths that a rebound page would read first. */
const SECRETS = ['/access/api_key', '/access/oneshot_token', '/server/files/config/moonraker.conf']
const NAMED_HOSTS = [
  TRUST_LOOPBACK,
  'trusted_hosts: Named.Example',
  'cors_domains:\n  https://front.example.org:8443/\n  *://*.wild.example.org:*',
].join('\n')

test('under a foreign host name every request without credentials must log in, whatever its headers', async () => {
  await using rig = await start(NAMED_HOSTS)
  for (const [hosts, expected] of [
    [PRIVATE, 200],
    [FOREIGN, 401],
  ] as const) {
    for (const Host of hosts) {
      for (const more of [
        {},
        { Origin: `http://${Host}` },
        { 'Sec-Fetch-Site': 'same-origin' },
        { Referer: 'x' },
      ]) {
        for (const path of SECRETS) {
          const reply = await sendRequest(rig.port, path, { headers: { Host, ...more } })
          assert.equal(reply.status, expected, `${Host} ${path} ${JSON.stringify(more)}`)
          if (expected === 401) assert.ok(!reply.body.includes('[server]'))
        }
      }
    }
  }
})

test('the refusal and a warning name the option that names the host', async () => {
  await using rig = await start(TRUST_LOOPBACK)
  const { json, reason } = await sendRequest(rig.port, '/server/info', {
    headers: { Host: 'printer.example:80' },
  })
  const message =
    "Unauthorized: log in, or add 'printer.example' to 'trusted_hosts' in section [authorization]"
  assert.deepEqual([json.error.message, reason], [message, message])
  for (let count = 0; count < 20; count += 1) await status(rig, { Host: `scan${count}.example` })
  const warnings = rig.server.warnings.list().filter(text => text.includes('trusted_hosts'))
  assert.ok(warnings[0]?.includes("'printer.example'"))
  assert.equal(warnings.length, 5, 'a scan does not fill the list')
})

test('a client whose address grants nothing does not learn of host names, and causes no warning', async () => {
  await using rig = await start('trusted_clients: 10.0.0.0/8')
  const { json } = await sendRequest(rig.port, '/server/info', { headers: { Host: 'evil.example' } })
  assert.equal(json.error.message, 'Unauthorized')
  assert.deepEqual(rig.server.warnings.list(), [])
})

test('requests with credentials are served under every host name', async () => {
  await using rig = await start(TRUST_LOOPBACK)
  const Host = 'printer.example'
  const key: string = (await sendRequest(rig.port, '/access/api_key')).json.result
  const token: string = (await sendRequest(rig.port, '/access/oneshot_token')).json.result
  assert.equal(await status(rig, { Host, 'X-Api-Key': key }), 200)
  assert.equal(await status(rig, { Host }, `/server/info?token=${token}`), 200)
  assert.equal(await status(rig, { Host, 'X-Api-Key': 'wrong' }), 401, 'a wrong key is no credential')
  const { json } = await sendRequest(rig.port, '/access/info', { headers: { Host } })
  assert.equal(json.result.trusted, false)
})

test('a request without a host name, which no browser sends, is served', async () => {
  await using rig = await start(TRUST_LOOPBACK)
  assert.match(await sendRaw(rig.port, 'GET /server/info HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
})

test('the host name that a proxy forwards counts too, and cannot hide another', async () => {
  await using rig = await start(TRUST_LOOPBACK)
  for (const [Host, forwarded, expected] of [
    ['printer.local', 'evil.example', 401],
    ['printer.local', 'printer.lan', 200],
    ['evil.example', 'printer.local', 401],
    ['printer.local', 'printer.lan, evil.example', 401],
    ['printer.local', 'printer.lan, printer.local:80', 200],
  ] as const) {
    const headers = { Host, 'X-Forwarded-Host': forwarded }
    assert.equal(await status(rig, headers), expected, `${Host} ${forwarded}`)
    const Origin = `http://${forwarded}`
    assert.equal(await status(rig, { ...headers, Origin }), expected, `${Host} ${forwarded} with Origin`)
  }
})

test('a WebSocket under a foreign host name opens without a user, with or without an origin', async () => {
  await using rig = await start(TRUST_LOOPBACK)
  for (const more of [{}, { Origin: 'http://evil.example' }]) {
    using foreign = await WebClient.open(rig.url, { Host: 'evil.example', ...more })
    for (const method of ['server.config', 'access.get_api_key', 'access.oneshot_token']) {
      assert.deepEqual((await foreign.call(method)).error, { code: -32602, message: 'Unauthorized' })
    }
  }
  using named = await WebClient.open(rig.url, { Host: 'printer.local', Origin: 'http://printer.local' })
  assert.ok((await named.call('server.config')).result)
})

test("a host is known by its own name, completed as the network's resolver does", () => {
  const folder = mkdtempSync(join(tmpdir(), 'resolv-'))
  try {
    const file = join(folder, 'resolv.conf')
    writeFileSync(
      file,
      '# by hand\nnameserver 1.1.1.1\ndomain Fritz.Example\nsearch a.example  b.example.\nsearch .\n',
    )
    const [label] = hostname().toLowerCase().split('.')
    for (const domain of ['fritz.example', 'a.example', 'b.example']) {
      assert.ok(isPrivateHost(`${label}.${domain}`, file), domain)
      assert.ok(!isPrivateHost(`other.${domain}`, file), domain)
    }
    assert.ok(!isPrivateHost(`${label}.1.1.1.1.example`, file))
    assert.ok(!isPrivateHost(`${label}.a.example`, join(folder, 'missing')))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
