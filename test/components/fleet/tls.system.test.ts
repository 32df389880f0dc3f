// The connection to an engine with TLS: only with the certificate that the printer has from its hub.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { makeCertificate } from '../../../src/app/fleet/certificate.ts'
import { fleetFiles } from '../../../src/app/fleet/files.ts'
import { call } from '../../fleet/call.ts'
import { Engine, skip } from '../../fleet/engine.ts'
import { credentialFiles } from '../../fleet/fleet-rig.ts'
import { TestHub } from '../../fleet/test-hub.ts'
import { startRig } from '../../support/rig.ts'
import { CERTIFICATE, KEY } from '../../transports/http/certificate.ts'
import { EXPIRED_CERTIFICATE } from '../mqtt/expired-certificate.ts'

test('an engine is accepted by its own CA certificate only, and never without TLS', { skip }, async () => {
  const id = randomBytes(16).toString('hex')
  await using engine = await Engine.start({ tls: { certificate: CERTIFICATE, key: KEY } })
  await using hub = await TestHub.start(engine, id)
  await using plain = await Engine.start()
  const conf = `[fleet]\nengine: ${engine.url}\n[metrics]\nopen: True\n`
  {
    await using rig = await startRig({
      printer: 'none',
      conf,
      prepare: await credentialFiles(engine, id, CERTIFICATE),
    })
    await hub.until(hub.states, ({ link }) => link === 'open', 'a state')
    const metrics = await (await fetch(`${rig.url}/metrics`)).text()
    assert.match(metrics, /^moonraker_fleet_connected 1$/m)
    assert.match(metrics, /^moonraker_fleet_outbox_events \d+$/m)
  }
  const wrong = [
    { url: engine.url, ca: EXPIRED_CERTIFICATE, problem: /certificate|signature/ },
    { url: plain.url.replace('nats:', 'tls:'), ca: CERTIFICATE, problem: /does not support 'tls'/ },
  ]
  for (const { url, ca, problem } of wrong) {
    await using rig = await startRig({
      printer: 'none',
      conf: `[fleet]\nengine: ${url}\n`,
      prepare: await credentialFiles(engine, id, ca),
    })
    await hub.polled(async () => (await call(rig, 'server.fleet.status', {})).problem !== 'connecting')
    const status = await call(rig, 'server.fleet.status', {})
    assert.equal(status.connected, false)
    assert.match(status.problem, problem)
  }
})

/** A certificate for these names only. */
async function certificateFor(...names: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
  const files = fleetFiles(folder)
  await makeCertificate(files, names)
  const made = {
    certificate: readFileSync(files.certificate, 'utf8'),
    key: readFileSync(files.key, 'utf8'),
  }
  rmSync(folder, { recursive: true })
  return made
}

test('an engine that is reached by its IP address has that address in its certificate', {
  skip,
}, async () => {
  const id = randomBytes(16).toString('hex')
  for (const [name, problem] of [
    ['127.0.0.1', null],
    ['127.0.0.2', /127\.0\.0\.1 is not in the cert's list/],
  ] as const) {
    const tls = await certificateFor(name)
    await using engine = await Engine.start({ tls })
    await using rig = await startRig({
      printer: 'none',
      conf: `[fleet]\nengine: ${engine.url}\n`,
      prepare: await credentialFiles(engine, id, tls.certificate),
    })
    const status = () => call(rig, 'server.fleet.status', {})
    const end = Date.now() + 20_000
    while ((await status()).problem === 'connecting' && Date.now() < end) await delay(50)
    if (problem === null) assert.equal((await status()).connected, true)
    else assert.match((await status()).problem, problem)
  }
})
