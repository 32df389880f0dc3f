// The connection to an engine with TLS: only with the certificate that the printer has from its hub.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Engine, skip } from '../../fleet/engine.ts'
import { call, credentialFiles } from '../../fleet/fleet-rig.ts'
import { TestHub } from '../../fleet/test-hub.ts'
import { startRig } from '../../support/rig.ts'
import { CERTIFICATE } from '../../transports/http/certificate.ts'
import { EXPIRED_CERTIFICATE } from '../mqtt/expired-certificate.ts'

test('an engine is accepted by its own CA certificate only, and never without TLS', { skip }, async () => {
  const id = randomBytes(16).toString('hex')
  await using engine = await Engine.start({ tls: true })
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
