// Requests of API clients, and the replies of Klipper.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MACHINE, startPrinter } from '../printer-rig.ts'

test('info identifies the printer', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  const info = await client.call('info', { client_info: { program: 'test', version: '1' } })
  assert.equal(info.state, 'ready')
  assert.equal(info.state_message, 'Printer is ready')
  assert.match(String(info.software_version), /^v0\.1[1-9]\.\d+-\d+-g\w+$/)
  assert.equal(info.config_file, rig.path('printer.cfg'))
  assert.equal(info.log_file, rig.path('klippy.log'))
  assert.equal(info.process_id, process.pid)
})

test('errors have the form and the words of Klipper', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  const cases: [string, Record<string, unknown>, string][] = [
    ['nosuch', {}, "webhooks: No registered callback for path 'nosuch'"],
    ['objects/query', {}, 'Missing Argument [objects]'],
    ['objects/query', { objects: ['toolhead'] }, 'Invalid Argument Type [objects]'],
    ['objects/query', { objects: { toolhead: 'position' } }, 'Invalid argument'],
    ['gcode/script', {}, 'Missing Argument [script]'],
    ['gcode/script', { script: 5 }, 'Invalid Argument Type [script]'],
    ['motion_report/dump_stepper', {}, 'Missing Argument [name]'],
    ['gcode/script', { script: 'G1 X5' }, 'Must home axis first: 5.000 0.000 0.000 [0.000]'],
    [
      'gcode/script',
      { script: 'G91\nG1 E5 F300' },
      "Extrude below minimum temp\nSee the 'min_extrude_temp' config option for details",
    ],
    ['gcode/script', { script: 'SDCARD_PRINT_FILE FILENAME="none.gcode"' }, 'Unable to open file'],
    [
      'gcode/script',
      { script: 'SET_HEATER_TEMPERATURE HEATER=nosuch TARGET=1' },
      "The value 'nosuch' is not valid for HEATER. Options: 'heater_bed', 'extruder'",
    ],
  ]
  for (const [index, [method, params, message]] of cases.entries()) {
    const reply = await client.raw({ id: 100 + index, method, params })
    assert.deepEqual(reply, { id: 100 + index, error: { error: 'WebRequestError', message } })
  }
})

test('an invalid message is ignored, and the connection stays open', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  client.write('zzz\x03[1]\x03')
  assert.equal((await client.call('info')).state, 'ready')
})

test('endpoints are listed; dump_trapq only once the printer is ready', async () => {
  await using rig = await startPrinter({ ready: false, speed: 0.001 })
  const client = await rig.connect()
  const { endpoints } = (await client.call('list_endpoints')) as { endpoints: string[] }
  assert.ok(endpoints.includes('motion_report/dump_stepper'))
  assert.ok(!endpoints.includes('motion_report/dump_trapq'))
  await using ready = await startPrinter()
  const other = await ready.connect()
  const { endpoints: later } = (await other.call('list_endpoints')) as { endpoints: string[] }
  assert.ok(later.includes('motion_report/dump_trapq'))
})

test('G-code output goes to every subscribed connection, errors in full before their first line', async () => {
  await using rig = await startPrinter()
  const [one, two, deaf] = [await rig.connect(), await rig.connect(), await rig.connect()]
  await one.subscribeOutput()
  await two.subscribeOutput()
  await deaf.script('M118 hällo ☃\nNOSUCHCMD')
  await assert.rejects(deaf.script('G91\nG1 E5'))
  const expected = [
    'echo: hällo ☃',
    '// Unknown command:"NOSUCHCMD"',
    "// Extrude below minimum temp\n// See the 'min_extrude_temp' config option for details",
    '!! Extrude below minimum temp',
  ]
  await one.until(() => one.output.length === 4)
  await two.until(() => two.output.length === 4)
  assert.deepEqual(one.output, expected)
  assert.deepEqual(two.output, expected)
  assert.deepEqual(deaf.output, [])
})

test('remote methods are called with the template of their registration', async () => {
  const config = '[gcode_macro CALL]\ngcode:\n  {action_call_remote_method("notify_test", value="hello")}\n'
  await using rig = await startPrinter({ config: MACHINE + config })
  const client = await rig.connect()
  await client.call('register_remote_method', {
    remote_method: 'notify_test',
    response_template: { method: 'notify_test' },
  })
  await client.script('CALL')
  assert.deepEqual(client.messages, [{ params: { value: 'hello' }, method: 'notify_test' }])
})

test('planned motion is streamed to clients that request it', async () => {
  await using rig = await startPrinter({ speed: 20 })
  const client = await rig.connect()
  const answer = await client.call('motion_report/dump_trapq', {
    name: 'toolhead',
    response_template: { method: 'trapq' },
  })
  assert.ok(Array.isArray(answer.header))
  await client.script('SET_KINEMATIC_POSITION X=10 Y=10 Z=10\nG1 X100 F6000')
  const message = await client.until(() => client.messages.find(each => each.method === 'trapq'))
  const [row] = (message.params as { data: unknown[][] }).data
  assert.equal(row!.length, 6)
  assert.deepEqual(row![5], [1, 0, 0])
})

test('the bed mesh and the end stops can be queried', async () => {
  await using rig = await startPrinter({
    config: `${MACHINE}[bed_mesh]\nmesh_min: 15,15\nmesh_max: 220,220\nprobe_count: 3,3\n`,
  })
  const client = await rig.connect()
  const stops = await client.call('query_endstops/status')
  assert.deepEqual(stops, { stepper_x: 'open', stepper_y: 'open', stepper_z: 'open' })
  const dump = (await client.call('bed_mesh/dump_mesh')) as {
    calibration: { points: unknown[] }
    current_mesh: unknown
  }
  assert.equal(dump.calibration.points.length, 9)
  assert.deepEqual(dump.current_mesh, {})
})
