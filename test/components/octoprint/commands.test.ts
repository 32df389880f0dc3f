// G-code, and the errors of invalid requests.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../../support/fake-klippy.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { get, post, Scene, startOctoPrint } from './octo-rig.ts'

test('commands run in order; one that fails stops none that follow', async () => {
  await using scene = await Scene.open()
  scene.klippy.answer('gcode/script', ({ script }) => {
    if (script === 'G0 X5') throw new Refusal('Must home axis first')
    return {}
  })
  const reply = await post(scene, '/api/printer/command', { commands: ['G91', 'G0 X5', 'G90'] })
  assert.deepEqual([reply.status, reply.json], [200, {}])
  assert.deepEqual(scene.scripts, ['G91', 'G0 X5', 'G90'])
  const why = "the G-code 'G0 X5' failed: Must home axis first"
  assert.ok(scene.rig.log.some(line => line.includes(why)))
  assert.equal((await post(scene, '/api/printer/command', { command: 'M117 one' })).status, 200)
  assert.equal((await post(scene, '/api/printer/command', { commands: 'M117 two' })).status, 200)
  assert.deepEqual(scene.scripts.slice(3), ['M117 one', 'M117 two'])
})

test('the rest of a list of commands is not sent to a restarted printer', async () => {
  await using scene = await Scene.open()
  scene.klippy.answer('gcode/script', () => Promise.withResolvers().promise)
  const commands = ['G28', ...Array.from({ length: 1000 }, () => 'M104 S250')]
  const reply = post(scene, '/api/printer/command', { commands })
  await scene.klippy.waitFor('gcode/script')
  scene.klippy.drop()
  const { status, json } = await reply
  assert.deepEqual([status, json.error.message], [503, 'Klippy Disconnected'])
  await scene.notified('ready')
  await get(scene, '/printer/info')
  assert.deepEqual(scene.scripts, ['G28'])
  assert.deepEqual(
    scene.rig.log.filter(line => line.includes('M104')),
    [],
  )
})

test('M112 waits for nothing that Klipper does', async () => {
  await using scene = await Scene.open()
  const busy = Promise.withResolvers<object>()
  scene.klippy.answer('gcode/script', () => busy.promise)
  const homing = post(scene, '/api/printer/command', { commands: ['G28'] })
  await scene.klippy.waitFor('gcode/script')
  assert.equal((await post(scene, '/api/printer/command', { commands: ['M112'] })).status, 200)
  assert.equal(scene.klippy.count('emergency_stop'), 1)
  busy.resolve({})
  assert.equal((await homing).status, 200)
})

test('a long command continues after the answer, and its error is logged', async () => {
  const clock = new HandClock()
  await using scene = await Scene.open({ clock })
  const first = Promise.withResolvers<object>()
  scene.klippy.answer('gcode/script', ({ script }) => (script === 'G28' ? first.promise : {}))
  const reply = post(scene, '/api/printer/command', { commands: ['G28', 'M117 homed'] })
  await scene.klippy.waitFor('gcode/script')
  clock.pass(3)
  assert.equal((await reply).status, 200)
  assert.deepEqual(scene.scripts, ['G28'])
  first.resolve({})
  await scene.klippy.waitFor('gcode/script', 2)
  assert.deepEqual(scene.scripts, ['G28', 'M117 homed'])
})

test('without Klipper there are no commands', async () => {
  await using rig = await startOctoPrint('', { printer: 'none' })
  const reply = await post(rig, '/api/printer/command', { commands: ['G28'] })
  const message = 'The printer is not operational: Offline'
  assert.deepEqual([reply.status, reply.json.error], [409, { code: 409, message }])
})

test('wrong types are errors', async () => {
  await using scene = await Scene.open({ files: ['x.gcode'] })
  const cases: [string, unknown, RegExp][] = [
    ['/api/printer/command', {}, /^No data for argument: commands$/],
    ['/api/printer/command', { commands: { a: 1 } }, /argument \[commands\]/],
    ['/api/printer/command', { commands: [{}] }, /argument \[commands\]/],
    ['/api/printer/command', { commands: null }, /argument \[commands\]/],
    ['/api/printer/command', { command: ['G28'] }, /argument \[command\] to string/],
    ['/api/job', {}, /^No data for argument: command$/],
    ['/api/job', { command: 'explode' }, /argument \[command\] to one of start, pause/],
    ['/api/job', { command: ['start'] }, /argument \[command\]/],
    ['/api/job', { command: 'pause', action: 'perhaps' }, /argument \[action\]/],
    ['/api/job', [], /must be a JSON object/],
    ['/api/job', 'start', /must be a JSON object/],
    ['/api/login', { passive: 'perhaps' }, /argument \[passive\] to bool/],
    ['/api/login', { user: {}, pass: 1 }, /argument \[user\] to string/],
    ['/api/connection', { command: 7 }, /argument \[command\]/],
    ['/api/files/local/x.gcode', { command: {} }, /argument \[command\] to string/],
    ['/api/files/local/x.gcode', { command: 'select', print: 'maybe' }, /argument \[print\] to bool/],
    ['/api/files/local/x.gcode', { command: 'slice' }, /^Unsupported Command: slice$/],
  ]
  for (const [path, body, message] of cases) {
    const reply = await post(scene, path, body)
    const what = `${path} ${JSON.stringify(body)}: ${reply.body}`
    assert.equal(reply.status, 400, what)
    assert.match(reply.json.error.message, message, what)
  }
  assert.deepEqual([scene.scripts, scene.commands], [[], []])
})

test('bodies that are broken, too long, or of another form', async () => {
  await using scene = await Scene.open()
  const send = (path: string, body: string, type = 'application/json') =>
    sendRequest(scene.port, path, { verb: 'POST', headers: { 'Content-Type': type }, body })
  const broken = await send('/api/job', '{"command":')
  assert.deepEqual([broken.status, broken.json.error.message], [400, 'The body is not valid JSON'])
  const long = JSON.stringify({ commands: ['G28 '.repeat(300_000)] })
  assert.equal((await send('/api/printer/command', long)).status, 413)
  const form = await send('/api/printer/command', 'command=M117+x', 'application/x-www-form-urlencoded')
  assert.equal(form.status, 200)
  assert.equal(
    (await sendRequest(scene.port, '/api/printer/command?command=M117+y', { verb: 'POST' })).status,
    200,
  )
  assert.deepEqual(scene.scripts, ['M117 x', 'M117 y'])
  assert.equal((await get(scene, '/api/job')).state, 'Operational')
})
