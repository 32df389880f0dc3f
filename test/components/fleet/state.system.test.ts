// The state of a printer in the fleet, and what arrives after an outage of the engine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { messageOf, subjects } from '../../../src/fleet/contract/index.ts'
import { call } from '../../fleet/call.ts'
import { Engine, skip } from '../../fleet/engine.ts'
import { credentialFiles, LONG_PRINT, startFleet } from '../../fleet/fleet-rig.ts'
import { TestHub } from '../../fleet/test-hub.ts'
import { startRig } from '../../support/rig.ts'

test('the state shows the printer, its job and its end', { skip }, async () => {
  const fleet = await startFleet({ fleet: 'labels: material=PETG, site = back room\nstate_interval: 0.25' })
  const { hub, rig } = fleet
  await hub.slotIn('free')
  const idle = await hub.until(
    hub.states,
    ({ klippy, nozzle }) => klippy === 'ready' && nozzle !== null,
    'ready',
  )
  assert.deepEqual(
    [idle.link, idle.next_s, idle.caps, idle.epoch, idle.plate, idle.job, idle.off, idle.labels],
    [
      'open',
      30,
      ['dispatch', 'live'],
      'epoch-1',
      'clear',
      null,
      false,
      { material: 'PETG', site: 'back room' },
    ],
  )
  assert.ok(idle.size?.every(length => length > 0) && 'extruder' in idle.temp)
  const offer = await hub.offer(hub.file(LONG_PRINT))
  const printing = await hub.until(
    hub.states,
    ({ job, plate }) => job?.id === offer.job && job.progress > 0 && plate === 'occupied',
    'progress',
  )
  assert.equal(printing.job?.state, 'printing')
  // Without a change of a value nothing is sent, except when the hub wants it.
  await call(rig, 'printer.print.cancel', {})
  await hub.until(hub.states, ({ job, seq }) => job === null && seq > printing.seq, 'end')
  const { seq } = hub.states.at(-1)!
  hub.connection.publish(subjects.all, messageOf({ do: 'unknown' }))
  assert.equal((await hub.command('announce')).ok, true)
  await hub.until(hub.states, state => state.seq > seq, 'announcement')
  await rig.server.stop()
  await hub.until(hub.states, ({ link }) => link === 'closed', 'closed')
  assert.deepEqual(
    hub.states.map(state => state.seq),
    hub.states.map(state => state.seq).sort((a, b) => a - b),
  )
  await fleet[Symbol.asyncDispose]()
})

test('what happens while the engine is away arrives afterwards, once and in order', { skip }, async () => {
  await using fleet = await startFleet()
  const { hub, rig, engine } = fleet
  await hub.slotIn('free')
  const offer = await hub.offer(hub.file(LONG_PRINT))
  await hub.slotIn('printing')
  await engine.kill()
  await call(rig, 'printer.print.pause', {})
  await call(rig, 'printer.print.resume', {})
  await call(rig, 'printer.print.cancel', {})
  await engine.run()
  await engine.createBuckets()
  // The printer may be back before a new hub listens.
  await using later = await TestHub.start(engine, hub.id)
  await later.polled(async () => (await engine.events()).some(({ type }) => type === 'job.finished'))
  await later.polled(async () => (await later.slot()).value.state === 'finished')
  const events = await engine.events()
  assert.deepEqual(
    events.filter(({ job }) => job === offer.job).map(({ type }) => type),
    ['job.accepted', 'job.started', 'job.paused', 'job.resumed', 'job.finished'],
  )
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length)
})

test('printers connect again after random times, which become longer', { skip }, async t => {
  const waits: number[] = []
  const clock: Clock = {
    ...systemClock,
    after(seconds, task) {
      waits.push(seconds)
      return systemClock.after(seconds / 1000, task)
    },
  }
  const ID = 'ab'.repeat(16)
  await using engine = await Engine.start()
  const prepare = await credentialFiles(engine, ID)
  await engine.kill()
  const part = 0.123456789
  t.mock.method(Math, 'random', () => part)
  await using rig = await startRig({
    printer: 'none',
    clock,
    conf: `[fleet]\nengine: ${engine.url}`,
    prepare,
  })
  const wanted = [2, 4, 8, 16, 32, 60, 60].map(seconds => seconds * part)
  const found = () => waits.filter(seconds => wanted.includes(seconds)).slice(0, wanted.length)
  while (found().length < wanted.length) await call(rig, 'server.info', {})
  assert.deepEqual(found(), wanted)
})
