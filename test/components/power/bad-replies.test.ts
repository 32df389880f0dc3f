// Devices of every type that reply with something else, or not at all: each is in the state error, and the next good
// reply ends that.
import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { systemClock } from '../../../src/core/clock.ts'
import { CERTIFICATE, KEY } from '../../transports/http/certificate.ts'
import { fakePrograms } from '../machine/fake-programs.ts'
import { EXPIRED_CERTIFICATE, EXPIRED_KEY } from '../mqtt/expired-certificate.ts'
import { mqttSection, TestBroker } from '../mqtt/test-broker.ts'
import { type Answer, HttpDouble } from './http-double.ts'
import { kasaPlug } from './kasa-double.ts'
import { HURRY, initialised, type Scene, startScene, untilStates } from './scene.ts'

const TYPES = [
  'tasmota',
  'shelly',
  'homeseer',
  'homeassistant',
  'loxonev1',
  'smartthings',
  'hue',
  'http',
] as const
type HttpType = (typeof TYPES)[number]

/** A reply of each type of device whose state is on. */
const ON: Readonly<Record<HttpType, unknown>> = {
  tasmota: { POWER: 'ON' },
  shelly: { ison: true },
  homeseer: { Devices: [{ status: 'On' }] },
  homeassistant: { state: 'on' },
  loxonev1: { LL: { value: '1' } },
  smartthings: { switch: { value: 'on' } },
  hue: { state: { on: true } },
  http: { state: 'on' },
}

function section(type: HttpType, address: string): string {
  const [host, port] = address.split(':')
  const at = `[power ${type}]\ntype: ${type}\naddress: ${host}\nport: ${port}\n`
  switch (type) {
    case 'homeseer':
      return `${at}device: 1\n`
    case 'homeassistant':
      return `${at}device: switch.a\ntoken: T\n`
    case 'smartthings':
      return `${at}protocol: http\ndevice: a\ntoken: T\n`
    case 'hue':
      return `${at}user: u\ndevice_id: 1\n`
    case 'http':
      return `[power http]\ntype: http\non_url: http://${address}/\noff_url: http://${address}/\nstatus_url: http://${address}/\nresponse_template: {http_request.last_response().json()["state"]}\n`
    default:
      return `[power ${type}]\ntype: ${type}\naddress: ${address}\n`
  }
}

const HTML = { 'Content-Type': 'text/html' }
const BAD: Readonly<Record<string, Answer>> = {
  'a web page': { text: '<html><body>Log in</body></html>', headers: HTML },
  'no text': { text: '' },
  'an error': { text: 'broken', status: 500 },
  'wrong credentials': { text: '', status: 401, headers: { 'WWW-Authenticate': 'Basic realm="a"' } },
  'a list': { json: [] },
  null: { json: null },
  'an object of other fields': { json: { state: { on: 'maybe' }, LL: { value: {} }, Devices: {} } },
  '2 MB': { text: 'x'.repeat(2_000_000) },
  'deep JSON': { text: '['.repeat(100_000) },
  'a redirect to itself': { text: '', status: 302, headers: { Location: '/' } },
  'a redirect to a file': { text: '', status: 302, headers: { Location: 'file:///etc/passwd' } },
  'a closed connection': 'drop',
  nothing: 'hang',
  'a byte at a time': 'drip',
}

test('devices with an HTTP interface that reply with something else', async t => {
  await using stack = new AsyncDisposableStack()
  const doubles = new Map<HttpType, HttpDouble>()
  for (const type of TYPES) {
    doubles.set(type, stack.use(await HttpDouble.start(() => ({ json: ON[type] }))))
  }
  const conf = [...doubles].map(([type, { address }]) => section(type, address)).join('\n')
  const scene = stack.use(await startScene(conf, HURRY))
  await initialised(scene)
  const devices = Object.fromEntries(TYPES.map(type => [type, null]))
  const read = async () => (await scene.client.call('machine.device_power.status', devices)).result
  const all = (state: string) => Object.fromEntries(TYPES.map(type => [type, state]))
  for (const [what, answer] of Object.entries(BAD)) {
    await t.test(what, async () => {
      for (const double of doubles.values()) double.answer = () => answer
      assert.deepEqual(await read(), all('error'))
      for (const [type, double] of doubles) double.answer = () => ({ json: ON[type] })
      // On a busy machine a reply may come after the hurried timeout.
      while (!isDeepStrictEqual(await read(), all('on')));
    })
  }
})

/** Bytes of a plug: the length, and what follows. */
function framed(length: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(length)
  return Buffer.concat([head, body])
}

test('a plug of TP-Link that replies with something else', async t => {
  await using plug = await kasaPlug()
  await using scene = await startScene(
    `[power plug]\ntype: tplink_smartplug\naddress: 127.0.0.1\nport: ${plug.port}\n`,
    HURRY,
  )
  await initialised(scene)
  const works = plug.answer
  const bad: Readonly<Record<string, string | Buffer>> = {
    'no JSON': 'plug',
    null: 'null',
    'other fields': '{"system":{"get_sysinfo":{"err_code":0}}}',
    'an error': '{"system":{"get_sysinfo":{"err_code":-3}}}',
    'a web page': Buffer.from('HTTP/1.1 200 OK\r\n\r\n<html></html>'),
    'a length of 4 GB': framed(0xffffffff, Buffer.alloc(1000)),
    'less than its length': framed(1000, Buffer.alloc(10)),
    'a closed connection': 'drop',
    nothing: 'hang',
  }
  for (const [what, answer] of Object.entries(bad)) {
    await t.test(what, async () => {
      plug.answer = () => answer
      assert.deepEqual((await scene.act('plug', 'status')).result, { plug: 'error' })
      plug.answer = works
      assert.deepEqual((await scene.act('plug', 'status')).result, { plug: 'off' })
    })
  }
})

for (const [what, script] of [
  ['prints something else', 'echo "Port 1: on"'],
  ['prints 5 MB', 'head -c 5000000 /dev/zero'],
  ['hangs', 'exec sleep 60'],
  ['is killed', 'kill -9 $$'],
] as const) {
  test(`a uhubctl that ${what}`, async () => {
    using _programs = fakePrograms({ uhubctl: script })
    await using scene = await startScene('[power hub]\ntype: uhubctl\nlocation: 1-1\n', HURRY)
    assert.equal((await scene.act('hub', 'on')).error.message, 'Power Device hub: Error turning device on')
    assert.ok(scene.rig.log.some(line => line.includes('the power device hub was not switched on: ')))
  })
}

for (const [what, cert, key, reason] of [
  ['signed by itself', CERTIFICATE, KEY, /self-signed certificate/],
  ['expired', EXPIRED_CERTIFICATE, EXPIRED_KEY, /certificate/],
] as const) {
  test(`a certificate that is ${what} is not accepted, and the token stays here`, async () => {
    let requests = 0
    const server = createServer({ cert, key }, (_req, res) => {
      requests += 1
      res.end('{"state":"on"}')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await using scene = await startScene(
      `[power plug]\ntype: homeassistant\nprotocol: https\naddress: localhost\nport: ${port}\ndevice: switch.a\ntoken: T\n`,
      HURRY,
    )
    assert.equal((await scene.act('plug', 'on')).error.message, 'Error Setting Device Status: plug to on')
    assert.ok(scene.rig.log.some(line => line.includes('power device plug') && reason.test(line)))
    assert.equal(requests, 0)
    server.closeAllConnections()
    server.close()
  })
}

const LOOP = '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}on'

for (const [what, template, reason] of [
  ['never ends', LOOP, 'needs more than 100000 steps'],
  ['raises an error', '{raise_error("the plug is wet")}', 'the plug is wet'],
  ['uses what is not there', '{a.b.c}', '"response_template" of section [power plug] failed at line 1'],
  ['gives another state', 'perhaps', 'must give on or off, not "perhaps"'],
] as const) {
  test(`a response_template that ${what}`, async () => {
    await using plug = await HttpDouble.start(() => ({ json: {} }))
    const url = `http://${plug.address}/`
    await using scene = await startScene(
      `[power plug]\ntype: http\non_url: ${url}\noff_url: ${url}\nstatus_url: ${url}\nresponse_template: ${template}\n`,
      // A template that works long must not meet the timeout of a quick clock.
      { clock: systemClock },
    )
    assert.equal((await scene.act('plug', 'on')).error.message, 'Error Setting Device Status: plug to on')
    assert.ok(
      scene.rig.log.some(line => line.includes(reason)),
      scene.rig.log.join('\n'),
    )
  })
}

/** A device at the broker, with these options. */
async function startMqtt(broker: TestBroker, options: string): Promise<Scene> {
  return startScene(
    `${mqttSection(broker.port)}[power plug]\ntype: mqtt\ncommand_topic: plug/set\ncommand_payload: {command}\nstate_topic: plug/state\n${options}\n`,
  )
}

test('a state_response_template that never ends is the state error', async () => {
  await using broker = await TestBroker.start()
  await broker.publish('plug/state', 'on', { retain: true })
  await using scene = await startMqtt(
    broker,
    `state_response_template: {% if payload == "x" %}${LOOP}{% endif %}{payload}`,
  )
  // The first state may be there before the client is, and an error before the first state.
  await untilStates(scene, ({ plug }) => plug === 'on')
  const from = scene.client.frames.length
  await broker.publish('plug/state', 'x')
  await scene.notified('plug', 'error', from)
  await broker.publish('plug/state', 'off')
  await scene.notified('plug', 'off')
})

for (const [option, value, reason] of [
  ['command_topic', 'plug/#', /"command_topic"/],
  ['state_topic', 'plug/#/state', /"state_topic"/],
  ['query_topic', 'plug/+', /"query_topic"/],
  ['qos', '3', /"qos: 3"/],
  ['state_timeout', '0', /"state_timeout: 0"/],
] as const) {
  test(`${option}: ${value} leaves the section out`, async () => {
    await using broker = await TestBroker.start()
    const topics = ['command_topic', 'state_topic'].filter(each => each !== option)
    await using scene = await startScene(
      `${mqttSection(broker.port)}[power plug]\ntype: mqtt\ncommand_payload: x\n${option}: ${value}\n` +
        topics.map(each => `${each}: plug/a b\n`).join(''),
    )
    const warnings = await scene.warnings()
    assert.ok(
      warnings.some(text => text.startsWith('Section [power plug] is left out: ') && reason.test(text)),
      warnings.join('\n'),
    )
  })
}
