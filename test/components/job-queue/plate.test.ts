// After a print the next job waits until a user confirms that the plate is clear, also over restarts;
// and no job is printed twice.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IDLE } from '../../support/restartable-server.ts'
import { Scene } from './scene.ts'

const COMPLETE = { state: 'complete', total_duration: 5 }
const AT_STARTUP = 'load_on_startup: True'

/** Klippy restarts, and is ready again. */
async function restartKlippy(scene: Scene): Promise<void> {
  const { klippy } = scene.server
  const from = scene.now
  klippy.change('print_stats', IDLE)
  klippy.drop()
  const isReady = ({ method }: { method?: string }, index: number) =>
    index >= from && method === 'notify_klippy_ready'
  await scene.client.find(isReady)
  await scene.client.call('printer.objects.subscribe', { objects: { print_stats: null } })
}

test('load_on_startup starts the first job if nothing was printed since the plate was clear', async () => {
  await using scene = await Scene.open(AT_STARTUP)
  await scene.add('a.gcode')
  await restartKlippy(scene)
  await scene.notified(({ action }) => action === 'job_loaded')
  assert.deepEqual(scene.printed, ['a.gcode'])
})

test('after any print no job starts automatically, also over restarts of Klipper and of the server', async () => {
  await using scene = await Scene.open(AT_STARTUP)
  await scene.add('a.gcode', 'b.gcode')
  await scene.server.print(scene.client, { ...IDLE, state: 'printing', filename: 'c.gcode' })
  await scene.client.notified('notify_history_changed')
  await scene.server.print(scene.client, COMPLETE)
  await scene.client.notified('notify_history_changed', 2)
  for (const restart of [
    () => restartKlippy(scene),
    () => scene.restart(),
    async () => {
      await scene.restart()
      await restartKlippy(scene)
    },
  ]) {
    await restart()
    const { queue_state, pause_reason, plate_clear } = await scene.call('status')
    assert.deepEqual([queue_state, plate_clear, scene.printed], ['paused', false, []])
    assert.match(pause_reason, /The plate was not confirmed as clear/)
  }
  assert.equal((await scene.call('plate_clear')).plate_clear, true)
  await restartKlippy(scene)
  await scene.notified(({ action }) => action === 'job_loaded')
  assert.deepEqual(scene.printed, ['a.gcode'])
})

test('the plate cannot be confirmed as clear during a print', async () => {
  await using scene = await Scene.open()
  await scene.add('a.gcode')
  await scene.startNext()
  await assert.rejects(scene.call('plate_clear'), { code: 400 })
})

test('a queue that a user has paused stays paused when Klipper becomes ready', async () => {
  await using scene = await Scene.open(AT_STARTUP)
  await scene.add('a.gcode')
  await scene.call('pause')
  await restartKlippy(scene)
  assert.deepEqual([(await scene.call('status')).queue_state, scene.printed], ['paused', []])
})

test('the queue continues after a restart of the server during a print', async () => {
  await using scene = await Scene.open('automatic_transition: True')
  await scene.add('a.gcode', 'b.gcode')
  await scene.startNext()
  await scene.restart()
  assert.equal((await scene.call('status')).queue_state, 'ready')
  await scene.server.print(scene.client, COMPLETE)
  await scene.notified(({ action }) => action === 'job_loaded')
  assert.deepEqual(scene.printed, ['a.gcode', 'b.gcode'])
})

test('a connection that ends while a job is being started: the job is never started again automatically', async () => {
  await using scene = await Scene.open(`${AT_STARTUP}\nautomatic_transition: True`)
  await scene.add('a.gcode', 'b.gcode')
  const { klippy } = scene.server
  klippy.answer('gcode/script', ({ script }) => {
    scene.printed.push(String(script))
    klippy.drop()
    return {}
  })
  await scene.call('start')
  const change = await scene.notified(({ pause_reason }) => pause_reason !== null)
  assert.match(change.pause_reason, /^a\.gcode was being started when the connection ended/)
  for (const restart of [() => restartKlippy(scene), () => scene.restart()]) {
    await restart()
    const { queue_state, pause_reason } = await scene.call('status')
    assert.equal(queue_state, 'paused')
    assert.notEqual(pause_reason, null)
  }
  assert.equal(scene.printed.length, 1)
  assert.deepEqual(await scene.waiting(), ['a.gcode', 'b.gcode'])
})

test('a job that started leaves the queue, although the reply was lost', async () => {
  await using scene = await Scene.open()
  await scene.add('a.gcode', 'b.gcode')
  const { klippy } = scene.server
  klippy.answer('gcode/script', () => {
    klippy.change('print_stats', { ...IDLE, state: 'printing', filename: 'a.gcode', total_duration: 1 })
    klippy.drop()
    return {}
  })
  await scene.call('start')
  await scene.notified(({ action }) => action === 'job_loaded')
  assert.deepEqual(await scene.waiting(), ['b.gcode'])
})
