// Jobs of a fleet at a real server with a virtual printer, an engine, and a hub that offers them.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { call } from '../../fleet/call.ts'
import { skip } from '../../fleet/engine.ts'
import { LONG_PRINT, SHORT_PRINT, startFleet } from '../../fleet/fleet-rig.ts'

test('a job is accepted, fetched, printed, and the slot is free when the plate is clear', {
  skip,
}, async () => {
  await using fleet = await startFleet({ speed: 100 })
  const { hub, rig } = fleet
  await hub.slotIn('free')
  const offer = await hub.offer(hub.file(SHORT_PRINT, 'my part.gcode'))
  const finished = await hub.slotIn('finished')
  assert.deepEqual(finished.last, {
    job: offer.job,
    attempt: 1,
    fence: offer.fence,
    outcome: 'done',
    why: null,
  })
  await hub.event('job.finished', offer.job)
  const own = hub.events.filter(({ job }) => job === offer.job)
  assert.deepEqual(
    own.map(({ type, attempt, fence }) => [type, attempt, fence]),
    ['job.accepted', 'job.started', 'job.finished'].map(type => [type, 1, offer.fence]),
  )
  assert.deepEqual(own.at(-1)?.data.outcome, 'done')
  const name = `my part-${offer.file.sha256.slice(0, 8)}.gcode`
  assert.deepEqual(readdirSync(join(rig.paths.gcodes, 'fleet')), [name])
  const { job } = await call(rig, 'server.history.get_job', { uid: own.at(-1)?.data.history_id })
  assert.deepEqual([job.filename, job.user, job.status], [`fleet/${name}`, 'fleet', 'completed'])

  await call(rig, 'server.job_queue.plate_clear', {})
  await hub.slotIn('free', slot => slot.last?.job === offer.job)
  await hub.event('plate.cleared')

  // The second copy needs no second transfer.
  const second = await hub.offer(offer.file, { attempt: 2 })
  await hub.event('job.finished', second.job)
  assert.equal(hub.requests.length, 1)
})

test('people at the printer go first', { skip }, async () => {
  await using fleet = await startFleet({ speed: 100 })
  const { hub, rig } = fleet
  await hub.slotIn('free')
  // A print of a person.
  const uploaded = new FormData()
  uploaded.append('file', new Blob([LONG_PRINT]), 'own.gcode')
  uploaded.append('print', 'true')
  await fetch(`${rig.url}/server/files/upload`, { method: 'POST', body: uploaded })
  await hub.slotIn('blocked', ({ why }) => why === 'local_print')
  assert.equal((await hub.command('cancel')).ok, true)
  await hub.slotIn('blocked', ({ why }) => why === 'plate')
  await call(rig, 'server.job_queue.plate_clear', {})
  await hub.slotIn('free')
  // The queue of this printer.
  await call(rig, 'server.job_queue.post_job', { filenames: ['own.gcode'] })
  await hub.slotIn('blocked', ({ why }) => why === 'local_queue')
  await call(rig, 'server.job_queue.delete_job', { all: true })
  await hub.slotIn('free')
  // A person cancels a job of the fleet.
  const offer = await hub.offer(hub.file(LONG_PRINT, 'long.gcode'))
  await hub.slotIn('printing')
  await call(rig, 'printer.print.cancel', {})
  const { data } = await hub.event('job.finished', offer.job)
  assert.equal(data.outcome, 'cancelled')
  assert.equal((await hub.slotIn('finished')).last?.outcome, 'cancelled')
})
