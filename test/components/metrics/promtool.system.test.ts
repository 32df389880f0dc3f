// Prometheus's own check of the metrics, of one printer and of a workshop.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { connect } from '../../../src/client/index.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { absent } from '../../support/program.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { startWorkshopRig } from '../../support/workshop.ts'

const PROMTOOL = 'promtool'
const METRICS = { conf: '[metrics]' }
const skip = absent(PROMTOOL)

/** Fails for a document in the text format that promtool rejects; its advice about names counts for our own names only. */
function checkMetrics(text: string): void {
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  })
  // Status 3 means advice; the names of prometheus-klipper-exporter stay as they are.
  assert.ok(status === 0 || status === 3, `${stdout}${stderr}`)
  const ofOurs = stderr.split('\n').filter(line => /^(moonraker|process)_/.test(line))
  assert.deepEqual(ofOurs, [])
}

test('promtool accepts the metrics of a printer', { skip }, async () => {
  await using rig = await startRig(METRICS)
  using client = await connect({ url: rig.socketPath })
  await client.call('server.info')
  await sendRequest(rig.port, '/metrics')
  checkMetrics((await sendRequest(rig.port, '/metrics')).body)
})

test('promtool accepts the metrics of a workshop', { skip }, async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startWorkshopRig({
    printers: { one: METRICS, two: METRICS, without: {}, broken: { server: 'port: many' } },
    more: '[printer elsewhere]\nurl: http://127.0.0.1:1',
    klippySockets: new Map([['one', klippy.path]]),
  })
  await rig.until('one', ({ klippy_state }) => klippy_state === 'ready')
  checkMetrics(await (await fetch(`${rig.url}/metrics`)).text())
})
