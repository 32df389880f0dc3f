// The metrics of the server's own API, with the names of prometheus-klipper-exporter.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMetrics } from '../../support/metrics-text.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

const CONF = `[metrics]
[spoolman]
server: 127.0.0.1:1
[power my-lamp]
type: klipper_device
object_name: output_pin caselight
`

test('load, system, queue, history, power and Spoolman, in both formats', async () => {
  await using rig = await startRig({ conf: CONF })
  for (const [format, accept] of [
    ['text', 'text/plain'],
    ['openmetrics', 'application/openmetrics-text'],
  ] as const) {
    const { body } = await sendRequest(rig.port, '/metrics', { headers: { Accept: accept } })
    const metrics = parseMetrics(body, format)
    assert.equal(metrics.value('klipper_component_info', { component: 'metrics' }), 1)
    assert.equal(metrics.value('klipper_job_queue_length'), 0)
    assert.equal(metrics.value('klipper_job_queue_state_info', { state: 'paused' }), 1)
    assert.equal(metrics.value('klipper_total_jobs'), 0)
    assert.equal(metrics.value('klipper_spoolman_connected'), 0)
    assert.equal(metrics.value('klipper_spoolman_active_spool_id'), -1)
    assert.equal(metrics.value('klipper_power_device_info', { device: 'my_lamp', type: 'klipper_device' }), 1)
    assert.equal(metrics.find('klipper_power_device_status', { device: 'my_lamp' }).length, 1)
    assert.ok((metrics.value('klipper_system_cpu_count') ?? 0) > 0)
    assert.ok((metrics.value('klipper_system_uptime') ?? 0) > 0)
    assert.ok((metrics.value('klipper_network_rx_bytes', { interface: 'lo' }) ?? -1) >= 0)
    assert.equal(metrics.types.get('klipper_network_rx_bytes'), format === 'text' ? 'counter' : 'unknown')
  }
})

test('what is not configured has no metrics', async () => {
  await using rig = await startRig({ printer: 'none', conf: '[metrics]' })
  const { series } = parseMetrics((await sendRequest(rig.port, '/metrics')).body, 'text')
  assert.deepEqual(
    series.filter(({ name }) => /spoolman|power_device/.test(name)),
    [],
  )
})
