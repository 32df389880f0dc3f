// [metrics]: GET /metrics in both formats, who may read it, and what a printer leads to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../../src/client/index.ts'
import { type Metrics, parseMetrics } from '../../support/metrics-text.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'

const OPENMETRICS =
  'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1'

async function scrape({ port }: Rig, format: 'text' | 'openmetrics' = 'text'): Promise<Metrics> {
  const headers: Record<string, string> = format === 'openmetrics' ? { Accept: OPENMETRICS } : {}
  const { status, body, headers: reply } = await sendRequest(port, '/metrics', { headers })
  assert.equal(status, 200, body)
  const type =
    format === 'openmetrics' ? 'application/openmetrics-text; version=1.0.0' : 'text/plain; version=0.0.4'
  assert.equal(reply['content-type'], `${type}; charset=utf-8`)
  return parseMetrics(body, format)
}

test('the metrics of the printer, in both formats', async () => {
  await using rig = await startRig({ conf: '[metrics]' })
  using client = await connect({ url: rig.socketPath })
  await client.call('printer.gcode.script', { script: 'G28\nM104 S200' })
  const text = await scrape(rig)
  const open = await scrape(rig, 'openmetrics')
  for (const metrics of [text, open]) {
    assert.equal(metrics.value('klipper_extruder_target'), 200)
    assert.ok((metrics.value('klipper_heater_bed_temperature') ?? 0) > 0)
    assert.equal(metrics.value('klipper_print_state_info', { state: 'standby' }), 1)
    assert.equal(metrics.value('klipper_printing'), 0)
    assert.deepEqual(
      metrics.find('klipper_toolhead_homed_axes_info').map(({ labels }) => labels.axis),
      ['x', 'y', 'z'],
    )
    assert.ok(Number.isFinite(metrics.value('klipper_mcu_awake', { mcu: 'mcu' })))
    assert.equal(metrics.value('moonraker_connections', { transport: 'unix' }), 1)
    assert.ok((metrics.value('process_cpu_seconds_total') ?? 0) > 0)
    assert.ok(Math.abs((metrics.value('process_start_time_seconds') ?? 0) - Date.now() / 1000) < 600)
  }
  assert.equal(text.types.get('klipper_printing_time'), 'counter')
  assert.equal(open.types.get('klipper_printing_time'), 'unknown')
  assert.equal(open.types.get('klipper_toolhead_stalls'), 'counter')
})

test('without the section there are no metrics', async () => {
  await using rig = await startRig({ printer: 'none' })
  assert.equal((await sendRequest(rig.port, '/metrics')).status, 404)
})

test('klipper_names: False leaves the metrics of Klipper out', async () => {
  await using rig = await startRig({ conf: '[metrics]\nklipper_names: False' })
  assert.deepEqual(
    (await scrape(rig)).series.filter(({ name }) => name.startsWith('klipper_')),
    [],
  )
})

test('without Klippy its metrics are absent, and they return with it', async () => {
  await using rig = await startRig({ conf: '[metrics]' })
  assert.equal((await scrape(rig)).value('klipper_printing'), 0)
  using client = await connect({ url: rig.socketPath })
  const ready = Promise.withResolvers<void>()
  const disconnected = Promise.withResolvers<void>()
  client.on('notify_klippy_disconnected', () => disconnected.resolve())
  client.on('notify_klippy_ready', () => ready.resolve())
  await client.call('printer.restart')
  await disconnected.promise
  const between = await scrape(rig)
  assert.equal(between.value('klipper_printing'), undefined)
  assert.equal(between.value('klipper_klippy_connected'), 0)
  await ready.promise
  assert.equal((await scrape(rig)).value('klipper_printing'), 0)
})

test('a reader needs a login, the token, or `open`', async t => {
  const untrusted = 'trusted_clients:\n  10.9.9.9'
  await t.test('the token', async () => {
    await using rig = await startRig({
      printer: 'none',
      authorization: untrusted,
      conf: '[metrics]\ntoken: s3cret-Text',
    })
    const statusFor = async (authorization?: string) => {
      const headers: Record<string, string> =
        authorization === undefined ? {} : { Authorization: authorization }
      return (await sendRequest(rig.port, '/metrics', { headers })).status
    }
    assert.equal(await statusFor(), 401)
    for (const wrong of [
      'Bearer s3cret-Texx',
      'Bearer s3cret',
      'Bearer none',
      'Basic s3cret-Text',
      'Bearer ',
    ]) {
      assert.equal(await statusFor(wrong), 401, wrong)
    }
    assert.equal(await statusFor('Bearer s3cret-Text'), 200)
  })
  await t.test('no token is configured', async () => {
    await using rig = await startRig({ printer: 'none', authorization: untrusted, conf: '[metrics]' })
    const headers = { Authorization: 'Bearer none' }
    assert.equal((await sendRequest(rig.port, '/metrics', { headers })).status, 401)
  })
  await t.test('open', async () => {
    await using rig = await startRig({
      printer: 'none',
      authorization: untrusted,
      conf: '[metrics]\nopen: True',
    })
    assert.equal((await sendRequest(rig.port, '/metrics')).status, 200)
  })
})
