// [power NAME] of type mqtt, with a broker in this process. The device listens on plug/set and plug/get.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mqttSection, TestBroker } from '../mqtt/test-broker.ts'
import { initialised, type Scene, startScene } from './scene.ts'

const section = (more = '') => `
[power plug]
type: mqtt
command_topic: plug/set
command_payload: {command|upper}
state_topic: plug/state
${more}
`

const QUERY = 'query_topic: plug/get\nquery_payload: ?'

/** A server that is connected to the broker. */
async function start(broker: TestBroker, more = ''): Promise<Scene> {
  const scene = await startScene(mqttSection(broker.port) + section(more))
  await broker.subscription('plug/state')
  return scene
}

/** Makes the broker reply to commands and queries, as a device does. `state` is that of the device. */
function obey(broker: TestBroker): { state: string } {
  const device = { state: 'OFF' }
  let seen = 0
  void broker.until(() => {
    for (; seen < broker.published.length; seen += 1) {
      const message = broker.published[seen]
      if (message?.topic === 'plug/set') device.state = message.payload
      else if (message?.topic !== 'plug/get') continue
      void broker.publish('plug/state', device.state)
    }
    return false
  })
  return device
}

test('a device with a query topic is queried at the start and before a command in an unknown state', async () => {
  await using broker = await TestBroker.start()
  obey(broker)
  await using scene = await start(broker, `${QUERY}\nqos: 1\nretain_command_state: True`)
  await initialised(scene)
  assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
  const sent = broker.published.filter(({ topic }) => topic === 'plug/set' || topic === 'plug/get')
  assert.deepEqual(sent, [
    { topic: 'plug/get', payload: '?', retain: false, qos: 1 },
    { topic: 'plug/set', payload: 'ON', retain: true, qos: 1 },
  ])
})

test('query_after_command queries before and after each command', async () => {
  await using broker = await TestBroker.start()
  obey(broker)
  await using scene = await start(broker, `${QUERY}\nquery_after_command: True`)
  await initialised(scene)
  const from = broker.published.length
  assert.deepEqual((await scene.act('plug', 'toggle')).result, { plug: 'on' })
  const topics = broker.published.slice(from).map(({ topic }) => topic)
  assert.deepEqual(
    topics.filter(topic => topic.startsWith('plug/') && topic !== 'plug/state'),
    ['plug/get', 'plug/set', 'plug/get'],
  )
})

test('a retained state is the first one, and messages of the device change it', async () => {
  await using broker = await TestBroker.start()
  await broker.publish('plug/state', 'on', { retain: true })
  await using scene = await start(broker)
  await initialised(scene)
  await broker.publish('plug/state', 'OFF')
  await scene.notified('plug', 'off')
})

test('the template gets the payload, the last request and the number of the response', async () => {
  await using broker = await TestBroker.start()
  await broker.publish('plug/state', '{"POWER": "OFF"}', { retain: true })
  await using scene = await start(
    broker,
    'state_response_template:\n  {% set state = (payload|fromjson).POWER %}\n  {% do log_debug(last_request ~ response_count ~ state) %}\n  {state if state != "SKIP" else "discard"}',
  )
  await initialised(scene)
  const switched = scene.act('plug', 'on')
  await broker.next('plug/set')
  await broker.publish('plug/state', '{"POWER": "SKIP"}')
  await broker.publish('plug/state', '{"POWER": "ON"}')
  assert.deepEqual((await switched).result, { plug: 'on' })
  const log = scene.rig.log.join('\n')
  for (const text of ['1OFF', 'power_on1SKIP', 'power_on2ON']) {
    assert.ok(log.includes(`[power plug] state_response_template: ${text}`), text)
  }
})

test('an invalid message is the state error, until a valid one arrives', async () => {
  await using broker = await TestBroker.start()
  await broker.publish('plug/state', 'off', { retain: true })
  await using scene = await start(broker)
  await initialised(scene)
  for (const payload of ['garbage', Buffer.from([0xff, 0xfe])]) {
    const from = scene.client.frames.length
    await broker.publish('plug/state', payload)
    await scene.notified('plug', 'error', from)
    await broker.publish('plug/state', 'off')
    await scene.notified('plug', 'off', from)
  }
})

test('a device that does not confirm a command is an error', async () => {
  await using broker = await TestBroker.start()
  await broker.publish('plug/state', 'off', { retain: true })
  await using scene = await start(broker)
  await initialised(scene)
  assert.deepEqual((await scene.act('plug', 'on')).error, {
    code: 500,
    message: "MQTT Power Device plug: Failed to set device to state 'on'",
  })
  assert.deepEqual(await scene.states(), { plug: 'error' })
})

test('without the broker commands are refused, and its return brings the state back', async () => {
  await using broker = await TestBroker.start()
  const device = obey(broker)
  await using scene = await start(broker, QUERY)
  await initialised(scene)
  await broker.pause()
  await scene.notified('plug', 'error')
  assert.deepEqual((await scene.act('plug', 'on')).error, {
    code: 503,
    message: 'MQTT Power Device plug: MQTT Not Connected',
  })
  device.state = 'ON'
  const from = scene.client.frames.length
  await broker.resume()
  await scene.notified('plug', 'on', from)
})

test('a broker that was never there leaves the state init', async () => {
  await using scene = await startScene(mqttSection(1) + section())
  assert.deepEqual((await scene.act('plug', 'status')).result, { plug: 'init' })
  assert.equal((await scene.act('plug', 'on')).error.code, 503)
  assert.deepEqual(await scene.states(), { plug: 'init' })
})

test('without [mqtt] the section is left out', async () => {
  await using scene = await startScene(section())
  assert.ok((await scene.warnings()).some(text => text.includes('[power plug] needs the component [mqtt]')))
})
