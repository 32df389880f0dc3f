import assert from 'node:assert/strict'
import { test } from 'node:test'
import { moonrakerVersion } from '../../src/core/version.ts'
import { FakeKlippy, Refusal } from '../support/fake-klippy.ts'
import { HandClock } from '../support/hand-clock.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

const HANDSHAKE = ['info', 'list_endpoints', 'objects/subscribe', 'gcode/subscribe_output', 'list_endpoints']

async function serverInfo(client: WebClient) {
  return (await client.call('server.info')).result
}

test('the handshake names the client, and subscribes to state and console', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  const handshake = klippy.requests.slice(0, 5)
  assert.deepEqual(handshake.map(({ method }) => method).sort(), HANDSHAKE.toSorted())
  const { client_info } = await klippy.waitFor('info')
  assert.deepEqual(client_info, { program: 'Moonraker', version: moonrakerVersion() })
  using client = await WebClient.open(rig.url)
  const info = await serverInfo(client)
  assert.equal(info.klippy_connected, true)
  assert.equal(info.klippy_state, 'ready')
  assert.deepEqual(info.missing_klippy_requirements, [])
})

test('server.info lists the required objects that a printer lacks', async () => {
  await using klippy = await FakeKlippy.start()
  delete klippy.status.pause_resume
  delete klippy.status.display_status
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  assert.deepEqual((await serverInfo(client)).missing_klippy_requirements, ['display_status', 'pause_resume'])
})

test('without Klippy server.info shows it, and every request to it ends with 503', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const info = await serverInfo(client)
  assert.equal(info.klippy_connected, false)
  assert.equal(info.klippy_state, 'disconnected')
  const calls: [string, unknown?][] = [
    ['printer.info'],
    ['printer.objects.list'],
    ['printer.objects.query', { objects: { toolhead: null } }],
    ['printer.objects.subscribe', { objects: { toolhead: null } }],
    ['printer.gcode.script', { script: 'G28' }],
    ['printer.gcode.help'],
    ['printer.query_endstops.status'],
    ['printer.print.start', { filename: 'a.gcode' }],
    ['printer.print.pause'],
    ['printer.emergency_stop'],
    ['printer.restart'],
    ['printer.firmware_restart'],
  ]
  for (const [method, params] of calls) {
    const { error } = await client.call(method, params)
    assert.deepEqual(error, { code: 503, message: 'Klippy Host not connected' }, method)
  }
})

test('while Klippy starts, the session polls until it is ready', async () => {
  await using klippy = await FakeKlippy.start('startup')
  const clock = new HandClock()
  await using rig = await startRig({ klippySocket: klippy.path, clock })
  using client = await WebClient.open(rig.url)
  await klippy.waitFor('info')
  await clock.waitFor(0.25)
  assert.equal((await serverInfo(client)).klippy_state, 'startup')
  clock.pass(0.25)
  await klippy.waitFor('info', 2)
  await clock.waitFor(0.25)
  klippy.status.webhooks = { state: 'ready', state_message: 'Printer is ready' }
  clock.pass(0.25)
  const notification = await client.notified('notify_klippy_ready')
  assert.deepEqual(notification, { jsonrpc: '2.0', method: 'notify_klippy_ready' })
  assert.equal((await serverInfo(client)).klippy_state, 'ready')
})

test('a Klippy with a bad configuration is in the error state, without notify_klippy_ready', async () => {
  await using klippy = await FakeKlippy.start('error')
  await using rig = await startRig({ klippySocket: klippy.path })
  using client = await WebClient.open(rig.url)
  await klippy.waitFor('objects/list')
  const { result } = await client.call('printer.info')
  assert.equal(result.state, 'error')
  assert.equal(result.state_message, 'Klippy is error')
  assert.equal((await serverInfo(client)).klippy_state, 'error')
  assert.ok(!client.frames.some(({ method }) => method === 'notify_klippy_ready'))
})

test('clients are notified of a shutdown once, and Klippy still answers', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  klippy.setState('shutdown')
  const notification = await client.notified('notify_klippy_shutdown')
  assert.deepEqual(notification, { jsonrpc: '2.0', method: 'notify_klippy_shutdown' })
  klippy.push('webhooks', { state_message: 'Klippy is still shut down' })
  assert.equal((await serverInfo(client)).klippy_state, 'shutdown')
  assert.equal((await client.call('printer.info')).result.state_message, 'Klippy is still shut down')
  const times = client.frames.filter(({ method }) => method === 'notify_klippy_shutdown').length
  assert.equal(times, 1)
})

test('a shutdown is announced after the status with its reason', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  await client.call('printer.objects.subscribe', { objects: { webhooks: null, print_stats: null } })
  klippy.setState('shutdown')
  await client.notified('notify_klippy_shutdown')
  const [status, shutdown] = client.frames.slice(-2)
  assert.deepEqual(status.params[0].webhooks, { state: 'shutdown', state_message: 'Klippy is shutdown' })
  assert.equal(shutdown.method, 'notify_klippy_shutdown')
})

test('values of a wrong type are ignored, and the rest of a message is used', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.endpoints = [5, null, {}, ['a'], ...klippy.endpoints] as never
  klippy.answer('objects/list', () => ({
    objects: [7, 'virtual_sdcard', null, 'pause_resume', 'display_status'],
  }))
  klippy.answer('info', () => ({
    state: 'ready',
    log_file: 5,
    klipper_path: ['x'],
    config_file: null,
    process_id: 'x',
  }))
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  assert.deepEqual((await serverInfo(client)).missing_klippy_requirements, [])
  assert.equal((await client.call('printer.bed_mesh.dump_mesh')).result, 'ok')
  await client.call('printer.objects.subscribe', { objects: { toolhead: ['homed_axes'], print_stats: null } })
  const status = { toolhead: null, print_stats: 5, extruder: 'hot', heaters: [1], webhooks: { state: 7 } }
  klippy.call('process_status_update', { eventtime: 'x', status })
  klippy.push('toolhead', { homed_axes: 'x' })
  assert.deepEqual((await client.notified('notify_status_update')).params[0], {
    toolhead: { homed_axes: 'x' },
  })
  assert.equal((await serverInfo(client)).klippy_state, 'ready')
  klippy.answer('objects/query', () => ({ status: { toolhead: 7, extruder: { temperature: 30 } } }))
  const objects = { toolhead: null, extruder: ['temperature'] }
  const queried = (await client.call('printer.objects.query', { objects })).result.status
  assert.deepEqual(queried, { toolhead: {}, extruder: { temperature: 30 } })
  assert.doesNotMatch(rig.log.join('\n'), / ERROR /)
})

test('a restart of Klippy notifies clients in the expected order', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  await client.call('server.info')
  klippy.drop()
  const notification = await client.notified('notify_klippy_disconnected')
  assert.deepEqual(notification, { jsonrpc: '2.0', method: 'notify_klippy_disconnected' })
  await client.notified('notify_klippy_ready')
  assert.equal((await serverInfo(client)).klippy_state, 'ready')
  const names = client.frames.map(({ method }) => method).filter(name => name?.startsWith('notify_klippy'))
  assert.deepEqual(names, ['notify_klippy_disconnected', 'notify_klippy_ready'])
})

test('calls in flight end with 503 when Klippy disconnects', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.answer('gcode/script', () => new Promise(() => {}))
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  const call = client.call('printer.gcode.script', { script: 'G4 P600000' })
  await klippy.waitFor('gcode/script')
  klippy.drop()
  assert.deepEqual((await call).error, { code: 503, message: 'Klippy Disconnected' })
})

test("Klippy's errors are 400 with its own text", async () => {
  await using klippy = await FakeKlippy.start()
  klippy.answer('gcode/script', () => {
    throw new Refusal('Must home axis first')
  })
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  const { error } = await client.call('printer.gcode.script', { script: 'G1 X1' })
  assert.deepEqual(error, { code: 400, message: 'Must home axis first' })
})

test('empty results become "ok"', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  for (const empty of [{}, [], null, '', 0, false]) {
    klippy.answer('bed_mesh/dump_mesh', () => empty)
    const { result } = await client.call('printer.bed_mesh.dump_mesh')
    assert.equal(result, 'ok', JSON.stringify(empty))
  }
  for (const full of [{ a: 0 }, [0], 'x', 1, true]) {
    klippy.answer('bed_mesh/dump_mesh', () => full)
    assert.deepEqual((await client.call('printer.bed_mesh.dump_mesh')).result, full)
  }
})

test('arguments that are too long are refused before Klippy receives them', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  const before = klippy.requests.length
  const long = 'x'.repeat(2 ** 20)
  for (const [method, params] of [
    ['printer.gcode.script', { script: long }],
    ['printer.gcode.script', { script: [long] }],
    ['printer.bed_mesh.dump_mesh', { mesh_args: { long } }],
    ['printer.query_endstops.status', { long }],
    ['printer.print.start', { filename: long }],
  ] as const) {
    const { error } = await client.call(method, params)
    assert.equal(error.code, 413, method)
    assert.match(error.message, /too long: a request has at most 1048576 characters/)
  }
  assert.equal(klippy.requests.length, before)
})

test('a client cannot change the name that the server has in Klippy', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  await client.call('printer.info', { client_info: { program: 'other' } })
  assert.deepEqual(klippy.requests.at(-1), { method: 'info', params: {} })
})

test("Klippy's own endpoints are served as long as Klippy lists them", async () => {
  await using klippy = await FakeKlippy.start()
  klippy.endpoints = [...klippy.endpoints, 'motion_report/dump_stepper']
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  await client.call('printer.motion_report.dump_stepper', { name: 'stepper_x' })
  assert.deepEqual(await klippy.waitFor('motion_report/dump_stepper'), { name: 'stepper_x' })
  const url = `${rig.url}/printer/motion_report/dump_stepper?name=stepper_y`
  assert.deepEqual(await (await fetch(url)).json(), { result: 'ok' })
  assert.equal((await fetch(url, { method: 'POST' })).status, 200)
  klippy.endpoints = klippy.endpoints.slice(0, -1)
  klippy.drop()
  await client.notified('notify_klippy_ready')
  assert.equal((await client.call('printer.motion_report.dump_stepper')).error.code, -32601)
  assert.equal((await fetch(url)).status, 404)
})

test("endpoints that would redirect the server's own messages are not served", async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  for (const method of ['list_endpoints', 'register_remote_method', 'gcode.subscribe_output']) {
    const { error } = await client.call(`printer.${method}`)
    assert.deepEqual(error, { code: -32601, message: 'Method not found' }, method)
  }
})

test('the console goes to every client', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using one = await WebClient.open(rig.url)
  using other = await WebClient.open(rig.url)
  klippy.print('echo: ☃ ünï')
  for (const client of [one, other]) {
    assert.deepEqual((await client.notified('notify_gcode_response')).params, ['echo: ☃ ünï'])
  }
})

test('a handshake that fails is retried', async () => {
  await using klippy = await FakeKlippy.start()
  let refusals = 1
  klippy.answer('gcode/subscribe_output', () => {
    if (refusals-- > 0) throw new Refusal('not now')
    return {}
  })
  const clock = new HandClock()
  await using rig = await startRig({ klippySocket: klippy.path, clock })
  using client = await WebClient.open(rig.url)
  await clock.waitFor(2)
  assert.equal((await serverInfo(client)).klippy_state, 'startup')
  clock.pass(2)
  await client.notified('notify_klippy_ready')
  assert.equal((await serverInfo(client)).klippy_state, 'ready')
})

test('calls of an unknown method, or with invalid parameters, are ignored', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  klippy.call('unknown', { a: 1 })
  klippy.call('process_status_update', {})
  klippy.call('process_status_update', { status: 5, eventtime: 'x' })
  klippy.call('process_gcode_response', { response: 5 })
  klippy.print('after')
  await client.notified('notify_gcode_response')
  assert.match(
    rig.log.join('\n'),
    /remote method unknown: Klippy calls it, but no component has registered it/,
  )
})
