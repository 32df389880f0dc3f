// A query returns the status after every reply that Klippy has given, also while clients follow the queried objects.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { sendRequest } from '../support/raw-http.ts'
import { startRig } from '../support/rig.ts'
import { type Frame, WebClient } from '../support/web-client.ts'

const ROUNDS = 25

const MACRO_CFG = `[mcu]
serial: /dev/virtual
[printer]
kinematics: none
max_velocity: 300
max_accel: 3000
[virtual_sdcard]
path: gcodes
[display_status]
[pause_resume]
[gcode_macro COUNTER]
variable_value: 0
gcode:
`

async function queried(client: WebClient, objects: Record<string, string[] | null>): Promise<Frame> {
  return (await client.call('printer.objects.query', { objects })).result.status
}

test('a macro variable and the message are those of the last command, on every connection', async () => {
  await using rig = await startRig({ printerCfg: MACRO_CFG })
  using follower = await WebClient.open(rig.url)
  using client = await WebClient.open(rig.url)
  const objects = { 'gcode_macro COUNTER': null, display_status: null }
  await follower.call('printer.objects.subscribe', { objects })
  const run = (script: string) => client.call('printer.gcode.script', { script })
  for (let round = 1; round <= ROUNDS; round += 1) {
    await run(`SET_GCODE_VARIABLE MACRO=COUNTER VARIABLE=value VALUE=${round}`)
    assert.equal((await queried(client, objects))['gcode_macro COUNTER'].value, round)
    await run(`M117 round ${round}`)
    const { json } = await sendRequest(rig.port, '/printer/objects/query?display_status=message')
    assert.equal(json.result.status.display_status.message, `round ${round}`)
    await run(`M117 again ${round}`)
    const { result } = await follower.call('printer.objects.subscribe', { objects })
    assert.equal(result.status.display_status.message, `again ${round}`)
  }
})

test('after the reply to a start, the print is in progress', async () => {
  await using rig = await startRig({ printerCfg: MACRO_CFG })
  writeFileSync(join(rig.paths.gcodes, 'wait.gcode'), 'G4 P100\n'.repeat(10_000))
  using client = await WebClient.open(rig.url)
  const objects = { print_stats: null }
  await client.call('printer.objects.subscribe', { objects })
  for (let round = 0; round < ROUNDS; round += 1) {
    assert.equal((await client.call('printer.print.start', { filename: 'wait.gcode' })).result, 'ok')
    assert.equal((await queried(client, objects)).print_stats.state, 'printing')
    assert.equal((await client.call('printer.print.cancel')).result, 'ok')
    assert.equal((await queried(client, objects)).print_stats.state, 'cancelled')
  }
})

/** A server with a client that follows `toolhead`, and what has happened until then. */
async function scene() {
  const klippy = await FakeKlippy.start()
  const rig = await startRig({ klippySocket: klippy.path, ready: true })
  const client = await WebClient.open(rig.url)
  const objects = { toolhead: ['homed_axes'] }
  await client.call('printer.objects.subscribe', { objects })
  return {
    klippy,
    rig,
    client,
    homedAxes: async () => (await queried(client, objects)).toolhead.homed_axes,
    queries: () => klippy.count('objects/query'),
    async [Symbol.asyncDispose]() {
      client.ws.terminate()
      await rig[Symbol.asyncDispose]()
      await klippy[Symbol.asyncDispose]()
    },
  }
}

test('without a command in between, every query is answered from the mirror', async () => {
  await using at = await scene()
  const before = at.queries()
  for (let round = 0; round < ROUNDS; round += 1) await at.homedAxes()
  for (const method of ['printer.info', 'printer.objects.list', 'printer.gcode.help'])
    await at.client.call(method)
  await at.homedAxes()
  assert.equal(at.queries(), before)
})

test('one query to Klippy, or one push, makes the mirror current again', async () => {
  await using at = await scene()
  const before = at.queries()
  const run = () => at.client.call('printer.gcode.script', { script: 'G28' })
  await run()
  at.klippy.change('toolhead', { homed_axes: 'x' })
  for (let round = 0; round < 3; round += 1) assert.equal(await at.homedAxes(), 'x')
  assert.equal(at.queries(), before + 1)
  await run()
  at.klippy.push('toolhead', { homed_axes: 'xy' })
  await at.client.notified('notify_status_update')
  assert.equal(await at.homedAxes(), 'xy')
  assert.equal(at.queries(), before + 1)
})

test('a command that fails may have changed something too', async () => {
  await using at = await scene()
  at.klippy.answer('gcode/script', () => {
    at.klippy.change('toolhead', { homed_axes: 'z' })
    throw new Error('Move out of range')
  })
  assert.equal((await at.client.call('printer.gcode.script', { script: 'G28\nG1 X999' })).error.code, 400)
  assert.equal(await at.homedAxes(), 'z')
})

test('a console line or a call of Klippy may follow a change', async () => {
  await using at = await scene()
  at.klippy.change('toolhead', { homed_axes: 'x' })
  at.klippy.print('homed')
  await at.client.notified('notify_gcode_response')
  assert.equal(await at.homedAxes(), 'x')
})

test('queries share a request in flight, unless Klippy has replied to a command since', async () => {
  await using at = await scene()
  const before = at.queries()
  const held: PromiseWithResolvers<void>[] = []
  const reply = () => ({ eventtime: at.klippy.eventtime, status: { toolhead: at.klippy.status.toolhead } })
  at.klippy.answer('objects/query', async () => {
    const gate = Promise.withResolvers<void>()
    held.push(gate)
    const now = reply()
    await gate.promise
    return now
  })
  await at.client.call('printer.gcode.script', { script: 'G28 X' })
  const first = [at.homedAxes(), at.homedAxes()]
  await at.klippy.waitFor('objects/query', before + 1)
  first.push(at.homedAxes())
  await at.client.call('server.info')
  assert.equal(at.queries(), before + 1)
  at.klippy.change('toolhead', { homed_axes: 'x' })
  await at.client.call('printer.gcode.script', { script: 'G28 X' })
  const second = at.homedAxes()
  await at.klippy.waitFor('objects/query', before + 2)
  for (const gate of held) gate.resolve()
  assert.deepEqual(await Promise.all(first), ['', '', ''])
  assert.equal(await second, 'x')
})

test('a command through the bridge outdates the mirror, whatever Klippy pushes meanwhile', async () => {
  await using at = await scene()
  using bridge = await WebClient.open(`${at.rig.url}/klippysocket`)
  await at.klippy.waitForConnection(2)
  const before = at.queries()
  bridge.send('{"id":7,"method":"gcode/script","params":{"script":"G28"}}')
  await bridge.find(({ id }) => id === 7)
  // On another connection a push may arrive after the reply although Klippy sent it before.
  at.klippy.push('extruder', { temperature: 30 })
  at.klippy.change('toolhead', { homed_axes: 'xyz' })
  assert.equal(await at.homedAxes(), 'xyz')
  assert.equal(await at.homedAxes(), 'xyz')
  assert.equal(at.queries(), before + 1)
})
