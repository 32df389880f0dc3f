// Frames of prints: when they are taken, and that the printer goes on whatever happens.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import { RELEASE, Scene } from './scene.ts'
import { jpeg } from './test-jpeg.ts'

test('the frames of a print, for clients and on the disk', async () => {
  await using at = await Scene.start()
  assert.deepEqual(await at.call('lastframeinfo'), { framecount: 0, lastframefile: '' })
  await at.print('part.gcode')
  await at.frame()
  await at.frame()
  assert.deepEqual(await at.event({ action: 'newframe' }, 2), {
    action: 'newframe',
    frame: '2',
    framefile: 'frame000002.jpg',
    status: 'success',
  })
  assert.deepEqual(await at.call('lastframeinfo'), { framecount: 2, lastframefile: 'frame000002.jpg' })
  const { body } = await sendRequest(at.rig.port, '/server/files/timelapse_frames/frame000002.jpg')
  assert.equal(body, jpeg('picture 2').toString())
  const { result } = await at.client.call('server.files.roots')
  const ours = result.filter(({ name }: { name: string }) => name.startsWith('timelapse'))
  assert.deepEqual(
    ours.map(({ name, permissions }: { name: string; permissions: string }) => [name, permissions]),
    [
      ['timelapse', 'rw'],
      ['timelapse_frames', 'r'],
    ],
  )
})

test('each print has frames of its own, and those before are removed', async () => {
  await using at = await Scene.start({ options: 'autorender: False' })
  await at.print('one.gcode')
  await at.frame()
  at.end('complete')
  await at.print('two.gcode')
  assert.deepEqual(await at.call('lastframeinfo'), { framecount: 0, lastframefile: '' })
  await at.frame()
  assert.deepEqual(at.frameFiles(), ['frame000001.jpg'])
  assert.equal(readdirSync(at.frames).length, 1)
  const { body } = await sendRequest(at.rig.port, '/server/files/timelapse_frames/frame000001.jpg')
  assert.equal(body, jpeg('picture 2').toString())
})

test('the print continues when a camera fails, and clients get the reason', async () => {
  await using at = await Scene.start({ snapshotTimeout: 0.5 })
  await at.print('part.gcode')
  await at.frame()
  for (const answer of [
    (_req: unknown, res: { end(text: string): void }) => res.end('<html>'),
    (_req: unknown, res: { destroy(): void }) => res.destroy(),
    () => undefined,
  ]) {
    at.camera.answer = answer as typeof at.camera.answer
    await at.frame()
  }
  const failed = await at.event({ action: 'newframe', status: 'error' }, 3)
  assert.deepEqual([failed.frame, failed.framefile], ['1', 'frame000001.jpg'])
  assert.match(failed.msg, /within 0.5 seconds/)
  at.camera.answer = (_req, res) => res.end(jpeg('again'))
  await at.frame()
  assert.deepEqual(at.frameFiles(), ['frame000001.jpg', 'frame000002.jpg'])
})

test('the print continues when frames are off', async () => {
  await using at = await Scene.start({ options: 'enabled: False' })
  await at.print('part.gcode')
  await at.frame()
  assert.equal(at.camera.requests, 0)
})

test('the print continues when the folder of the frames cannot be written', async () => {
  await using at = await Scene.start()
  await at.print('part.gcode')
  rmSync(at.frames, { recursive: true })
  writeFileSync(at.frames, 'a file')
  await at.frame()
  assert.match((await at.event({ action: 'newframe', status: 'error' })).msg, /ENOTDIR|EEXIST/)
  rmSync(at.frames)
  mkdirSync(at.frames)
  await at.frame()
  assert.deepEqual(at.frameFiles(), ['frame000001.jpg'])
})

test('a full disk is reported once', async () => {
  await using at = await Scene.start({ minFree: 1_000_000_000 })
  await at.print('part.gcode')
  await at.frame()
  await at.frame()
  const errors = at.events.filter(({ status }) => status === 'error')
  assert.match(errors[0].msg, /full/)
  assert.equal(errors.length, 1)
  assert.equal(at.camera.requests, 0)
})

test('one frame at a time, and every request continues the print', async () => {
  await using at = await Scene.start()
  await at.print('part.gcode')
  const { promise, resolve } = Promise.withResolvers<void>()
  at.camera.answer = (_req, res) => void promise.then(() => res.end(jpeg()))
  for (let count = 0; count < 5; count += 1)
    at.klippy.call('timelapse_newframe', { macropark: {}, hyperlapse: 'False' })
  await at.script(RELEASE, 4)
  resolve()
  await at.script(RELEASE, 5)
  assert.equal(at.camera.mostInFlight, 1)
  assert.equal((await at.call('lastframeinfo')).framecount, 1)
})

test('the mode hyperlapse: started and stopped with the print, and other frames ignored', async () => {
  await using at = await Scene.start()
  await at.call('post_settings', { mode: 'hyperlapse', hyperlapse_cycle: 20 })
  await at.print('part.gcode')
  await at.script('HYPERLAPSE ACTION=START CYCLE=20')
  await at.frame('False')
  await at.frame('FALSE')
  assert.equal(at.camera.requests, 0)
  await at.frame('True')
  assert.equal((await at.call('lastframeinfo')).framecount, 1)
  await at.call('post_settings', { hyperlapse_cycle: 25 })
  await at.script('HYPERLAPSE ACTION=START CYCLE=25')
  await at.call('post_settings', { mode: 'layermacro' })
  await at.script('HYPERLAPSE ACTION=STOP')
  await at.call('post_settings', { mode: 'hyperlapse' })
  await at.script('HYPERLAPSE ACTION=START CYCLE=25', 2)
  at.end('cancelled')
  await at.script('HYPERLAPSE ACTION=STOP', 2)
})

test('a hyperlapse that would take frames all the time is refused', async () => {
  await using at = await Scene.start()
  await at.call('post_settings', { mode: 'hyperlapse', hyperlapse_cycle: 2, park_time: 1.5 })
  await at.print('part.gcode')
  await at.frame('True')
  assert.deepEqual(
    at.scripts.filter(script => script.startsWith('HYPERLAPSE')),
    [],
  )
})

test('a restart during a print continues its frames, and a parked print', async () => {
  await using at = await Scene.start()
  await at.print('part.gcode')
  await at.frame()
  await at.frame()
  await at.stopServer()
  const released = at.scripts.length
  at.klippy.change('gcode_macro TIMELAPSE_TAKE_FRAME', { takingframe: true })
  at.klippy.change('gcode_macro TIMELAPSE_RENDER', { render: true })
  await at.startServer()
  await at.script(RELEASE, 3)
  await at.script('SET_GCODE_VARIABLE MACRO=TIMELAPSE_RENDER VARIABLE=render VALUE=False')
  assert.ok(at.scripts.length > released)
  await at.frame()
  assert.deepEqual(at.frameFiles(), ['frame000001.jpg', 'frame000002.jpg', 'frame000003.jpg'])
})

test('a print that ended while the server did not run gets its video', async () => {
  await using at = await Scene.start()
  await at.print('part.gcode')
  await at.frame()
  await at.stopServer()
  at.klippy.change('print_stats', { state: 'complete' })
  await at.startServer()
  await at.event({ action: 'render', status: 'success' })
})

test('another print that started while the server did not run has no old frames', async () => {
  await using at = await Scene.start()
  await at.print('part.gcode')
  await at.frame()
  await at.stopServer()
  at.klippy.change('print_stats', { filename: 'other.gcode' })
  await at.startServer()
  await at.frame()
  assert.deepEqual(at.frameFiles(), ['frame000001.jpg'])
  assert.equal(
    readFileSync(join(at.frames, readdirSync(at.frames)[0] ?? '', 'frame000001.jpg')).includes('picture 2'),
    true,
  )
})

test('macros that Klipper does not have get no G-code', async () => {
  await using at = await Scene.start()
  await at.stopServer()
  at.klippy.status['gcode_macro TIMELAPSE_TAKE_FRAME'] = {}
  const before = at.scripts.length
  await at.startServer()
  await at.call('post_settings', { parkhead: true })
  assert.equal(at.scripts.length, before)
})

test('folders that cannot be made at the start', async () => {
  await using at = await Scene.start()
  await at.stopServer()
  for (const folder of [at.frames, at.videos]) {
    rmSync(folder, { recursive: true })
    writeFileSync(folder, 'a file')
  }
  await at.startServer()
  const { result } = await at.client.call('server.info')
  assert.deepEqual(result.failed_components, [])
  assert.match(result.warnings.join(), /The folder of root 'timelapse_frames' is missing/)
  await at.print('part.gcode')
  await at.frame()
  assert.match((await at.event({ action: 'newframe', status: 'error' })).msg, /ENOTDIR|EEXIST/)
  rmSync(at.frames)
  await at.frame()
  assert.deepEqual(at.frameFiles(), ['frame000001.jpg'])
})

test('more frames than an archive can have are an error', async () => {
  await using at = await Scene.start()
  await at.stopServer()
  const [folder = ''] = readdirSync(at.frames)
  writeFileSync(join(at.frames, folder, 'frame020001.jpg'), jpeg('picture'))
  await at.startServer()
  const { status, msg } = await at.call('saveframes')
  assert.equal(status, 'error')
  assert.match(msg, /^an archive can have 20000 frames, the print has 20001:/)
  assert.deepEqual(readdirSync(at.videos), [])
})
