// How long the status is followed for scrapes, and what they request of Klippy.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

/** Whether a subscription contains a field that nothing but the metrics follows. */
function follows({ objects }: Readonly<Record<string, unknown>>): boolean {
  const { extruder } = objects as Record<string, readonly string[] | null>
  return extruder?.includes('pressure_advance') === true
}

test('the first request subscribes, further ones request nothing, and the subscription ends after `hold`', async () => {
  await using klippy = await FakeKlippy.start()
  const clock = new HandClock()
  await using rig = await startRig({
    klippySocket: klippy.path,
    clock,
    conf: '[metrics]\nhold: 3',
  })
  while ((await sendRequest(rig.port, '/readyz?klippy')).status !== 200);
  const scrape = async () => {
    const { status, body } = await sendRequest(rig.port, '/metrics')
    assert.equal(status, 200)
    return body
  }
  const before = klippy.count('objects/subscribe')
  assert.match(await scrape(), /^klipper_extruder_target 0$/m)
  assert.ok(follows(await klippy.waitFor('objects/subscribe', before + 1)))
  const queries = klippy.count('objects/query')
  clock.pass(2)
  assert.match(await scrape(), /^klipper_extruder_target 0$/m)
  clock.pass(2)
  assert.equal(klippy.count('objects/query'), queries)
  clock.pass(1)
  for (let times = before + 2; follows(await klippy.waitFor('objects/subscribe', times)); times += 1);
})
