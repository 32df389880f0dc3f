// The macro file in the virtual printer: whole prints, with the head parked, on a timer, and without an answer.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { component } from '../../../src/component/component.ts'
import { MACRO_TEXT } from '../../../src/components/timelapse/macro-text.ts'
import { defaultPrinterCfg } from '../../../src/virtual-printer/index.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { StubFfmpeg } from './stub-ffmpeg.ts'
import { TestCamera } from './test-camera.ts'
import { jpeg } from './test-jpeg.ts'

/** A server with a virtual printer whose printer.cfg includes the macro file. */
async function scene({ speed = 30 } = {}) {
  const pauses: string[] = []
  /** Notes the pauses that other components see. */
  const observer = component({
    section: 'pause_observer',
    presence: 'always',
    options: {},
    create({ core, scope }) {
      for (const event of ['job:paused', 'job:resumed'] as const)
        scope.use(core.events.on(event, () => void pauses.push(event)))
      return {}
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'timelapse-macros-'))
  const camera = await TestCamera.start()
  const ffmpeg = new StubFfmpeg(join(folder, 'bin'))
  const rig = await startRig({
    // Slow enough for the camera: the macros wait for two seconds of the test.
    speed,
    components: [observer],
    conf:
      `[timelapse]\noutput_path: ${folder}/videos\nframe_path: ${folder}/frames\nmin_free_space: 0\n` +
      `ffmpeg_binary_path: ${ffmpeg.path}\nsnapshot_timeout: 0.5\n` +
      `[webcam front]\nstream_url: /webcam\nsnapshot_url: ${camera.url}\n`,
    prepare: ({ config, gcodes }) => {
      mkdirSync(gcodes, { recursive: true })
      writeFileSync(
        join(config, 'printer.cfg'),
        `${defaultPrinterCfg({ strict: true })}\n[include timelapse.cfg]\n`,
      )
      writeFileSync(join(config, 'timelapse.cfg'), MACRO_TEXT)
    },
  })
  const client = await WebClient.open(rig.url)
  const gcode = (script: string) => client.call('printer.gcode.script', { script })
  /** Resolves when the print has ended, with its state. */
  const print = async (lines: readonly string[]): Promise<string> => {
    writeFileSync(join(rig.paths.gcodes, 'part.gcode'), `${lines.join('\n')}\n`)
    await client.call('printer.print.start', { filename: 'part.gcode' })
    const { params } = await client.find(
      ({ method, params }) => method === 'notify_history_changed' && params[0].action === 'finished',
    )
    return params[0].job.status
  }
  const events = () =>
    client.frames
      .filter(({ method }) => method === 'notify_timelapse_event')
      .map(({ params }) => params[0] as Frame)
  const variables = async (macro: string) => {
    const name = `gcode_macro ${macro}`
    const { result } = await client.call('printer.objects.query', { objects: { [name]: null } })
    return result.status[name]
  }
  // The server passes its settings on when it has seen the macros.
  while ((await variables('TIMELAPSE_TAKE_FRAME')).enable !== true)
    await new Promise(resolve => setImmediate(resolve))
  const dispose = async () => {
    client[Symbol.dispose]()
    await rig[Symbol.asyncDispose]()
    await camera[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }
  return { client, camera, folder, pauses, gcode, print, events, variables, [Symbol.asyncDispose]: dispose }
}

const HOME = ['G28', 'G90', 'M83', 'G1 X50 Y50 Z10 F6000']
/** With a pause after each frame, in which the camera can send it. */
const LAYERS = [1, 2, 3].flatMap(z => [`G1 Z${10 + z}`, 'TIMELAPSE_TAKE_FRAME', 'G1 X60 Y60', 'G4 P4000'])

test('a print with a frame for each layer becomes a video', async () => {
  await using at = await scene()
  assert.equal(await at.print([...HOME, ...LAYERS]), 'completed')
  await at.client.find(
    ({ method, params }) =>
      method === 'notify_timelapse_event' && params[0].status === 'success' && params[0].filename,
  )
  // A layer whose frame would overlap the one before has none.
  const numbers = at.events().flatMap(({ action, frame }) => (action === 'newframe' ? [Number(frame)] : []))
  assert.ok(numbers.length > 0)
  assert.deepEqual(numbers, [1, 2, 3].slice(0, numbers.length))
  assert.equal(readdirSync(join(at.folder, 'videos')).length, 2)
})

test('the head is parked for each frame, and the print continues at the same place', async () => {
  await using at = await scene()
  await at.client.call('machine.timelapse.post_settings', {
    parkhead: true,
    parkpos: 'custom',
    park_custom_pos_x: 5,
    park_custom_pos_y: 9000,
    park_custom_pos_dz: 2,
  })
  await at.gcode('M400')
  const { park, macro, enable } = await at.variables('TIMELAPSE_TAKE_FRAME')
  assert.equal(enable, true)
  assert.deepEqual([park.coord.x, park.coord.dz], [5, 2])
  assert.ok(park.coord.y > 100 && park.coord.y < 9000, 'a position outside of the bed is moved into it')
  assert.equal(typeof macro.pause, 'string')
  const positions: number[][] = []
  at.camera.answer = (_req, res) => {
    void at.client
      .call('printer.objects.query', { objects: { toolhead: ['position'], pause_resume: null } })
      .then(({ result }) => {
        positions.push(result.status.toolhead.position)
        assert.equal(result.status.pause_resume.is_paused, true)
        res.end(jpeg())
      })
  }
  assert.equal(await at.print([...HOME, 'M82', 'G92 E0', ...LAYERS, 'G1 X70 Y71']), 'completed')
  assert.deepEqual(
    positions.map(([x, , z]) => [x, z]),
    [
      [5, 13],
      [5, 14],
      [5, 15],
    ],
  )
  const { result } = await at.client.call('printer.objects.query', {
    objects: { gcode_move: ['gcode_position', 'absolute_extrude', 'absolute_coordinates'] },
  })
  const { gcode_position, absolute_extrude, absolute_coordinates } = result.status.gcode_move
  assert.deepEqual(gcode_position.slice(0, 3), [70, 71, 13])
  assert.deepEqual([absolute_extrude, absolute_coordinates], [true, true])
  assert.equal((await at.variables('TIMELAPSE_TAKE_FRAME')).is_paused, false)
  assert.deepEqual(at.pauses, [], 'no pause for other components')
})

test('a parked print continues when the camera hangs', async () => {
  await using at = await scene()
  await at.client.call('machine.timelapse.post_settings', { parkhead: true })
  at.camera.answer = () => undefined
  assert.equal(await at.print([...HOME, 'TIMELAPSE_TAKE_FRAME', 'G1 X60']), 'completed')
  assert.deepEqual(
    at.events().map(({ action, status }) => [action, status]),
    [['newframe', 'error']],
  )
})

test('a print that is cancelled while the head is parked stays cancelled', async () => {
  await using at = await scene()
  await at.client.call('machine.timelapse.post_settings', { parkhead: true })
  const requested = Promise.withResolvers<void>()
  at.camera.answer = () => requested.resolve()
  const ended = at.print([...HOME, 'TIMELAPSE_TAKE_FRAME', 'G1 X60'])
  await requested.promise
  await at.client.call('printer.print.cancel')
  assert.equal(await ended, 'cancelled')
  while ((await at.variables('TIMELAPSE_TAKE_FRAME')).is_paused)
    await new Promise(resolve => setImmediate(resolve))
  const lines = at.client.frames.flatMap(({ method, params }) =>
    method === 'notify_gcode_response' ? [params[0]] : [],
  )
  assert.deepEqual(
    lines.filter(line => /resume/i.test(line)),
    [],
  )
})

test('a parked print continues without a server', async () => {
  await using at = await scene({ speed: 500 })
  await at.gcode('G28')
  await at.gcode('_SET_TIMELAPSE_SETUP PARK_ENABLE=True PARK_POS=center ENABLE=True')
  await at.gcode(
    'SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=is_paused VALUE=True\n' +
      'SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=takingframe VALUE=True\n' +
      'PAUSE\nUPDATE_DELAYED_GCODE ID=_WAIT_TIMELAPSE_TAKE_FRAME DURATION=0.5',
  )
  await at.client.find(
    ({ method, params }) => method === 'notify_gcode_response' && /does not answer/.test(params[0]),
  )
  await at.gcode('M400')
  assert.equal((await at.variables('TIMELAPSE_TAKE_FRAME')).is_paused, false)
})

test('frames on a timer, until the print is cancelled', async () => {
  await using at = await scene()
  await at.client.call('machine.timelapse.post_settings', { mode: 'hyperlapse', hyperlapse_cycle: 5 })
  const ended = at.print([
    ...HOME,
    'TIMELAPSE_TAKE_FRAME',
    ...Array.from({ length: 10_000 }, () => 'G4 P1000'),
  ])
  await at.client.find(
    ({ method, params }) =>
      method === 'notify_timelapse_event' && params[0].frame === '3' && params[0].status === 'success',
  )
  assert.equal((await at.variables('HYPERLAPSE')).run, true)
  await at.client.call('printer.print.cancel')
  assert.equal(await ended, 'cancelled')
  while ((await at.variables('HYPERLAPSE')).run) await new Promise(resolve => setImmediate(resolve))
})

test('a macro that renders, and waits for the video', async () => {
  await using at = await scene()
  assert.equal(
    await at.print([...HOME, 'TIMELAPSE_TAKE_FRAME', 'G4 P5000', 'TIMELAPSE_RENDER', 'G1 X70']),
    'completed',
  )
  const renders = at.events().filter(({ action, status }) => action === 'render' && status === 'success')
  assert.equal(renders.length, 1)
})

test('wrong settings, and the helper macros', async () => {
  await using at = await scene()
  assert.match((await at.gcode('_SET_TIMELAPSE_SETUP PARK_POS=nowhere')).error.message, /nowhere/)
  assert.match((await at.gcode('HYPERLAPSE')).error.message, /ACTION/)
  await at.gcode('GET_TIMELAPSE_SETUP')
  await at.client.find(({ method, params }) => method === 'notify_gcode_response' && /park: /.test(params[0]))
  await at.gcode('G28\nG90\nG1 Z20 F600')
  await at.gcode('TEST_STREAM_DELAY')
  await at.client.find(
    ({ method, params }) => method === 'notify_timelapse_event' && params[0].status === 'success',
  )
})
