// The printer as OctoPrint shows it: temperatures, states, the profile, the connection.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import { get, post, Scene, startOctoPrint } from './octo-rig.ts'

const IDLE_FLAGS = {
  operational: true,
  paused: false,
  printing: false,
  cancelling: false,
  pausing: false,
  resuming: false,
  error: false,
  ready: true,
  closedOrError: false,
  sdReady: false,
}

/** The state's text and the flags that are set. */
async function stateOf(scene: Scene): Promise<string[]> {
  const { text, flags } = (await get(scene, '/api/printer')).state
  assert.equal((await get(scene, '/api/connection')).current.state, text)
  assert.equal((await get(scene, '/api/job')).state, text)
  return [text, ...Object.keys(flags).filter(name => flags[name])]
}

test('temperatures and state are those of the printer', async () => {
  await using scene = await Scene.open()
  assert.deepEqual(await get(scene, '/api/printer'), {
    temperature: {
      bed: { actual: 22.35, offset: 0, target: 0 },
      tool0: { actual: 21.5, offset: 0, target: 0 },
    },
    state: { text: 'Operational', flags: IDLE_FLAGS },
  })
  await scene.push('extruder', { temperature: 199.994, target: 205 })
  const { temperature } = await get(scene, '/api/printer')
  assert.deepEqual(temperature.tool0, { actual: 199.99, offset: 0, target: 205 })
})

test('the virtual printer heats, and is seen to', async () => {
  await using rig = await startOctoPrint('', { speed: 100 })
  const reply = await post(rig, '/api/printer/command', { commands: ['M104 S205', 'M190 S40'] })
  assert.deepEqual([reply.status, reply.json], [200, {}])
  const { temperature } = await get(rig, '/api/printer')
  assert.deepEqual([temperature.tool0.target, temperature.bed.target], [205, 40])
  // A busy machine is answered before the bed is as warm as it should be.
  assert.ok(temperature.bed.actual > 25, String(temperature.bed.actual))
})

test('parts can be left out, and the last minutes added', async () => {
  await using scene = await Scene.open()
  assert.deepEqual(Object.keys(await get(scene, '/api/printer?exclude=temperature,sd')), ['state'])
  assert.deepEqual(Object.keys(await get(scene, '/api/printer?exclude=state')), ['temperature'])
  const { temperature } = await get(scene, '/api/printer?history=true&limit=1')
  const [{ time, ...point }, ...more] = temperature.history
  assert.deepEqual(point, { tool0: { actual: 21.5, target: 0 } })
  assert.ok(Number.isInteger(time))
  assert.deepEqual(more, [])
  for (const query of ['limit=many', 'limit=-1', 'history=maybe']) {
    assert.equal((await sendRequest(scene.port, `/api/printer?${query}`)).status, 400, query)
  }
})

test('several tools and a heated chamber; other heaters are none of its business', async () => {
  const heater = { temperature: 30, target: 0 }
  const names = ['extruder', 'extruder1', 'heater_generic chamber', 'heater_generic dryer']
  await using scene = await Scene.open({
    status: {
      ...Object.fromEntries(names.map(name => [name, heater])),
      heaters: { available_heaters: names },
    },
  })
  const { temperature } = await get(scene, '/api/printer')
  assert.deepEqual(Object.keys(temperature), ['tool0', 'tool1', 'chamber'])
  const profile = (await get(scene, '/api/printerprofiles')).profiles._default
  assert.deepEqual([profile.heatedBed, profile.heatedChamber], [false, true])
})

test('a temperature that Klipper does not know is left out', async () => {
  await using scene = await Scene.open({ status: { extruder: { temperature: null } } })
  assert.deepEqual(Object.keys((await get(scene, '/api/printer')).temperature), ['bed'])
})

test('the profile is as it was recorded from the original', async () => {
  await using scene = await Scene.open()
  const axis = { speed: 6000, inverted: false }
  assert.deepEqual(await get(scene, '/api/printerprofiles'), {
    profiles: {
      _default: {
        id: '_default',
        name: 'Default',
        color: 'default',
        model: 'Default',
        default: true,
        current: true,
        heatedBed: true,
        heatedChamber: false,
        axes: { x: axis, y: axis, z: axis, e: { speed: 300, inverted: false } },
      },
    },
  })
})

test('states go with the print', async () => {
  await using scene = await Scene.open()
  await scene.printing('part.gcode')
  assert.deepEqual(await stateOf(scene), ['Printing', 'operational', 'printing'])
  await scene.push('print_stats', { state: 'paused' })
  assert.deepEqual(await stateOf(scene), ['Paused', 'operational', 'paused'])
  // After a failed or cancelled print the next one can be sent: with the state Error Cura sends none.
  for (const state of ['cancelled', 'error', 'complete', 'standby']) {
    await scene.push('print_stats', { state })
    assert.deepEqual(await stateOf(scene), ['Operational', 'operational', 'ready'], state)
  }
})

test('states go with Klipper', async () => {
  await using scene = await Scene.open()
  scene.klippy.setState('shutdown')
  await scene.notified('shutdown')
  assert.deepEqual(await stateOf(scene), ['Error', 'error', 'closedOrError'])
  assert.deepEqual(Object.keys((await get(scene, '/api/printer')).temperature), ['bed', 'tool0'])
  assert.equal((await get(scene, '/api/server')).safemode, 'settings')
  scene.klippy.status.webhooks = { state: 'error', state_message: 'bad config' }
  scene.klippy.drop()
  await scene.notified('disconnected')
  await scene.klippy.waitForConnection(2)
  assert.deepEqual((await get(scene, '/api/printer')).temperature, {})
  scene.klippy.status.webhooks = { state: 'ready', state_message: 'Printer is ready' }
  scene.klippy.drop()
  await scene.notified('ready')
  assert.deepEqual(await stateOf(scene), ['Operational', 'operational', 'ready'])
  assert.equal((await get(scene, '/api/printer')).temperature.bed.actual, 22.35)
  assert.equal((await get(scene, '/api/server')).safemode, null)
})

test('without a printer nothing is made up', async () => {
  await using rig = await startOctoPrint('', { printer: 'none' })
  const { temperature, state } = await get(rig, '/api/printer?history=true')
  assert.deepEqual(temperature, { history: [] })
  assert.deepEqual([state.text, state.flags.closedOrError, state.flags.error], ['Offline', true, false])
  const { current, options } = await get(rig, '/api/connection')
  assert.deepEqual(current, { state: 'Offline', port: null, baudrate: null, printerProfile: '_default' })
  assert.deepEqual(options.printerProfiles, [{ id: '_default', name: 'Default' }])
  assert.equal((await get(rig, '/api/printerprofiles')).profiles._default.heatedBed, false)
  const connect = await post(rig, '/api/connection', { command: 'connect' })
  assert.deepEqual([connect.status, connect.body], [204, ''])
  assert.equal((await post(rig, '/api/connection', { command: 'disconnect' })).status, 400)
})
