// Single answers of the original: the description for SSDP, the list of notifiers, and the status at an MQTT broker.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mqttSection, TestBroker } from '../components/mqtt/test-broker.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { sendRequest } from '../support/raw-http.ts'
import { startRig } from '../support/rig.ts'

/** The recorded description, without what differs on purpose (docs/discovery.md). In braces: what differs anyway. */
const DESCRIPTION = `<root xmlns="urn:schemas-upnp-org:device-1-0" configId="1">
    <specVersion>
        <major>2</major>
        <minor>0</minor>
    </specVersion>
    <device>
        <deviceType>urn:arksine.github.io:device:Moonraker:1</deviceType>
        <friendlyName>{name}</friendlyName>
        <modelName>Moonraker</modelName>
        <modelNumber>{version}</modelNumber>
        <serialNumber>{serial}</serialNumber>
        <UDN>uuid:{uuid}</UDN>
        <presentationURL>{url}</presentationURL>
    </device>
</root>`

/** The text of each part in braces of `template`; null where `text` differs otherwise. */
function partsOf(template: string, text: string): Record<string, string> | null {
  const pattern = template
    .replace(/[.*+?^$()|[\]\\]/g, '\\$&')
    .replace(/\{(\w+)\}/g, '(?<$1>[^<]+)')
    .replace(/\n */g, '\\n *')
  return new RegExp(`${pattern}\\n*$`).exec(text)?.groups ?? null
}

test('ssdp.xml, notifiers.list_without_attach', async () => {
  await using rig = await startRig({
    printer: 'none',
    conf: '[zeroconf]\nenable_ssdp: True\n[notifier a]\nurl: json://127.0.0.1:1/x\nevents: *\n',
  })
  const { status, headers, body } = await sendRequest(rig.port, '/server/zeroconf/ssdp')
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/xml')
  const same = body.replace(/\n *<(manufacturer|modelDescription)>.*/g, '')
  const parts = partsOf(DESCRIPTION, same)
  assert.ok(parts, body)
  assert.equal(parts.uuid?.replaceAll('-', ''), parts.serial)
  const { json } = await sendRequest(rig.port, '/server/notifiers/list')
  assert.deepEqual(json.result, {
    notifiers: [
      {
        name: 'a',
        url: 'json://127.0.0.1:1/x',
        title: null,
        body: null,
        body_format: null,
        events: ['*'],
        attach: null,
      },
    ],
  })
})

test('status.client_subscribe: a subscription over MQTT replaces the configured one', async () => {
  await using stack = new AsyncDisposableStack()
  const broker = stack.use(await TestBroker.start())
  const klippy = stack.use(await FakeKlippy.start())
  klippy.change('output_pin relay', { value: 0 })
  klippy.change('output_pin caselight', { value: 0.5 })
  klippy.change('gcode_macro PWR_MACRO', { value: 1 })
  const lines = 'status_objects:\n  output_pin relay\n  gcode_macro PWR_MACRO'
  stack.use(await startRig({ klippySocket: klippy.path, conf: mqttSection(broker.port, lines) }))
  const published: string[] = []
  /** Resolves with the next message of the server. */
  const next = async () => {
    const { topic, payload } = await broker.until(() => broker.published[published.length])
    published.push(topic)
    const message = JSON.parse(payload)
    delete message.eventtime
    if (typeof message.result === 'object') delete message.result.eventtime
    return { topic: topic.replace('rig/', ''), message }
  }
  const status = (objects: unknown) => ({ topic: 'klipper/status', message: { status: objects } })
  const reply = (id: number, objects: unknown) => ({
    topic: 'moonraker/api/response',
    message: { jsonrpc: '2.0', result: { status: objects }, id },
  })
  const subscribe = (id: number, objects: unknown) =>
    broker.publish(
      'rig/moonraker/api/request',
      JSON.stringify({ jsonrpc: '2.0', method: 'printer.objects.subscribe', params: { objects }, id }),
    )

  assert.deepEqual(await next(), { topic: 'moonraker/status', message: { server: 'online' } })
  assert.deepEqual(
    await next(),
    status({ 'output_pin relay': { value: 0 }, 'gcode_macro PWR_MACRO': { value: 1 } }),
  )
  klippy.push('gcode_macro PWR_MACRO', { value: 5 })
  assert.deepEqual(await next(), status({ 'gcode_macro PWR_MACRO': { value: 5 } }))
  await subscribe(1, { 'output_pin caselight': ['value'] })
  assert.deepEqual(await next(), reply(1, { 'output_pin caselight': { value: 0.5 } }))
  klippy.pushAll({ 'output_pin caselight': { value: 0.7 }, 'gcode_macro PWR_MACRO': { value: 6 } })
  assert.deepEqual(await next(), status({ 'output_pin caselight': { value: 0.7 } }))
  await subscribe(2, {})
  assert.deepEqual(await next(), reply(2, {}))
})
