// Against Mosquitto: every version of the protocol, users and their rights, TLS, restarts of the broker.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectAsync } from 'mqtt'
import { absent } from '../../support/program.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { CERTIFICATE, KEY } from '../../transports/http/certificate.ts'
import { EXPIRED_CERTIFICATE, EXPIRED_KEY } from './expired-certificate.ts'
import { Mosquitto } from './mosquitto.ts'
import { mqttSection } from './test-broker.ts'

const skip = absent('mosquitto') || absent('mosquitto_sub')
const STATUS = 'rig/moonraker/status'
const ONLINE = '{"server":"online"}'

const ANYONE = ['allow_anonymous true']

function publish(broker: Mosquitto, topic: string, payload: string, ...options: string[]): void {
  execFileSync('mosquitto_pub', ['-p', `${broker.port}`, '-t', topic, '-m', payload, ...options])
}

/** Resolves when server.info has a warning that contains `text`. */
async function warned(rig: Rig, text: string): Promise<void> {
  using client = await WebClient.open(rig.url)
  for (;;) {
    const { warnings } = (await client.call('server.info')).result as { warnings: string[] }
    if (warnings.some(warning => warning.includes(text))) return
  }
}

for (const version of ['v3.1', 'v3.1.1', 'v5']) {
  test(`a request over MQTT ${version} gets its reply`, { skip }, async () => {
    await using broker = await Mosquitto.start(ANYONE)
    await using _rig = await startRig({
      printer: 'none',
      conf: mqttSection(broker.port, `mqtt_protocol: ${version}\ndefault_qos: 2`),
    })
    assert.deepEqual(await broker.messages(STATUS, 1), [ONLINE])
    const replies = broker.messages('reply/here', 1, ['-q', '2'])
    const params = { response_topic: 'reply/here' }
    const request = JSON.stringify({ jsonrpc: '2.0', method: 'server.files.roots', params, id: 1 })
    // The subscription of mosquitto_sub may come later than the reply: a later request gets another one.
    let isAnswered = false
    void replies.finally(() => {
      isAnswered = true
    })
    while (!isAnswered) {
      publish(broker, 'rig/moonraker/api/request', request, '-q', '2')
      await new Promise(resolve => {
        setTimeout(resolve, 50)
      })
    }
    const [reply = ''] = await replies
    assert.ok('result' in JSON.parse(reply))
  })
}

test('the response topic of MQTT 5 gets the reply with the correlation data', { skip }, async () => {
  await using broker = await Mosquitto.start(ANYONE)
  await using _rig = await startRig({
    printer: 'none',
    conf: mqttSection(broker.port, 'mqtt_protocol: v5'),
  })
  await broker.messages(STATUS, 1)
  const client = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, { protocolVersion: 5 })
  try {
    await client.subscribeAsync('mine')
    const reply = new Promise<{ payload: string; data: Buffer | undefined }>(resolve => {
      client.once('message', (_topic, payload, { properties }) =>
        resolve({ payload: payload.toString(), data: properties?.correlationData }),
      )
    })
    const correlationData = Buffer.from([1, 2, 255])
    await client.publishAsync(
      'rig/moonraker/api/request',
      '{"jsonrpc":"2.0","method":"server.files.roots","id":5}',
      { properties: { responseTopic: 'mine', correlationData } },
    )
    const { payload, data } = await reply
    assert.equal(JSON.parse(payload).id, 5)
    assert.deepEqual(data, correlationData)
  } finally {
    await client.endAsync()
  }
})

test('user, password and rights of the broker', { skip }, async () => {
  const acl = 'user printer\ntopic readwrite rig/#\nuser judge\ntopic read #\n'
  await using broker = await Mosquitto.start(
    ['allow_anonymous false', 'password_file {folder}/users', 'acl_file {folder}/acl'],
    { users: 'printer:one\njudge:two\n', acl },
  )
  await broker.kill()
  execFileSync('mosquitto_passwd', ['-U', join(broker.folder, 'users')])
  await broker.run()
  const login = 'mqtt_protocol: v5\nusername: printer\npassword: one'
  await using rig = await startRig({ printer: 'none', conf: mqttSection(broker.port, login) })
  const judge = ['-u', 'judge', '-P', 'two']
  assert.deepEqual(await broker.messages(STATUS, 1, judge), [ONLINE])
  using client = await WebClient.open(rig.url)
  const publication = { topic: 'elsewhere', payload: 'x', qos: 1 }
  const { error } = await client.call('server.mqtt.publish', publication)
  assert.equal(error.code, 502)
  assert.match(error.message, /Not authorized/)
  await using refused = await startRig({
    printer: 'none',
    conf: mqttSection(broker.port, login.replace('one', 'wrong')),
  })
  await warned(refused, 'Not authorized')
})

test('TLS with an own authority and a client certificate', { skip }, async () => {
  await using broker = await Mosquitto.start(
    [
      'cafile {folder}/own.pem',
      'certfile {folder}/own.pem',
      'keyfile {folder}/own.key',
      'require_certificate true',
      'use_identity_as_username true',
    ],
    { 'own.pem': CERTIFICATE, 'own.key': KEY },
  )
  const tls = (lines: string) => `enable_tls: True\n${lines}`
  const own = `ca_certificate: ${broker.folder}/own.pem`
  const client = `client_certificate: ${broker.folder}/own.pem\nclient_key: ${broker.folder}/own.key`
  await using rig = await startRig({
    printer: 'none',
    conf: mqttSection(broker.port, tls(`${own}\n${client}`)),
  })
  using socket = await WebClient.open(rig.url)
  const published = await socket.call('server.mqtt.publish', {
    topic: 'a',
    payload: 'x',
    qos: 1,
    timeout: 20,
  })
  assert.deepEqual(published.result, { topic: 'a' })
  await using unknown = await startRig({ printer: 'none', conf: mqttSection(broker.port, tls(client)) })
  await warned(unknown, 'self-signed certificate')
  await using bare = await startRig({ printer: 'none', conf: mqttSection(broker.port, tls(own)) })
  await warned(bare, 'certificate required')
})

test('an expired certificate of the broker is refused', { skip }, async () => {
  await using broker = await Mosquitto.start(
    ['certfile {folder}/old.pem', 'keyfile {folder}/old.key', ...ANYONE],
    { 'old.pem': EXPIRED_CERTIFICATE, 'old.key': EXPIRED_KEY },
  )
  await using rig = await startRig({
    printer: 'none',
    conf: mqttSection(broker.port, `enable_tls: True\nca_certificate: ${broker.folder}/old.pem`),
  })
  await warned(rig, 'certificate has expired')
})

test('a broker that is killed and started again gets the state and every message', { skip }, async () => {
  await using broker = await Mosquitto.start(ANYONE)
  await using rig = await startRig({
    printer: 'none',
    clock: quickClock(),
    conf: mqttSection(broker.port),
  })
  using client = await WebClient.open(rig.url)
  for (let round = 0; round < 5; round += 1) {
    assert.deepEqual(await broker.messages(STATUS, 1), [ONLINE])
    await broker.kill()
    const topic = `home/${round}`
    const publication = { topic, payload: 'x', qos: 1, retain: true, timeout: 60 }
    const published = client.call('server.mqtt.publish', publication)
    await broker.run()
    assert.deepEqual((await published).result, { topic })
    assert.deepEqual(await broker.messages(topic, 1), ['x'])
  }
})

test('no more messages are on their way than the broker accepts', { skip }, async () => {
  await using broker = await Mosquitto.start([...ANYONE, 'max_inflight_messages 2'])
  await using rig = await startRig({
    printer: 'none',
    conf: mqttSection(broker.port, 'mqtt_protocol: v5'),
  })
  using client = await WebClient.open(rig.url)
  const replies = Array.from({ length: 50 }, (_, index) =>
    client.call('server.mqtt.publish', { topic: `home/${index}`, payload: 'x', qos: 2, timeout: 30 }),
  )
  for (const { error } of await Promise.all(replies)) assert.equal(error, undefined)
  assert.ok(!rig.log.some(line => line.includes('was lost')), 'the broker did not end the connection')
})
