// Texts of clients that Klippy cannot read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

test('half a surrogate pair is replaced: Klippy would never reply', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  const script = 'M117 \ud800\udbff \u{1f430} \\ud800 \\\ud83d "\udc00'
  await client.call('printer.gcode.script', { script })
  const request = klippy.requests.findLast(({ method }) => method === 'gcode/script')
  assert.equal(request?.params.script, 'M117 \ufffd\ufffd \u{1f430} \\ud800 \\\ufffd "\ufffd')
})
