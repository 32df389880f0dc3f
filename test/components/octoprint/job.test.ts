// The job: what is printed, how far it is, and its commands.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Refusal } from '../../support/fake-klippy.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { WebClient } from '../../support/web-client.ts'
import { get, post, Scene, SLICED, startOctoPrint } from './octo-rig.ts'

const NO_PROGRESS = {
  completion: null,
  filepos: null,
  printTime: null,
  printTimeLeft: null,
  printTimeOrigin: null,
  printTimeLeftOrigin: null,
}

const select = (scene: Scene, name: string) => post(scene, `/api/files/local/${name}`, { command: 'select' })

test('nothing is printed', async () => {
  await using scene = await Scene.open()
  assert.deepEqual(await get(scene, '/api/job'), {
    job: { file: { name: null }, estimatedPrintTime: null, filament: { length: null }, user: null },
    progress: NO_PROGRESS,
    state: 'Operational',
  })
  for (const command of ['cancel', 'pause', 'restart', 'start']) {
    assert.equal(await scene.job(command), 409, command)
  }
  assert.deepEqual([scene.scripts, scene.commands], [[], []])
})

test('a file is selected, and started later', async () => {
  await using scene = await Scene.open({ files: ['part.gcode', 'other.gcode'] })
  assert.equal((await select(scene, 'part.gcode')).status, 204)
  const { job, progress, state } = await get(scene, '/api/job')
  const { date, ...file } = job.file
  assert.deepEqual(file, {
    name: 'part.gcode',
    display: 'part.gcode',
    path: 'part.gcode',
    origin: 'local',
    size: SLICED.length,
  })
  assert.ok(Number.isInteger(date))
  assert.deepEqual([progress, state, job.user], [NO_PROGRESS, 'Operational', null])
  assert.deepEqual(scene.scripts, [])
  assert.equal(await scene.job('start'), 204)
  assert.deepEqual(scene.scripts, ['SDCARD_PRINT_FILE FILENAME="part.gcode"'])
  await scene.printing('part.gcode')
  assert.equal((await get(scene, '/api/job')).job.user, '_TRUSTED_USER_')
  assert.equal(await scene.job('start'), 409)
  // What is selected meanwhile is for afterwards.
  assert.equal((await select(scene, 'other.gcode')).status, 204)
  assert.equal((await get(scene, '/api/job')).job.file.name, 'part.gcode')
  await scene.push('print_stats', { state: 'complete' })
  assert.equal((await get(scene, '/api/job')).job.file.name, 'other.gcode')
})

test('progress and time go with the print', async () => {
  await using scene = await Scene.open({ files: ['part.gcode'] })
  await scene.printing('part.gcode')
  await scene.push('virtual_sdcard', { progress: 0.25, file_position: 50 })
  await scene.push('print_stats', { print_duration: 600.7 })
  const { job, progress } = await get(scene, '/api/job')
  assert.deepEqual(
    [job.file.path, job.estimatedPrintTime, job.filament],
    ['part.gcode', 3600, { length: 1234.5, tool0: { length: 1234.5 } }],
  )
  assert.deepEqual(progress, {
    completion: 25,
    filepos: 50,
    printTime: 600,
    printTimeLeft: 2999,
    printTimeOrigin: 'analysis',
    printTimeLeftOrigin: 'analysis',
  })
  // The slicer was wrong.
  await scene.push('print_stats', { print_duration: 4000, state: 'paused' })
  const late = (await get(scene, '/api/job')).progress
  assert.deepEqual([late.printTimeLeft, late.printTimeLeftOrigin], [12_000, 'linear'])
  await scene.push('print_stats', { state: 'complete' })
  const done = (await get(scene, '/api/job')).progress
  assert.deepEqual([done.completion, done.printTime, done.printTimeLeft], [100, 4000, 0])
  await scene.push('print_stats', { state: 'cancelled' })
  assert.deepEqual((await get(scene, '/api/job')).progress, NO_PROGRESS)
})

test('a file that is not there has a name all the same', async () => {
  await using scene = await Scene.open()
  await scene.printing('gone/by now.gcode')
  const { job, progress } = await get(scene, '/api/job')
  assert.deepEqual(job.file, {
    name: 'by now.gcode',
    display: 'by now.gcode',
    path: 'gone/by now.gcode',
    origin: 'local',
  })
  assert.deepEqual([job.estimatedPrintTime, progress.completion, progress.printTimeLeft], [null, 0, null])
})

test('pause without an action toggles, and each action has its effect', async () => {
  await using scene = await Scene.open()
  await scene.printing('part.gcode')
  for (const action of [undefined, 'toggle', 'pause', 'resume']) {
    assert.equal(await scene.job('pause', action), 204)
  }
  assert.deepEqual(scene.commands, ['pause', 'pause', 'pause'], 'resume has nothing to do')
  assert.equal(await scene.job('restart'), 409)
  await scene.push('print_stats', { state: 'paused' })
  for (const action of [undefined, 'toggle', 'pause', 'resume']) {
    assert.equal(await scene.job('pause', action), 204)
  }
  assert.deepEqual(scene.commands.slice(3), ['resume', 'resume', 'resume'], 'pause has nothing to do')
})

test('restart prints the paused file from the start, cancel ends the print', async () => {
  await using scene = await Scene.open({ files: ['part.gcode'] })
  await scene.printing('part.gcode')
  await scene.push('print_stats', { state: 'paused' })
  assert.equal(await scene.job('restart'), 204)
  assert.deepEqual(scene.commands, ['cancel'])
  assert.deepEqual(scene.scripts, ['SDCARD_PRINT_FILE FILENAME="part.gcode"'])
  assert.equal(await scene.job('cancel'), 204)
  assert.deepEqual(scene.commands, ['cancel', 'cancel'])
})

test("errors contain Klipper's own text", async () => {
  await using scene = await Scene.open()
  await scene.printing('part.gcode')
  scene.klippy.answer('pause_resume/pause', () => {
    throw new Refusal('Pause is broken')
  })
  const reply = await post(scene, '/api/job', { command: 'pause' })
  assert.deepEqual([reply.status, reply.json.error.message], [400, 'Pause is broken'])
  assert.equal((await get(scene, '/api/job')).state, 'Printing')
})

test('a long command gets a reply while it runs, and the state shows it', async () => {
  const clock = new HandClock()
  await using scene = await Scene.open({ clock })
  await scene.printing('part.gcode')
  const cancelled = Promise.withResolvers<object>()
  scene.klippy.answer('pause_resume/cancel', () => cancelled.promise)
  const reply = scene.job('cancel')
  await scene.klippy.waitFor('pause_resume/cancel')
  clock.pass(3)
  assert.equal(await reply, 204)
  const { text, flags } = (await get(scene, '/api/printer')).state
  assert.deepEqual([text, flags.cancelling, flags.printing, flags.ready], ['Cancelling', true, true, false])
  await scene.push('print_stats', { state: 'cancelled' })
  assert.equal((await get(scene, '/api/job')).state, 'Operational')
  cancelled.reject(new Refusal('too late'))
  // Klippy answers in order.
  await get(scene, '/printer/info')
  assert.ok(scene.rig.log.some(line => line.includes('octoprint_compat: a command failed: too late')))
})

test('a cancel that is faster than a pause is shown until it is done', async () => {
  await using scene = await Scene.open()
  await scene.printing('part.gcode')
  const [paused, cancelled] = [Promise.withResolvers<object>(), Promise.withResolvers<object>()]
  scene.klippy.answer('pause_resume/pause', () => paused.promise)
  scene.klippy.answer('pause_resume/cancel', () => cancelled.promise)
  const pause = scene.job('pause')
  await scene.klippy.waitFor('pause_resume/pause')
  assert.equal((await get(scene, '/api/job')).state, 'Pausing')
  const cancel = scene.job('cancel')
  await scene.klippy.waitFor('pause_resume/cancel')
  paused.resolve({})
  assert.equal(await pause, 204)
  assert.equal((await get(scene, '/api/job')).state, 'Cancelling')
  cancelled.resolve({})
  assert.equal(await cancel, 204)
  assert.equal((await get(scene, '/api/job')).state, 'Printing')
})

test('the virtual printer prints what is selected, to its end', async () => {
  await using rig = await startOctoPrint('', { speed: 20 })
  using client = await WebClient.open(rig.url)
  await client.call('printer.objects.subscribe', { objects: { print_stats: ['state'] } })
  writeFileSync(join(rig.paths.gcodes, 'part.gcode'), SLICED)
  assert.equal((await post(rig, '/api/files/local/part.gcode', { command: 'select' })).status, 204)
  assert.equal((await post(rig, '/api/job', { command: 'start' })).status, 204)
  await client.find(({ params }) => params?.[0]?.print_stats?.state === 'complete')
  const { job, progress, state } = await get(rig, '/api/job')
  assert.deepEqual(
    [job.file.name, job.user, progress.completion, progress.printTimeLeft, state],
    ['part.gcode', '_TRUSTED_USER_', 100, 0, 'Operational'],
  )
})

test('without a printer there are no commands', async () => {
  await using rig = await startOctoPrint('', { printer: 'none' })
  assert.equal((await get(rig, '/api/job')).state, 'Offline')
  assert.equal((await post(rig, '/api/job', { command: 'start' })).status, 409)
})
