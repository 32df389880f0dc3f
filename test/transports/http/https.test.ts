import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type RunningServer, startServer } from '../../../src/app/server.ts'
import { dataPaths } from '../../../src/core/paths.ts'
import { testLog } from '../../support/test-log.ts'
import { CERTIFICATE, KEY } from './certificate.ts'
import { statusOverTls } from './tls-request.ts'

const CONF = '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n'

/** A server whose folder for certificates holds these files. */
async function serve(certs: Record<string, string>): Promise<AsyncDisposable & { server: RunningServer }> {
  const folder = mkdtempSync(join(tmpdir(), 'https-'))
  const paths = dataPaths(folder)
  for (const made of [paths.config, paths.certs]) mkdirSync(made)
  writeFileSync(paths.configFile, CONF)
  for (const [name, text] of Object.entries(certs)) writeFileSync(join(paths.certs, name), text)
  const log = testLog()
  const server = await startServer({ paths, log, klippySocket: join(folder, 'none.sock') })
  return {
    server,
    async [Symbol.asyncDispose]() {
      await server.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

test('with a certificate HTTPS is served in addition to HTTP', async () => {
  await using served = await serve({ 'moonraker.cert': CERTIFICATE, 'moonraker.key': KEY })
  const { port, tlsPort } = served.server
  assert.ok(tlsPort !== null && tlsPort !== port)
  assert.equal(await statusOverTls(tlsPort, '/server/info'), 200)
  assert.equal((await fetch(`http://127.0.0.1:${port}/server/info`)).status, 200)
})

test('without a certificate there is HTTP only', async () => {
  await using served = await serve({})
  assert.equal(served.server.tlsPort, null)
  assert.deepEqual(served.server.warnings.list(), [])
})

test('a certificate without its key, or a key alone, is one warning', async () => {
  for (const [certs, missing] of [
    [{ 'moonraker.cert': CERTIFICATE }, 'moonraker.key'],
    [{ 'moonraker.key': KEY }, 'moonraker.cert'],
  ] as const) {
    await using served = await serve(certs)
    assert.equal(served.server.tlsPort, null)
    const [warning = '', ...others] = served.server.warnings.list()
    assert.match(warning, /^HTTPS is off: .* and the file .* is missing$/)
    assert.ok(warning.includes(missing))
    assert.deepEqual(others, [])
  }
})

test('a certificate that cannot be used is a warning, and HTTP is served', async () => {
  for (const certs of [
    { 'moonraker.cert': 'hello', 'moonraker.key': KEY },
    { 'moonraker.cert': CERTIFICATE, 'moonraker.key': 'hello' },
    { 'moonraker.cert': '', 'moonraker.key': '' },
  ]) {
    await using served = await serve(certs)
    assert.equal(served.server.tlsPort, null)
    assert.match(served.server.warnings.list().join(), /^HTTPS is off: the certificate .*moonraker\.cert/)
    assert.equal((await fetch(`http://127.0.0.1:${served.server.port}/server/info`)).status, 200)
  }
})
