// The published status: after a start of Klippy, as changes, split, in intervals, after a lost connection.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { startRig } from '../../support/rig.ts'
import { mqttSection, TestBroker } from './test-broker.ts'

const STATUS = 'rig/klipper/status'
const OBJECTS = 'status_objects:\n  webhooks\n  extruder=temperature,target\n  toolhead=homed_axes'

async function scene(lines: string) {
  const broker = await TestBroker.start()
  const klippy = await FakeKlippy.start()
  const rig = await startRig({
    klippySocket: klippy.path,
    clock: quickClock(),
    conf: mqttSection(broker.port, lines),
  })
  return {
    broker,
    klippy,
    rig,
    /** Resolves with the next status message from the index `from` on. */
    async status(from = 0) {
      return JSON.parse((await broker.next(STATUS, from)).payload)
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]()
      await klippy[Symbol.asyncDispose]()
      await broker[Symbol.asyncDispose]()
    },
  }
}

const FULL = {
  webhooks: { state: 'ready', state_message: 'Klippy is ready' },
  extruder: { temperature: 21.5, target: 0 },
  toolhead: { homed_axes: '' },
}

test('the whole status is published once Klippy is ready, then changes', async () => {
  await using it = await scene(OBJECTS)
  const { eventtime, status } = await it.status()
  assert.equal(typeof eventtime, 'number')
  assert.deepEqual(status, FULL)
  const from = it.broker.published.length
  it.klippy.push('extruder', { temperature: 22, power: 1 })
  assert.deepEqual((await it.status(from)).status, { extruder: { temperature: 22 } })
  assert.equal((await it.broker.next(STATUS, from)).retain, false)
})

test('the whole status is published again after each start of Klippy', async () => {
  await using it = await scene(OBJECTS)
  await it.status()
  const from = it.broker.published.length
  it.klippy.drop()
  assert.deepEqual((await it.status(from)).status, FULL)
})

test('the whole status is published again after a lost connection to the broker', async () => {
  await using it = await scene(OBJECTS)
  await it.status()
  await it.broker.pause()
  it.klippy.push('extruder', { temperature: 30 })
  const from = it.broker.published.length
  await it.broker.resume()
  const { status } = await it.status(from)
  assert.deepEqual(status, { ...FULL, extruder: { temperature: 30, target: 0 } })
})

test('split status is retained, one topic for each field', async () => {
  await using it = await scene(`publish_split_status: True\n${OBJECTS}\n  output_pin a+b`)
  it.klippy.change('output_pin a+b', { value: 1 })
  const state = 'rig/klipper/state'
  const message = await it.broker.next(`${state}/extruder/temperature`)
  assert.equal(message.retain, true)
  assert.deepEqual(Object.keys(JSON.parse(message.payload)), ['eventtime', 'value'])
  assert.equal(JSON.parse(message.payload).value, 21.5)
  const from = it.broker.published.length
  it.klippy.push('output_pin a+b', { value: 0.5 })
  const pin = await it.broker.next(`${state}/output_pin a_b/value`, from)
  assert.equal(JSON.parse(pin.payload).value, 0.5)
  assert.ok(!it.broker.published.some(({ topic }) => topic === STATUS))
})

test('status_interval merges the changes of an interval', async () => {
  await using it = await scene(`status_interval: 5\n${OBJECTS}`)
  await it.status()
  const from = it.broker.published.length
  for (let temperature = 30; temperature <= 33; temperature += 1) it.klippy.push('extruder', { temperature })
  it.klippy.push('toolhead', { homed_axes: 'xy' })
  const { status } = await it.status(from)
  assert.deepEqual(status, { extruder: { temperature: 33 }, toolhead: { homed_axes: 'xy' } })
})

test('printer.objects.subscribe over MQTT replaces the published objects until Klippy starts again', async () => {
  await using it = await scene(OBJECTS)
  await it.status()
  await it.broker.subscription('rig/moonraker/api/request')
  const call = async (objects: object) => {
    const request = { jsonrpc: '2.0', method: 'printer.objects.subscribe', params: { objects }, id: 1 }
    const from = it.broker.published.length
    await it.broker.publish('rig/moonraker/api/request', JSON.stringify(request))
    return JSON.parse((await it.broker.next('rig/moonraker/api/response', from)).payload)
  }
  const { result } = await call({ toolhead: ['position'] })
  assert.deepEqual(result.status, { toolhead: { position: [0, 0, 0, 0] } })
  const from = it.broker.published.length
  it.klippy.push('extruder', { temperature: 40 })
  it.klippy.push('toolhead', { position: [1, 2, 3, 4] })
  assert.deepEqual((await it.status(from)).status, { toolhead: { position: [1, 2, 3, 4] } })
  const later = it.broker.published.length
  it.klippy.drop()
  assert.deepEqual(Object.keys((await it.status(later)).status), ['webhooks', 'extruder', 'toolhead'])
})

test('without status_objects nothing is published', async () => {
  await using it = await scene('')
  await it.broker.subscription('rig/moonraker/api/request')
  it.klippy.push('extruder', { temperature: 40 })
  await it.broker.publish('rig/moonraker/api/request', '{"jsonrpc":"2.0","method":"printer.info","id":1}')
  await it.broker.next('rig/moonraker/api/response')
  assert.ok(!it.broker.published.some(({ topic }) => topic.startsWith('rig/klipper/')))
})
