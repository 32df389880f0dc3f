// The API over MQTT: what requests get as replies, and which are not executed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRig } from '../../support/rig.ts'
import { mqttSection, TestBroker } from './test-broker.ts'

const REQUEST = 'rig/moonraker/api/request'
const RESPONSE = 'rig/moonraker/api/response'

interface Reply {
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string }
  readonly id: unknown
}

/** A server that is connected to a broker. */
async function scene(lines = '') {
  const broker = await TestBroker.start()
  const rig = await startRig({ printer: 'none', conf: mqttSection(broker.port, lines) })
  await broker.subscription(REQUEST)
  return {
    broker,
    rig,
    /** Publishes a request; resolves with the payload of the next message of `topic`. */
    async send(payload: string | Buffer, topic = RESPONSE): Promise<string> {
      const from = broker.published.length
      await broker.publish(REQUEST, payload)
      return (await broker.next(topic, from)).payload
    },
    async call(method: string, params?: unknown, id: unknown = 1): Promise<Reply> {
      return JSON.parse(await this.send(JSON.stringify({ jsonrpc: '2.0', method, params, id })))
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]()
      await broker[Symbol.asyncDispose]()
    },
  }
}

test('a request gets its reply on the response topic, with its id', async () => {
  await using it = await scene()
  const reply = await it.call('server.info', undefined, 'first')
  assert.equal(reply.id, 'first')
  assert.ok((reply.result as { components: string[] }).components.includes('mqtt'))
  assert.deepEqual(await it.call('x.y', {}, 2), {
    jsonrpc: '2.0',
    error: { code: -32601, message: 'Method not found' },
    id: 2,
  })
  assert.equal((await it.call('server.files.metadata')).error?.message, 'No data for argument: filename')
})

test('methods of a connection, of logins and of MQTT itself are not served', async () => {
  await using it = await scene()
  for (const method of [
    'server.websocket.id',
    'server.connection.identify',
    'access.info',
    'access.login',
    'access.get_api_key',
    'server.mqtt.publish',
  ]) {
    assert.deepEqual((await it.call(method)).error, {
      code: -32601,
      message: 'Method not found for transport MQTT',
    })
  }
})

test('texts that are no request get the errors of JSON-RPC', async () => {
  await using it = await scene()
  const parseError = '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}'
  for (const payload of ['{', 'hello', '', Buffer.from([0x22, 0xff, 0x22])]) {
    assert.equal(await it.send(payload), parseError)
  }
  const noVersion = JSON.parse(await it.send('{"method":"server.info","id":9}'))
  assert.deepEqual(noVersion, { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request' }, id: 9 })
})

test('a batch gets one reply, a request without an id none', async () => {
  await using it = await scene()
  const request = { jsonrpc: '2.0', method: 'server.files.roots' }
  await it.broker.publish(REQUEST, JSON.stringify(request))
  const replies = JSON.parse(
    await it.send(
      JSON.stringify([
        { ...request, id: 7 },
        { ...request, method: 'zz', id: 8 },
      ]),
    ),
  )
  assert.deepEqual(
    replies.map((reply: Reply) => [reply.id, reply.error?.code]),
    [
      [7, undefined],
      [8, -32601],
    ],
  )
  assert.equal(it.broker.published.filter(({ topic }) => topic === RESPONSE).length, 1)
})

test('a timestamp of the last twenty marks a duplicate', async () => {
  await using it = await scene()
  const call = (mqtt_timestamp: unknown) => it.call('server.files.roots', { mqtt_timestamp })
  assert.ok('result' in (await call(111)))
  assert.deepEqual((await call(111)).error, { code: -10000, message: 'Duplicate MQTT Request' })
  for (let other = 1; other <= 20; other += 1) assert.ok('result' in (await call(other)))
  assert.ok('result' in (await call(111)), 'twenty others were received since')
})

test('a timestamp that is an object is rejected, however deep', async () => {
  await using it = await scene()
  const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  const text = `{"jsonrpc":"2.0","method":"server.info","id":1,"params":{"mqtt_timestamp":${nested}}}`
  assert.deepEqual(JSON.parse(await it.send(text)).error, {
    code: 400,
    message: 'Invalid mqtt_timestamp: It must be a number or text',
  })
})

test('requests of other clients are answered during a flood', async () => {
  await using it = await scene()
  const count = 2000
  const request = JSON.stringify({ jsonrpc: '2.0', method: 'server.config', id: 1 }).padEnd(150)
  const replies = () => it.broker.published.filter(({ topic }) => topic === RESPONSE).length
  it.broker.flood(REQUEST, request, count)
  while (replies() === 0) await it.broker.next(RESPONSE, 0)
  assert.equal((await fetch(`${it.rig.url}/server/info`)).status, 200)
  assert.ok(replies() < count / 2, `${replies()} requests before that of the other client`)
  await it.broker.until(() => replies() === count)
})

test('response_topic names another topic for the reply', async () => {
  await using it = await scene()
  const request = (response_topic: unknown) =>
    JSON.stringify({ jsonrpc: '2.0', method: 'server.files.roots', params: { response_topic }, id: 1 })
  const reply = JSON.parse(await it.send(request('home/reply'), 'home/reply'))
  assert.ok('result' in reply)
  const refused = JSON.parse(await it.send(request('home/#')))
  assert.deepEqual(refused.error, { code: 400, message: 'Invalid response_topic: Wildcards may not be used' })
})

test('a retained request is not executed', async () => {
  await using broker = await TestBroker.start()
  const message = JSON.stringify({ jsonrpc: '2.0', method: 'server.restart', id: 1 })
  await broker.publish(REQUEST, message, { retain: true })
  await using rig = await startRig({ printer: 'none', conf: mqttSection(broker.port) })
  await broker.subscription(REQUEST)
  const from = broker.published.length
  await broker.publish(REQUEST, '{"jsonrpc":"2.0","method":"server.info","id":2}')
  const reply = JSON.parse((await broker.next(RESPONSE, from)).payload)
  assert.equal(reply.id, 2, 'the first reply is that of the second request')
  assert.ok(rig.log.some(line => line.includes('retained API request')))
})

test('api_role limits what requests may do', async () => {
  await using it = await scene('api_role: viewer')
  assert.ok('result' in (await it.call('server.info')))
  assert.equal((await it.call('server.files.post_directory', { path: 'gcodes/x' })).error?.code, 403)
})

test('replies have the QoS of api_qos, else of default_qos', async () => {
  for (const [lines, qos] of [
    ['api_qos: 1', 1],
    ['default_qos: 2', 2],
    ['default_qos: 2\napi_qos: 0', 0],
  ] as const) {
    await using it = await scene(lines)
    await it.call('server.info')
    assert.equal(it.broker.published.find(({ topic }) => topic === RESPONSE)?.qos, qos, lines)
  }
})

test('enable_moonraker_api: False subscribes to no requests', async () => {
  await using broker = await TestBroker.start()
  await using rig = await startRig({
    printer: 'none',
    conf: mqttSection(broker.port, 'enable_moonraker_api: False'),
  })
  await broker.next('rig/moonraker/status')
  const response = await fetch(`${rig.url}/server/mqtt/subscribe?topic=a&timeout=0.05`, { method: 'POST' })
  assert.equal(response.status, 504)
  await broker.subscription('-a')
  assert.deepEqual(broker.subscribed, [['a'], ['-a']])
})
