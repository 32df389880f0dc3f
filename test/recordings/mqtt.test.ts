// What the original exchanged with an MQTT broker: requests of the API, single messages, power devices and sensors.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mqttSection, type Published, TestBroker } from '../components/mqtt/test-broker.ts'
import { quickClock } from '../support/quick-clock.ts'
import { sendRequest } from '../support/raw-http.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

interface Message {
  readonly topic: string
  readonly payload: string
}

interface Reply {
  readonly result?: unknown
  readonly error?: unknown
}

interface Call {
  readonly name: string
  readonly method: string
  readonly params: unknown
  readonly reply: Reply
}

interface Recording {
  /** The text of a request, and the messages with its reply, whose results are 'any'. */
  readonly requests: readonly {
    readonly name: string
    readonly payload: string
    readonly replies: unknown[]
  }[]
  readonly publish: readonly (Omit<Call, 'method'> & { readonly published: readonly Published[] })[]
  readonly power: readonly (Call & {
    /** A message of the device that the recording lacks. */
    readonly before?: Message
    /** What the server publishes, and the states that the device publishes then. */
    readonly steps: readonly { readonly published: Published; readonly states: readonly string[] }[]
    /** The states of notify_power_changed. */
    readonly changed: readonly string[]
  })[]
  readonly sensors: readonly (Partial<Call> & {
    readonly name: string
    readonly messages: readonly Message[]
    /** The notifications of new values. */
    readonly updates?: readonly unknown[]
  })[]
}

const recording: Recording = JSON.parse(
  readFileSync(new URL('../fixtures/mqtt-recording.json', import.meta.url), 'utf8'),
)

/** Where the server acts otherwise than the original: see docs/differences.md. */
const REPLIES: Readonly<Record<string, unknown[]>> = {
  'rpc.empty_batch': [{ jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request' }, id: null }],
}
const STATES: Readonly<Record<string, Reply>> = { 'power.pn.status': { result: { pn: 'init' } } }
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  'power.pq.silent_on': ['error', 'error'],
}

const CONFIGURATION = `
[power pq]
type: mqtt
command_topic: pq/set
command_payload: {command|upper}
state_topic: pq/state
query_topic: pq/get
query_payload: ?
query_after_command: True
qos: 1

[power pr]
type: mqtt
command_topic: pr/set
command_payload: {% set message = {"POWER": command} %}{message|tojson}
state_topic: pr/state
retain_command_state: True
initial_state: on

[power pn]
type: mqtt
command_topic: pn/set
command_payload: {command}
state_topic: pn/state

[sensor energy]
type: mqtt
name: Energy meter
state_topic: test/energy/state
state_response_template:
  {% set values = payload|fromjson %}
  {set_result("power", values.power)}
  {set_result("voltage", values.voltage)}
  {set_result("energy", values.energy)}
parameter_power:
  units=W
parameter_voltage:
  units=V
  zz=1
parameter_energy:
  units=kWh
history_field_energy_used:
  parameter=energy
  desc=Energy consumption
  strategy=delta
  units=kWh
  init_tracker=true
  report_total=true
  report_maximum=true
  precision=3
history_field_avg_v:
  parameter=voltage
  strategy=average
history_field_max_p:
  parameter=power
  strategy=maximum
history_field_col_p:
  parameter=power
  strategy=collect
history_field_acc_p:
  parameter=power
  strategy=accumulate

[sensor plain]
type: mqtt
state_topic: test/plain
qos: 2
state_response_template: {set_result("v", payload)}
`

test('the broker gets the messages of the original, and clients its replies', async t => {
  await using stack = new AsyncDisposableStack()
  const broker = stack.use(await TestBroker.start())
  await broker.publish('pr/state', 'OFF', { retain: true })
  const rig = stack.use(
    await startRig({
      printer: 'none',
      clock: quickClock(10),
      conf: mqttSection(broker.port) + CONFIGURATION,
    }),
  )
  using client = await WebClient.open(rig.url)
  const call = async ({ method = '', params }: Partial<Call>): Promise<Reply> => {
    const { result, error } = await client.call(method, params)
    return error === undefined ? { result } : { error }
  }

  const deviceIs = (device: string, status: string) =>
    client.find(({ method, params }) => {
      return method === 'notify_power_changed' && params[0].device === device && params[0].status === status
    })
  await t.test('the start', async () => {
    assert.deepEqual(await broker.next('pq/get'), { topic: 'pq/get', payload: '?', qos: 1, retain: false })
    await broker.publish('pq/state', 'OFF')
    const set = await broker.next('pr/set')
    assert.deepEqual(set, { topic: 'pr/set', payload: '{"POWER": "on"}', qos: 0, retain: true })
    await broker.publish('pr/state', 'ON')
    await Promise.all([deviceIs('pq', 'off'), deviceIs('pr', 'on')])
  })

  for (const { name, payload, replies } of recording.requests) {
    await t.test(name, async () => {
      const from = broker.published.length
      await broker.publish('rig/moonraker/api/request', payload)
      const expected = REPLIES[name] ?? replies
      // A second request shows that the first one has no further reply.
      await broker.publish('rig/moonraker/api/request', '{"jsonrpc":"2.0","method":"end","id":"end"}')
      const received = () => broker.published.slice(from).map(message => JSON.parse(message.payload))
      const isEnd = ({ id }: { readonly id?: unknown }) => id === 'end'
      await broker.until(() => received().some(isEnd) && received().length > expected.length)
      const replied = received().filter(reply => !isEnd(reply))
      assert.deepEqual(replied.map(withoutResults), expected)
    })
  }

  for (const { name, params, reply, published } of recording.publish) {
    await t.test(name, async () => {
      const from = broker.published.length
      assert.deepEqual(await call({ method: 'server.mqtt.publish', params }), reply)
      await broker.until(() => broker.published.length >= from + published.length)
      assert.deepEqual(broker.published.slice(from), published)
    })
  }

  for (const exchange of recording.power) {
    const { name, before, steps, reply, changed } = exchange
    await t.test(name, async () => {
      if (before !== undefined) {
        const seen = client.frames.length
        await broker.publish(before.topic, before.payload)
        await client.find(({ method }, index) => index >= seen && method === 'notify_power_changed')
      }
      const [frames, from] = [client.frames.length, broker.published.length]
      const replied = call(exchange)
      for (const [index, { published, states }] of steps.entries()) {
        await broker.until(() => broker.published.length > from + index)
        assert.deepEqual(compact(broker.published[from + index]), published)
        for (const state of states) await broker.publish(published.topic.replace(/\/.*/, '/state'), state)
      }
      assert.deepEqual(await replied, STATES[name] ?? reply)
      assert.equal(broker.published.length, from + steps.length)
      const notified = client.frames.slice(frames).filter(({ method }) => method === 'notify_power_changed')
      assert.deepEqual(
        notified.map(({ params }) => params[0].status),
        CHANGES[name] ?? changed,
      )
    })
  }

  for (const { name, messages, updates = [], reply, ...sensorCall } of recording.sensors) {
    await t.test(name, async () => {
      const from = client.frames.length
      for (const { topic, payload } of messages) await broker.publish(topic, payload)
      const notified = () =>
        client.frames.slice(from).flatMap(({ method, params }) => {
          return method === 'notify_sensor_update' ? [params[0]] : []
        })
      if (updates.length > 0) await client.find(() => notified().length >= updates.length)
      assert.deepEqual(notified(), updates)
      if (reply !== undefined) assert.deepEqual(await call(sensorCall), reply)
    })
  }

  await t.test('http.sensors, sensor.measure', async () => {
    const { json } = await sendRequest(rig.port, '/server/sensors/list?extended=true')
    const { result } = await client.call('server.sensors.list', { extended: true })
    assert.deepEqual(json.result, result)
    const measured = await client.call('server.sensors.measurements', { sensor: 'energy' })
    assert.deepEqual(Object.keys(measured.result.energy), ['power', 'voltage', 'energy'])
  })

  await t.test('reconnect, as far as a device without a query is not concerned', async () => {
    const from = client.frames.length
    const changed = (device: string, status: string) =>
      client.find(({ method, params }, index) => {
        const [record] = index >= from && method === 'notify_power_changed' ? params : []
        return record?.device === device && record.status === status
      })
    await broker.pause()
    await Promise.all([changed('pq', 'error'), changed('pr', 'error')])
    await client.find(({ method, params }, index) => {
      return index >= from && method === 'notify_sensor_update' && 'plain' in params[0]
    })
    const { result } = await client.call('server.sensors.list')
    for (const { values } of Object.values<{ values: unknown }>(result.sensors)) assert.deepEqual(values, {})
    assert.deepEqual((await client.call('server.mqtt.publish', { topic: 'd', payload: 'x' })).error, {
      code: 503,
      message: 'MQTT Publish Error: Message publish failed: The client is not currently connected.',
    })
    const switched = { device: 'pq', action: 'on' }
    assert.deepEqual((await client.call('machine.device_power.post_device', switched)).error, {
      code: 503,
      message: 'MQTT Power Device pq: MQTT Not Connected',
    })
    const [published, subscribed] = [broker.published.length, broker.subscribed.length]
    await broker.publish('pr/state', 'ON', { retain: true })
    await broker.resume()
    await broker.next('pq/get', published)
    await broker.publish('pq/state', 'OFF')
    await Promise.all([changed('pr', 'on'), changed('pq', 'off')])
    const topics = ['pn/state', 'pq/state', 'pr/state', 'rig/moonraker/api/request']
    assert.deepEqual(
      broker.subscribed.slice(subscribed).map(list => list.toSorted()),
      [[...topics, 'test/energy/state', 'test/plain']],
    )
  })
})

/** JSON-RPC replies whose results are 'any'. */
function withoutResults(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(withoutResults)
  const { result, ...rest } = reply as Record<string, unknown>
  return result === undefined ? rest : { ...rest, result: 'any' }
}

/** A message whose JSON has no spaces. */
function compact(message: Published | undefined): Published | undefined {
  return message && { ...message, payload: message.payload.replaceAll(': ', ':') }
}
