// Power devices and Klippy: locks during a print, shutdown, restart, macros, and the job queue.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeKlippy, Refusal } from '../../support/fake-klippy.ts'
import type { HttpDouble } from './http-double.ts'
import { tasmotaDouble } from './http-double.ts'
import { initialised, type Scene, startScene } from './scene.ts'

const section = ({ address }: HttpDouble, options: string) =>
  `[power plug]\ntype: tasmota\naddress: ${address}\n${options}\n`

/** A plug with these options, at a server with Klippy in this state. */
async function start(options: string, state = 'ready') {
  const stack = new AsyncDisposableStack()
  const klippy = stack.use(await FakeKlippy.start(state))
  const plug = stack.use(await tasmotaDouble())
  const scene = stack.use(
    await startScene(section(plug, options), { klippySocket: klippy.path, ready: state === 'ready' }),
  )
  await initialised(scene)
  return { klippy, plug, scene, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Sends `set_device_power` of a macro; its effect has ended when the device's next reply is there. */
async function callRemote(klippy: FakeKlippy, scene: Scene, params: object): Promise<string> {
  klippy.call('set_device_power', params)
  await klippy.waitFor('register_remote_method')
  return (await scene.act('plug', 'status')).result.plug
}

test('locked_while_printing refuses a change while a print runs, but not the present state or a pause', async () => {
  await using at = await start('locked_while_printing: True')
  const { klippy, scene } = at
  klippy.push('print_stats', { state: 'printing' })
  const frames = scene.client.frames.length
  assert.deepEqual((await scene.act('plug', 'on')).error, {
    code: 400,
    message: 'Unable to change power for plug while printing',
  })
  // A client's switch may have moved with the request.
  await scene.notified('plug', 'off', frames)
  assert.deepEqual((await scene.act('plug', 'off')).result, { plug: 'off' })
  klippy.push('print_stats', { state: 'paused' })
  assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
})

test('a macro switches a device, with force also a locked one', async () => {
  await using at = await start('locked_while_printing: True')
  const { klippy, scene } = at
  await klippy.waitFor('register_remote_method')
  klippy.push('print_stats', { state: 'printing' })
  klippy.call('set_device_power', { device: 'plug', state: 'on' })
  klippy.call('set_device_power', { device: 'plug', state: 'ON', force: true })
  await scene.notified('plug', 'on')
  assert.ok(scene.rig.log.some(line => line.includes('Unable to change power for plug while printing')))
  assert.equal(await callRemote(klippy, scene, { device: 'plug', state: false, force: true }), 'off')
  for (const params of [
    { device: 'plug', state: 'bogus' },
    { device: 'other', state: 'on' },
  ]) {
    assert.equal(await callRemote(klippy, scene, params), 'off')
  }
  const log = scene.rig.log.join('\n')
  assert.match(log, /set_device_power: invalid state: "bogus"/)
  assert.match(log, /No valid device named other/)
})

test('off_when_shutdown switches off after the delay, if Klippy is still shut down', async () => {
  await using at = await start('off_when_shutdown: True\noff_when_shutdown_delay: 1\ninitial_state: on')
  const { klippy, scene } = at
  klippy.setState('shutdown')
  await scene.client.notified('notify_klippy_shutdown')
  klippy.setState('ready')
  await scene.client.notified('notify_klippy_ready')
  klippy.setState('shutdown')
  await scene.notified('plug', 'off')
  const offs = scene.client.frames.filter(
    ({ method, params }) => method === 'notify_power_changed' && params[0].status === 'off',
  )
  assert.equal(offs.length, 1)
})

for (const state of ['shutdown', 'error']) {
  test(`restart_klipper_when_powered restarts a Klippy in the state ${state}`, async () => {
    await using at = await start('restart_klipper_when_powered: True', state)
    const { klippy, scene } = at
    assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
    await klippy.waitFor('gcode/firmware_restart')
  })
}

test('restart_klipper_when_powered waits for the state of a Klippy that starts', async () => {
  await using at = await start('restart_klipper_when_powered: True', 'startup')
  const { klippy, scene } = at
  assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
  klippy.change('webhooks', { state: 'error', state_message: 'no controller' })
  await klippy.waitFor('gcode/firmware_restart')
})

test('a queued job switches the device on, and starts when Klippy is ready', async () => {
  await using klippy = await FakeKlippy.start('error')
  await using plug = await tasmotaDouble()
  await using scene = await startScene(
    `${section(plug, 'on_when_job_queued: True')}[job_queue]\nload_on_startup: True\n`,
    { klippySocket: klippy.path, ready: false },
  )
  await initialised(scene)
  writeFileSync(join(scene.rig.paths.gcodes, 'part.gcode'), 'G28\n')
  const { error } = await scene.client.call('server.job_queue.post_job', { filenames: ['part.gcode'] })
  assert.equal(error, undefined)
  await scene.notified('plug', 'on')
  klippy.setState('ready')
  assert.deepEqual(await klippy.waitFor('gcode/script'), {
    script: 'SDCARD_PRINT_FILE FILENAME="part.gcode"',
  })
})

test('an upload to a printer without power switches it on, and is printed when Klippy is ready', async () => {
  await using klippy = await FakeKlippy.start('error')
  await using plug = await tasmotaDouble()
  const options = '[file_manager]\nqueue_gcode_uploads: True\n[job_queue]\nload_on_startup: True\n'
  await using scene = await startScene(section(plug, 'on_when_job_queued: True') + options, {
    klippySocket: klippy.path,
    ready: false,
  })
  await initialised(scene)
  klippy.answer('gcode/script', () => {
    throw new Refusal('Printer is not ready')
  })
  const body = new FormData()
  body.set('file', new Blob(['G28\n']), 'part.gcode')
  body.set('print', 'true')
  const reply = await fetch(`${scene.rig.url}/server/files/upload`, { method: 'POST', body })
  assert.equal(((await reply.json()) as { print_queued: boolean }).print_queued, true)
  await scene.notified('plug', 'on')
  klippy.answer('gcode/script', () => ({}))
  klippy.setState('ready')
  assert.deepEqual(await klippy.waitFor('gcode/script', 2), {
    script: 'SDCARD_PRINT_FILE FILENAME="part.gcode"',
  })
})

test('bound services start and stop with the device; one that cannot is logged', async () => {
  await using at = await start('bound_services: KlipperScreen.service, KlipperScreen, crowsnest')
  const { scene } = at
  assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
  const lines = scene.rig.log.filter(line => line.includes('cannot start the bound service'))
  assert.deepEqual(
    lines.map(line => /service (\w+):/.exec(line)?.[1]),
    ['KlipperScreen', 'crowsnest'],
  )
})

test('changes at the device leave bound services alone, unless restrict_action_processing is False', async () => {
  for (const [restrict, count] of [
    ['True', 0],
    ['False', 1],
  ] as const) {
    await using at = await start(`bound_services: crowsnest\nrestrict_action_processing: ${restrict}`)
    at.plug.state = 'ON'
    assert.deepEqual((await at.scene.act('plug', 'status')).result, { plug: 'on' })
    const lines = at.scene.rig.log.filter(line => line.includes('cannot start the bound service crowsnest'))
    assert.equal(lines.length, count)
  }
})
