// The metrics of the server itself: requests, clients, database, process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../../src/client/index.ts'
import { type Metrics, parseMetrics } from '../../support/metrics-text.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'

async function scrape({ port }: Rig): Promise<Metrics> {
  return parseMetrics((await sendRequest(port, '/metrics')).body, 'text')
}

test('requests are counted by transport and status, with their times', async () => {
  await using rig = await startRig({ conf: '[metrics]\n[mqtt]\naddress: 127.0.0.1\nport: 1' })
  using client = await connect({ url: rig.socketPath })
  await client.call('server.database.post_item', { namespace: 'test', key: 'a', value: 1 })
  await assert.rejects(client.call('server.database.get_item', { namespace: 'none', key: 'a' }))
  assert.equal((await sendRequest(rig.port, '/server/none')).status, 404)
  await scrape(rig)
  const metrics = await scrape(rig)
  const requests = (transport: string, code: string) =>
    metrics.value('moonraker_requests_total', { transport, code })
  assert.equal(requests('unix', '404'), 1)
  assert.equal(requests('http', '404'), 1)
  assert.equal(requests('http', '200'), 1)
  const [succeeded = 0] = [requests('unix', '200')]
  assert.ok(succeeded >= 1)
  const timed = metrics.value('moonraker_request_seconds_count', { transport: 'unix' })
  assert.equal(timed, succeeded + 1)
  assert.equal(metrics.value('moonraker_request_seconds_bucket', { transport: 'unix', le: '+Inf' }), timed)
  assert.equal(metrics.value('moonraker_mqtt_connected'), 0)
  assert.ok((metrics.value('moonraker_database_commit_seconds_count') ?? 0) >= 1)
})

test('the process, its event loop, clients and Klippy', async () => {
  await using rig = await startRig({ conf: '[metrics]' })
  using client = await connect({ url: rig.socketPath })
  await scrape(rig)
  const reconnected = Promise.withResolvers<void>()
  client.on('notify_klippy_ready', () => reconnected.resolve())
  await client.call('printer.restart')
  await reconnected.promise
  const metrics = await scrape(rig)
  assert.equal(metrics.value('moonraker_klippy_reconnects_total'), 1)
  assert.equal(metrics.value('moonraker_components_failed'), 0)
  assert.equal(metrics.value('moonraker_slow_clients_closed_total'), 0)
  assert.equal(metrics.value('moonraker_status_merged_total'), 0)
  assert.ok((metrics.value('process_open_fds') ?? 0) > 3)
  for (const quantile of ['0.5', '0.99', '1']) {
    const lag = metrics.value('moonraker_event_loop_lag_seconds', { quantile }) ?? -1
    assert.ok(lag >= 0 && lag < 60, String(lag))
  }
  assert.equal(metrics.value('moonraker_mqtt_connected'), undefined)
})
