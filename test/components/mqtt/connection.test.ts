// The connection to the broker: birth and will, credentials, lost connections, refusals, options.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { quickClock } from '../../support/quick-clock.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { mqttSection, TestBroker } from './test-broker.ts'

const STATUS = 'rig/moonraker/status'

async function info(
  rig: Rig,
): Promise<{ warnings: string[]; failed_components: string[]; components: string[] }> {
  const response = await fetch(`${rig.url}/server/info`)
  return ((await response.json()) as { result: never }).result
}

/** Resolves when a reply of server.info satisfies `holds`. */
async function infoUntil(
  rig: Rig,
  holds: (reply: Awaited<ReturnType<typeof info>>) => boolean,
): Promise<void> {
  while (!holds(await info(rig)));
}

test('the server publishes that it is online, and offline when it stops', async () => {
  await using broker = await TestBroker.start()
  {
    await using _rig = await startRig({ printer: 'none', conf: mqttSection(broker.port) })
    const online = await broker.next(STATUS)
    assert.deepEqual(online, { topic: STATUS, payload: '{"server":"online"}', qos: 0, retain: true })
  }
  const offline = broker.published.at(-1)
  assert.deepEqual(offline, { topic: STATUS, payload: '{"server":"offline"}', qos: 0, retain: true })
})

test('the broker publishes that the server is offline when the connection is lost', async () => {
  await using broker = await TestBroker.start()
  await using _rig = await startRig({ printer: 'none', conf: mqttSection(broker.port) })
  await broker.subscription('rig/moonraker/api/request')
  const from = broker.published.length
  broker.drop()
  const will = { topic: STATUS, payload: '{"server":"offline"}', qos: 0, retain: true }
  assert.deepEqual(await broker.next(STATUS, from), will)
  await broker.until(() => broker.published.at(-1)?.payload === '{"server":"online"}')
})

test('the connection can be a WebSocket', async () => {
  await using broker = await TestBroker.startWebSocket('/broker')
  await using _rig = await startRig({
    printer: 'none',
    conf: mqttSection(broker.port, 'transport: websocket\nwebsocket_path: /broker'),
  })
  assert.equal((await broker.next(STATUS)).payload, '{"server":"online"}')
})

test('user and password are templates with secrets', async () => {
  await using broker = await TestBroker.start()
  await using _rig = await startRig({
    printer: 'none',
    conf: mqttSection(
      broker.port,
      'client_id: printer-1\nusername: {secrets.mqtt.name}\npassword: {secrets.mqtt.password}',
    ),
    prepare: ({ data }) => {
      writeFileSync(join(data, 'moonraker.secrets'), '[mqtt]\nname: maker\npassword: s3cret\n')
    },
  })
  await broker.until(() => broker.logins.length > 0)
  assert.deepEqual(broker.logins[0], { clientId: 'printer-1', username: 'maker', password: 's3cret' })
})

test('a lost connection is opened again with every subscription, each once', async () => {
  await using broker = await TestBroker.start()
  await using rig = await startRig({
    printer: 'none',
    clock: quickClock(20),
    conf: mqttSection(broker.port),
  })
  const topics = ['rig/moonraker/api/request', 'home/wait']
  using client = await WebClient.open(rig.url)
  const waiting = client.call('server.mqtt.subscribe', { topic: 'home/wait' })
  for (const topic of topics) await broker.subscription(topic)
  for (let round = 2; round <= 6; round += 1) {
    await broker.pause()
    await broker.resume()
    for (const topic of topics) await broker.subscription(topic, round)
  }
  const sent = broker.subscribed.flat().filter(topic => !topic.startsWith('-'))
  assert.equal(sent.length, 12)
  await broker.publish('home/wait', 'here')
  assert.deepEqual((await waiting).result, { topic: 'home/wait', payload: 'here' })
})

test('a broker that was never there does not fail the component', async () => {
  await using broker = await TestBroker.start()
  await broker.pause()
  await using rig = await startRig({
    printer: 'none',
    clock: quickClock(20),
    conf: mqttSection(broker.port),
  })
  const { warnings, failed_components, components } = await info(rig)
  assert.deepEqual([warnings, failed_components], [[], []])
  assert.ok(components.includes('mqtt'))
  await broker.resume()
  await broker.next(STATUS)
  const reports = rig.log.filter(line => line.includes('MQTT Connection Failed'))
  assert.ok(reports.length <= 1, `reported once: ${reports.join('\n')}`)
})

test('a refusal is a warning, once, until the broker accepts', async () => {
  await using broker = await TestBroker.start()
  broker.refuses = true
  await using rig = await startRig({
    printer: 'none',
    clock: quickClock(300),
    conf: mqttSection(broker.port),
  })
  await broker.until(() => broker.logins.length >= 3)
  const { warnings, failed_components } = await info(rig)
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] as string, /^\[mqtt\]: MQTT Connection Failed: 127\.0\.0\.1:\d+: .*Not authorized/)
  assert.deepEqual(failed_components, [])
  broker.refuses = false
  await broker.next(STATUS)
  await infoUntil(rig, reply => reply.warnings.length === 0)
  assert.equal(rig.log.filter(line => line.includes('MQTT Connection Failed')).length, 1)
})

test('a message that is too long ends the connection, and does not fill the memory', async () => {
  const requests = 'rig/moonraker/api/request'
  for (const transport of ['tcp', 'websocket']) {
    await using broker =
      transport === 'tcp' ? await TestBroker.start() : await TestBroker.startWebSocket('/mqtt')
    const conf = mqttSection(broker.port, `transport: ${transport}\nwebsocket_path: /mqtt`)
    await using rig = await startRig({ printer: 'none', conf })
    await broker.subscription(requests)
    const request = JSON.stringify({ jsonrpc: '2.0', method: 'server.info', id: 1 })
    await broker.publish(requests, request.padEnd(8_000_000))
    await broker.next('rig/moonraker/api/response')
    await broker.publish(requests, request.padEnd(9_000_000))
    await infoUntil(rig, ({ warnings }) =>
      warnings.some(text => /\[mqtt\]: .*a message of 90\d+ bytes came in, and at most 8388608/.test(text)),
    )
  }
})

test('invalid options fail the component with their names', async () => {
  const mistakes: [string, RegExp][] = [
    ['instance_name: a/#', /"instance_name: a\/#" of section \[mqtt\] must be a name without/],
    ['default_qos: 3', /"default_qos: 3" of section \[mqtt\] must be a number of at most 2/],
    ['status_interval: 0.1', /"status_interval: 0.1" of section \[mqtt\] must be 0 or a number above 0.25/],
    ['mqtt_protocol: v4', /"mqtt_protocol: v4" of section \[mqtt\] must be one of v3.1, v3.1.1, v5/],
    ['username: {secrets.', /the template "username" of section \[mqtt\] failed at line 1/],
    [
      'enable_tls: True\nca_certificate: /no/file',
      /"ca_certificate" of section \[mqtt\] cannot be read \(ENOENT\)/,
    ],
    ['enable_tls: True\nclient_key: /no/file', /needs both client_certificate and client_key/],
    ['password_file: /no/file', /"password_file" of section \[mqtt\] cannot be read/],
    ['password_file: /dev/zero', /"password_file" .* cannot be read \(not a regular file\)/],
  ]
  for (const [line, expected] of mistakes) {
    await using rig = await startRig({ printer: 'none', conf: `[mqtt]\naddress: 127.0.0.1\n${line}\n` })
    const { warnings, failed_components } = await info(rig)
    assert.deepEqual(failed_components, ['mqtt'], line)
    assert.ok(
      warnings.some(text => expected.test(text)),
      `${line}: ${warnings.join('\n')}`,
    )
  }
})

test('password_file is read, with a warning', async () => {
  await using broker = await TestBroker.start()
  await using rig = await startRig({
    printer: 'none',
    conf: mqttSection(broker.port, 'username: maker\npassword_file: {data}/secret/word'),
    prepare: ({ data }) => {
      const file = join(data, 'secret', 'word')
      mkdirSync(dirname(file))
      writeFileSync(file, 'from-file\n')
    },
  })
  await broker.until(() => broker.logins.length > 0)
  assert.equal(broker.logins[0]?.password, 'from-file')
  assert.match((await info(rig)).warnings.join(), /"password_file" of section \[mqtt\] is deprecated/)
})
