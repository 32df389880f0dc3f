// [power NAME] of type klipper_device.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { type Scene, startScene } from './scene.ts'

/** A Klippy with a pin and a macro that obey SET_PIN and the macro. */
async function printer(state = 'ready'): Promise<FakeKlippy> {
  const klippy = await FakeKlippy.start(state)
  klippy.change('output_pin relay', { value: 0 })
  klippy.change('gcode_macro SOCKET', { value: 0 })
  klippy.answer('gcode/script', ({ script }) => {
    const [, object, value] = /^(SET_PIN PIN=relay|SOCKET) VALUE=(\d)$/.exec(String(script)) ?? []
    if (object === 'SOCKET') klippy.push('gcode_macro SOCKET', { value: Number(value) })
    else if (object !== undefined) klippy.push('output_pin relay', { value: Number(value) })
    return {}
  })
  return klippy
}

const section = (object: string, more = '') =>
  `[power relay]\ntype: klipper_device\nobject_name: ${object}\n${more}\n`

const start = (klippy: FakeKlippy, conf: string, ready = true) =>
  startScene(conf, { klippySocket: klippy.path, ready })

const scripts = (klippy: FakeKlippy) =>
  klippy.requests.filter(({ method }) => method === 'gcode/script').map(({ params }) => params.script)

/** The records that were notified, in order. */
const records = ({ client }: Scene) =>
  client.frames.filter(({ method }) => method === 'notify_power_changed').map(({ params }) => params[0])

test('a pin and a macro are switched by G-code', async () => {
  for (const [object, script] of [
    ['output_pin relay', 'SET_PIN PIN=relay VALUE=1'],
    ['gcode_macro SOCKET', 'SOCKET VALUE=1'],
  ] as const) {
    await using klippy = await printer()
    await using scene = await start(klippy, section(object))
    assert.deepEqual((await scene.act('relay', 'on')).result, { relay: 'on' })
    assert.deepEqual(scripts(klippy), [script])
    assert.deepEqual(records(scene).at(-1), {
      device: 'relay',
      status: 'on',
      locked_while_printing: false,
      type: 'klipper_device',
      is_shutdown: false,
    })
  }
})

test('initial_state and timer switch the pin, and its own changes are notified', async () => {
  await using klippy = await printer()
  await using scene = await start(klippy, section('output_pin relay', 'initial_state: on\ntimer: 2'))
  await klippy.waitFor('gcode/script', 2)
  assert.deepEqual((await scene.act('relay', 'status')).result, { relay: 'off' })
  assert.deepEqual(scripts(klippy), ['SET_PIN PIN=relay VALUE=1', 'SET_PIN PIN=relay VALUE=0'])
  const from = scene.client.frames.length
  klippy.push('output_pin relay', { value: 0.5 })
  await scene.notified('relay', 'on', from)
})

test('a shutdown, a lost connection and a restart show in the state', async () => {
  await using klippy = await printer()
  await using scene = await start(klippy, section('output_pin relay'))
  await scene.act('relay', 'on')
  klippy.setState('shutdown')
  const down = await scene.notified('relay', 'error')
  assert.equal(down.params[0].is_shutdown, true)
  assert.deepEqual((await scene.act('relay', 'off')).error, {
    code: 400,
    message: 'Power Device relay: Cannot set power for device when Klipper is shutdown',
  })
  assert.deepEqual((await scene.act('relay', 'status')).result, { relay: 'error' })
  klippy.status.webhooks = { state: 'ready', state_message: '' }
  const from = scene.client.frames.length
  klippy.drop()
  await scene.notified('relay', 'init', from)
  await scene.notified('relay', 'on', from)
})

test('an object that Klipper does not have is an error', async () => {
  await using klippy = await printer()
  await using scene = await start(klippy, section('output_pin nothing'))
  assert.deepEqual((await scene.act('relay', 'on')).error, {
    code: 400,
    message: 'Error Toggling Device Power: relay',
  })
  assert.match(scene.rig.log.join('\n'), /Klipper does not report the value of output_pin nothing/)
})

for (const [what, more, warning] of [
  ['another kind of object', 'fan x', /Klipper object must be either 'output_pin' or 'gcode_macro'/],
  [
    'off_when_shutdown',
    'output_pin x\noff_when_shutdown: True',
    /"off_when_shutdown" of section \[power relay\] cannot be used/,
  ],
] as const) {
  test(`${what} leaves the section out`, async () => {
    await using scene = await startScene(section(more))
    assert.ok((await scene.warnings()).some(text => warning.test(text)))
  })
}
