import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { IDLE } from '../../support/restartable-server.ts'
import { Scene } from './scene.ts'

const COMPLETE = { state: 'complete', total_duration: 5 }

test('one job at a time: each waits for a user', async () => {
  await using scene = await Scene.open()
  await scene.add('a.gcode', 'b.gcode')
  await scene.startNext()
  await scene.end(COMPLETE)
  assert.deepEqual(scene.printed, ['a.gcode'])
  const { queue_state, plate_clear } = await scene.call('status')
  assert.deepEqual([queue_state, plate_clear], ['paused', false])
  await scene.startNext()
  await scene.end(COMPLETE)
  assert.deepEqual(scene.printed, ['a.gcode', 'b.gcode'])
  assert.deepEqual(await scene.waiting(), [])
})

test('each state on the way to a job is notified', async () => {
  await using scene = await Scene.open()
  await scene.add('a.gcode')
  assert.equal((await scene.call('start')).queue_state, 'loading')
  await scene.notified(({ action }) => action === 'job_loaded')
  const changes = scene.client.frames
    .filter(({ method }) => method === 'notify_job_queue_changed')
    .map(({ params: [{ action, queue_state, updated_queue }] }) => [
      action,
      queue_state,
      updated_queue === null,
    ])
  assert.deepEqual(changes, [
    ['jobs_added', 'paused', false],
    ['state_changed', 'loading', true],
    ['state_changed', 'starting', true],
    ['job_loaded', 'paused', false],
  ])
})

test('automatic_transition prints all jobs, with the G-code between them', async () => {
  await using scene = await Scene.open(
    'automatic_transition: True\njob_transition_gcode:\n  EJECT_PART\n  G28',
  )
  await scene.add('a.gcode', 'b.gcode', 'c.gcode')
  await scene.startNext()
  for (const expected of [2, 3]) {
    const from = scene.now
    await scene.end(COMPLETE)
    await scene.notified(({ action }) => action === 'job_loaded', from)
    assert.equal(scene.printed.length, expected)
    await scene.historyHas('added')
  }
  assert.deepEqual(scene.printed, ['a.gcode', 'b.gcode', 'c.gcode'])
  const scripts = scene.server.klippy.requests
    .filter(({ method }) => method === 'gcode/script')
    .map(({ params }) => String(params.script))
  assert.equal(scripts.filter(script => script === 'EJECT_PART\nG28').length, 2)
  assert.equal((await scene.call('status')).queue_state, 'paused')
})

test('a print that fails or is cancelled pauses the queue with the reason', async () => {
  for (const [end, reason] of [
    [{ state: 'error', message: 'Move out of range' }, 'a.gcode has failed: Move out of range'],
    [{ state: 'cancelled' }, 'a.gcode was cancelled'],
    [IDLE, 'a.gcode was cancelled'],
  ] as const) {
    await using scene = await Scene.open('automatic_transition: True')
    await scene.add('a.gcode', 'b.gcode')
    await scene.startNext()
    assert.equal((await scene.call('status')).queue_state, 'ready')
    await scene.end(end)
    const { queue_state, pause_reason, plate_clear } = await scene.call('status')
    assert.deepEqual([queue_state, pause_reason, plate_clear], ['paused', reason, false])
    assert.deepEqual(scene.printed, ['a.gcode'])
  }
})

test('a pause while loading aborts the load, and the next start starts the job', async () => {
  await using scene = await Scene.open('automatic_transition: True\njob_transition_delay: 3600')
  await scene.add('a.gcode', 'b.gcode')
  await scene.startNext()
  const from = scene.now
  await scene.end(COMPLETE)
  await scene.notified(({ queue_state }) => queue_state === 'loading', from)
  assert.equal((await scene.call('pause')).queue_state, 'paused')
  assert.deepEqual(await scene.waiting(), ['b.gcode'])
  await scene.startNext()
  assert.deepEqual(scene.printed, ['a.gcode', 'b.gcode'])
})

test('a pause while the G-code of the transition runs', async () => {
  await using scene = await Scene.open('automatic_transition: True\njob_transition_gcode: EJECT')
  await scene.add('a.gcode', 'b.gcode')
  await scene.startNext()
  const { klippy } = scene.server
  const eject = Promise.withResolvers<object>()
  klippy.answer('gcode/script', () => eject.promise)
  const scripts = klippy.count('gcode/script')
  await scene.end(COMPLETE)
  await klippy.waitFor('gcode/script', scripts + 1)
  assert.equal((await scene.call('status')).queue_state, 'loading')
  await scene.call('pause')
  scene.obey()
  eject.resolve({})
  await scene.client.call('printer.gcode.script', { script: 'M115' })
  assert.deepEqual([scene.printed, await scene.waiting()], [['a.gcode'], ['b.gcode']])
})

test('a transition whose G-code fails pauses the queue with the reason', async () => {
  await using scene = await Scene.open('automatic_transition: True\njob_transition_gcode: EJECT')
  await scene.add('a.gcode', 'b.gcode')
  await scene.startNext()
  scene.server.klippy.answer('gcode/script', () => {
    throw new Error('Unknown command: EJECT')
  })
  const from = scene.now
  await scene.end(COMPLETE)
  const change = await scene.notified(({ queue_state }) => queue_state === 'paused', from)
  assert.equal(change.pause_reason, 'Unknown command: EJECT')
  assert.deepEqual(await scene.waiting(), ['b.gcode'])
})

test('a file that was deleted while queued pauses the queue with its name', async () => {
  await using scene = await Scene.open()
  await scene.add('a.gcode', 'b.gcode')
  rmSync(join(scene.server.paths.gcodes, 'a.gcode'))
  const from = scene.now
  await scene.call('start')
  const { pause_reason } = await scene.notified(({ queue_state }) => queue_state === 'paused', from)
  assert.equal(pause_reason, 'G-Code File a.gcode no longer exists')
  assert.deepEqual(await scene.waiting(), ['a.gcode', 'b.gcode'])
  const [job] = (await scene.call('status')).queued_jobs
  await scene.call('delete_job', { job_ids: [job.job_id] })
  await scene.startNext()
  assert.deepEqual(scene.printed, ['b.gcode'])
})

test('a job that Klipper rejects stays in the queue', async () => {
  await using scene = await Scene.open()
  await scene.add('a.gcode')
  scene.server.klippy.answer('gcode/script', () => {
    throw new Error('SD busy')
  })
  await scene.call('start')
  const change = await scene.notified(({ pause_reason }) => pause_reason !== null)
  assert.equal(change.pause_reason, 'a.gcode was not started: SD busy')
  assert.equal(change.plate_clear, true)
  scene.obey()
  await scene.startNext()
  assert.deepEqual(scene.printed, ['a.gcode'])
})

test('a start while Klipper prints starts no job', async () => {
  for (const [options, state] of [
    ['', 'paused'],
    ['automatic_transition: True', 'ready'],
  ]) {
    await using scene = await Scene.open(options)
    await scene.add('a.gcode')
    await scene.server.print(scene.client, { ...IDLE, state: 'printing', filename: 'c.gcode' })
    assert.equal((await scene.call('start')).queue_state, state)
    assert.deepEqual(scene.printed, [])
  }
})

test('many starts at the same time start one job', async () => {
  await using scene = await Scene.open()
  await scene.add('a.gcode', 'a.gcode')
  const from = scene.now
  await Promise.all(Array.from({ length: 20 }, () => scene.call('start')))
  await scene.notified(({ action }) => action === 'job_loaded', from)
  await Promise.all(Array.from({ length: 20 }, () => scene.call('start')))
  await scene.historyHas('added')
  assert.deepEqual([scene.printed, await scene.waiting()], [['a.gcode'], ['a.gcode']])
})

test("Klipper's macros pause and start the queue", async () => {
  await using scene = await Scene.open()
  const { klippy } = scene.server
  await klippy.waitFor('register_remote_method', 2)
  await scene.add('a.gcode')
  klippy.call('start_job_queue', {})
  await scene.notified(({ action }) => action === 'job_loaded')
  assert.deepEqual(scene.printed, ['a.gcode'])
})

test('a shutdown of Klipper pauses the queue', async () => {
  await using scene = await Scene.open('automatic_transition: True')
  await scene.add('a.gcode', 'b.gcode')
  await scene.startNext()
  scene.server.klippy.setState('shutdown')
  await scene.historyHas('finished')
  const { queue_state } = await scene.call('status')
  assert.equal(queue_state, 'paused')
})
