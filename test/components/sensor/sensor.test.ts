// [sensor NAME]: values of MQTT messages, the last minutes, notifications, values of jobs, and invalid input.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { mqttSection, TestBroker } from '../mqtt/test-broker.ts'

const ENERGY = `
[sensor energy]
type: mqtt
name: Energy meter
state_topic: test/energy
state_response_template:
  {% set values = payload|fromjson %}
  {set_result("power", values.power)}
  {set_result("energy", values.energy)}
parameter_power:
  units=W
  zz=1
parameter_energy:
  units=kWh
history_field_used:
  parameter=energy
  desc=Energy consumption
  strategy=delta
  units=kWh
  init_tracker=true
  report_total=true
  precision=2
history_field_power:
  parameter=power
  strategy=average
  exclude_paused=true
sensor_store_size: 3
[sensor plain]
type: mqtt
state_topic: test/plain
state_response_template: {set_result("v", payload)}
`

async function start(conf = ENERGY) {
  const [broker, klippy] = await Promise.all([TestBroker.start(), FakeKlippy.start()])
  const rig = await startRig({
    klippySocket: klippy.path,
    ready: true,
    clock: quickClock(20),
    conf: mqttSection(broker.port) + conf,
  })
  const client = await WebClient.open(rig.url)
  const call = (method: string, params: Record<string, unknown> = {}): Promise<Frame> =>
    client.call(`server.sensors.${method}`, params)
  /** Publishes the values of the energy meter; resolves when clients have been notified of them. */
  const measure = async (power: number, energy: number) => {
    await broker.publish('test/energy', JSON.stringify({ power, energy }))
    await updated(values => values.energy?.power === power && values.energy?.energy === energy)
  }
  const updated = (holds: (values: Frame) => boolean) =>
    client.find(({ method, params }) => method === 'notify_sensor_update' && holds(params[0]))
  const stop = async () => {
    client[Symbol.dispose]()
    await rig[Symbol.asyncDispose]()
    await klippy[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
  }
  return { broker, klippy, rig, client, call, measure, updated, [Symbol.asyncDispose]: stop }
}

test('sensors have the values of their messages', async () => {
  await using scene = await start()
  const { broker, call } = scene
  await broker.subscription('test/plain')
  const energy = { id: 'energy', friendly_name: 'Energy meter', type: 'mqtt', values: {} }
  const plain = { id: 'plain', friendly_name: 'plain', type: 'mqtt', values: {} }
  assert.deepEqual((await call('list')).result, { sensors: { energy, plain } })
  await scene.measure(10, 1.25)
  await broker.publish('test/plain', '12')
  await scene.updated(values => values.plain?.v === 12)
  assert.deepEqual((await call('info', { sensor: 'energy' })).result, {
    ...energy,
    values: { power: 10, energy: 1.25 },
  })
  const field = {
    provider: 'sensor energy',
    units: null,
    init_tracker: false,
    exclude_paused: false,
    report_total: false,
    report_maximum: false,
    precision: null,
  }
  assert.deepEqual((await call('info', { sensor: 'energy', extended: true })).result, {
    ...energy,
    values: { power: 10, energy: 1.25 },
    parameter_info: [
      { units: 'W', zz: '1', name: 'power' },
      { units: 'kWh', name: 'energy' },
    ],
    history_fields: [
      {
        ...field,
        field: 'used',
        description: 'Energy consumption',
        strategy: 'delta',
        units: 'kWh',
        init_tracker: true,
        report_total: true,
        precision: 2,
        parameter: 'energy',
      },
      {
        ...field,
        field: 'power',
        description: 'power tracker',
        strategy: 'average',
        exclude_paused: true,
        parameter: 'power',
      },
    ],
  })
})

test('the last values are stored once per second, up to the size of the store', async () => {
  await using scene = await start()
  const { broker, call } = scene
  await broker.subscription('test/plain')
  await broker.publish('test/plain', '1')
  const stored = async () => (await call('measurements', { sensor: 'plain' })).result.plain.v ?? []
  while ((await stored()).length < 2);
  await scene.measure(5, 1)
  while ((await call('measurements', { sensor: 'energy' })).result.energy.power.length < 3);
  await scene.measure(6, 1)
  assert.deepEqual((await call('measurements')).result.energy.power, [5, 5, 6])
})

test('a message that is no measurement changes nothing', async () => {
  await using scene = await start()
  const { broker, call } = scene
  await broker.subscription('test/plain')
  await scene.measure(10, 1)
  for (const payload of [
    'bad',
    '{"power": 11, "energy": "x"}',
    '{"power": null}',
    '{"power": 12}',
    '\u0000',
    '['.repeat(100_000),
    `{"power": ${'9'.repeat(1_000_000)}`,
    Buffer.from([0xff, 0xfe, 0x7b]),
  ]) {
    await broker.publish('test/energy', payload)
  }
  for (const payload of ['abc', ' ', 'NaN', '1e999']) await broker.publish('test/plain', payload)
  await broker.publish('test/plain', ' 3 ')
  await scene.updated(values => values.plain?.v === 3)
  const { sensors } = (await call('list')).result
  assert.deepEqual(sensors.energy.values, { power: 10, energy: 1 })
  const updates = scene.client.frames.filter(({ method }) => method === 'notify_sensor_update')
  assert.equal(updates.length, 2)
})

for (const [what, template] of [
  ['never ends', '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}'],
  ['raises an error', '{raise_error("no meter")}'],
  ['sets a list', '{set_result("v", [1])}'],
] as const) {
  test(`a template that ${what} affects no other sensor, and is in the log once`, async () => {
    await using scene = await start(
      `[sensor bad]\ntype: mqtt\nstate_topic: t\nstate_response_template: ${template}\n` +
        '[sensor good]\ntype: mqtt\nstate_topic: t\nstate_response_template: {set_result("v", payload)}\n',
    )
    await scene.broker.subscription('t')
    for (const value of ['1', '2']) {
      await scene.broker.publish('t', value)
      await scene.updated(values => values.good?.v === Number(value))
    }
    assert.deepEqual((await scene.call('info', { sensor: 'bad' })).result.values, {})
    const lines = () => scene.rig.log.filter(line => line.includes('sensor bad: a message is ignored: '))
    // A template that works long ends after those of the other sensor.
    while (lines().length === 0) await setImmediate()
    assert.equal(lines().length, 1, lines().join('\n'))
  })
}

test('values are empty without the broker, and complete when it is connected again', async () => {
  await using scene = await start()
  const { broker, call } = scene
  await broker.subscription('test/plain')
  await scene.measure(10, 1)
  broker.drop()
  await scene.updated(values => values.energy !== undefined && Object.keys(values.energy).length === 0)
  assert.deepEqual((await call('info', { sensor: 'energy' })).result.values, {})
  await broker.subscription('test/energy', 2)
  await scene.measure(11, 2)
})

test('jobs record the values of the sensor', async () => {
  await using scene = await start()
  const { broker, klippy, client } = scene
  await client.call('printer.objects.subscribe', { objects: { print_stats: null } })
  const print = async (state: string) => {
    klippy.push('print_stats', { state, filename: 'a.gcode' })
    await client.find(
      ({ method, params }) => method === 'notify_status_update' && params[0].print_stats?.state === state,
    )
  }
  await broker.subscription('test/energy')
  await scene.measure(10, 1.25)
  await print('printing')
  await client.notified('notify_history_changed')
  await scene.measure(20, 1.5)
  await print('paused')
  await scene.measure(90, 1.75)
  klippy.push('print_stats', { state: 'printing', total_duration: 1 })
  await client.find(
    ({ method, params }) => method === 'notify_status_update' && params[0].print_stats?.total_duration === 1,
  )
  await scene.measure(40, 2.255)
  await print('complete')
  const { params } = await client.notified('notify_history_changed', 2)
  const values = params[0].job.auxiliary_data.map(({ name, value }: Frame) => [name, value])
  assert.deepEqual(values, [
    ['used', 1],
    ['power', 30],
  ])
})

test('unknown sensors are errors', async () => {
  await using scene = await start()
  const error = { code: 400, message: 'No valid sensor named zz' }
  assert.deepEqual((await scene.call('info', { sensor: 'zz' })).error, error)
  assert.deepEqual((await scene.call('measurements', { sensor: 'zz' })).error, error)
  assert.equal((await scene.call('info')).error.code, 400)
})

test('a section that cannot be used is left out, with a warning that names the option', async () => {
  const section = (name: string, lines: string) => `[sensor ${name}]\ntype: mqtt\nstate_topic: t\n${lines}\n`
  const template = 'state_response_template: {payload}'
  await using scene = await start(
    section('good', `${template}\nhistory_field_a:\n  parameter=p\n  foo=1`) +
      section('brace', 'state_response_template: {payload') +
      section('missing', `${template}\nhistory_field_bad:\n  strategy=basic`) +
      section('strategy', `${template}\nhistory_field_bad:\n  parameter=p\n  strategy=guess`) +
      `[sensor kind]\ntype: pigeon\n` +
      `[sensor topic]\ntype: mqtt\nstate_topic: a/#/b\n${template}\n`,
  )
  const { sensors } = (await scene.call('list')).result
  assert.deepEqual(Object.keys(sensors), ['good'])
  const { warnings } = (await scene.client.call('server.info')).result
  for (const text of [
    "Option 'history_field_a' contains invalid key 'foo'",
    'state_response_template',
    "option 'history_field_bad', key 'parameter' must be specified",
    '"history_field_bad", key \'strategy\' must be one of',
    '[sensor kind]',
    'the option "state_topic": A wildcard',
  ]) {
    assert.ok(
      warnings.some((warning: string) => warning.includes(text)),
      `${text}: ${warnings.join('\n')}`,
    )
  }
})
