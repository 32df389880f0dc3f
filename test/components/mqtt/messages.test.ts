// server.mqtt.publish, server.mqtt.subscribe, and the remote method of macros.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { mqttSection, TestBroker } from './test-broker.ts'

async function scene(lines = '') {
  const broker = await TestBroker.start()
  const rig = await startRig({ printer: 'none', conf: mqttSection(broker.port, lines) })
  await broker.next('rig/moonraker/status')
  const client = await WebClient.open(rig.url)
  return {
    broker,
    rig,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await rig[Symbol.asyncDispose]()
      await broker[Symbol.asyncDispose]()
    },
  }
}

test('values are published as texts, objects as compact JSON', async () => {
  await using it = await scene()
  const payloads: [unknown, string][] = [
    ['hi', 'hi'],
    [true, 'true'],
    [12, '12'],
    [1.5, '1.5'],
    [null, ''],
    [{ a: [1, true, null] }, '{"a":[1,true,null]}'],
  ]
  for (const [payload, text] of payloads) {
    const from = it.broker.published.length
    const reply = await it.client.call('server.mqtt.publish', { topic: 'home/a', payload })
    assert.deepEqual(reply.result, { topic: 'home/a' })
    assert.equal((await it.broker.next('home/a', from)).payload, text)
  }
})

test('QoS and retain are those of the request, else the configured ones', async () => {
  await using it = await scene('default_qos: 1')
  await it.client.call('server.mqtt.publish', { topic: 'home/a', payload: 'x' })
  await it.client.call('server.mqtt.publish', { topic: 'home/b', payload: 'x', qos: 2, retain: true })
  assert.equal((await it.broker.next('home/a')).qos, 1)
  const { qos, retain } = await it.broker.next('home/b')
  assert.deepEqual([qos, retain], [2, true])
})

test('invalid topics and QoS are refused', async () => {
  await using it = await scene()
  const error = async (method: string, params: unknown) => (await it.client.call(method, params)).error
  assert.deepEqual(await error('server.mqtt.publish', { topic: 'a', qos: 3 }), {
    code: 400,
    message: 'QOS must be between 0 and 2',
  })
  for (const method of ['server.mqtt.publish', 'server.mqtt.subscribe']) {
    const wildcard = { code: 400, message: 'Wildcards may not be used' }
    assert.deepEqual(await error(method, { topic: 'a/#' }), wildcard)
    assert.equal((await error(method, { topic: 'a\0b' })).code, 400)
    assert.equal((await error(method, { topic: '' })).code, 400)
    assert.equal((await error(method, {})).message, 'No data for argument: topic')
  }
})

test('subscribe returns the next message, JSON as its value', async () => {
  await using it = await scene()
  await it.broker.publish('home/kept', '42', { retain: true })
  const kept = await it.client.call('server.mqtt.subscribe', { topic: 'home/kept', timeout: 5 })
  assert.deepEqual(kept.result, { topic: 'home/kept', payload: 42 })
  const next = it.client.call('server.mqtt.subscribe', { topic: 'home/next', timeout: 5 })
  await it.broker.subscription('home/next')
  await it.broker.publish('home/next', 'plain')
  assert.deepEqual((await next).result, { topic: 'home/next', payload: 'plain' })
  await it.broker.subscription('-home/next')
})

test('subscribe ends with 504 after its timeout, and unsubscribes', async () => {
  await using it = await scene()
  const { error } = await it.client.call('server.mqtt.subscribe', { topic: 'home/none', timeout: 0.05 })
  assert.deepEqual(error, { code: 504, message: 'MQTT Subscribe Timed Out' })
  await it.broker.subscription('-home/none')
})

test('without a connection QoS 0 is refused, and QoS 1 waits for the broker', async () => {
  await using it = await scene()
  await it.broker.pause()
  const publish = (qos: number, timeout: number) =>
    it.client.call('server.mqtt.publish', { topic: `home/${qos}`, payload: 'x', qos, timeout })
  let lost = await publish(0, 1)
  // The server learns of the disconnection after the broker.
  while (lost.error === undefined) lost = await publish(0, 1)
  assert.deepEqual(lost.error, {
    code: 503,
    message: 'MQTT Publish Error: Message publish failed: The client is not currently connected.',
  })
  assert.deepEqual((await publish(1, 0.05)).error, { code: 504, message: 'MQTT Publish Timed Out' })
  await it.broker.resume()
  assert.equal((await it.broker.next('home/1')).payload, 'x', 'it was published after its timeout')
})

test('at most 1,000 messages wait for the broker', async () => {
  await using it = await scene()
  await it.broker.pause()
  const replies = Array.from({ length: 1001 }, () =>
    it.client.call('server.mqtt.publish', { topic: 'home/q', payload: 'x', qos: 1, timeout: 0.5 }),
  )
  const codes = (await Promise.all(replies)).map(({ error }) => error.code)
  assert.equal(codes.filter(code => code === 529).length, 1)
})

test('macros publish by the remote method publish_mqtt_topic', async () => {
  await using broker = await TestBroker.start()
  await using klippy = await FakeKlippy.start()
  await using _rig = await startRig({
    klippySocket: klippy.path,
    ready: true,
    conf: mqttSection(broker.port),
  })
  await broker.next('rig/moonraker/status')
  const call = (params: object) => klippy.call('publish_mqtt_topic', params)
  call({ topic: 'from/klipper', payload: { a: 1 }, qos: 1, retain: true })
  call({ topic: '/state', payload: 'on', use_prefix: true })
  assert.deepEqual(await broker.next('from/klipper'), {
    topic: 'from/klipper',
    payload: '{"a":1}',
    qos: 1,
    retain: true,
  })
  assert.equal((await broker.next('rig/state')).payload, 'on')
})
