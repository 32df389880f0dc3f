// Commands of the fleet: who may give which, when they are refused, and that each runs once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { liveSchema, readMessage, subjects, ulid } from '../../../src/fleet/contract/index.ts'
import { call } from '../../fleet/call.ts'
import { skip } from '../../fleet/engine.ts'
import { LONG_PRINT, SHORT_PRINT, startFleet } from '../../fleet/fleet-rig.ts'

test('a command is refused with the reason', { skip }, async () => {
  await using fleet = await startFleet()
  const { hub } = fleet
  await hub.slotIn('free')
  const now = Date.now()
  const viewer = { as: { user: 'ann', role: 'viewer' } } as const
  const refusals: [code: number, name: string, changes: object][] = [
    [410, 'pause', { issued: now - 20_000, expires: now - 10_000 }],
    [410, 'pause', { issued: now, expires: now + 3_600_000 }],
    [403, 'pause', viewer],
    [409, 'pause', { if: { job: ulid(now) } }],
    [409, 'pause', { if: { boot: 'other' } }],
    [404, 'dance', {}],
    [403, 'call', { args: { method: 'printer.info' } }],
    [403, 'plate_clear', {}],
    [400, 'maintenance', { args: { on: 'perhaps' } }],
    [400, 'pause', { id: 'short' }],
    [400, 'pause', { v: 2 }],
  ]
  for (const [code, name, changes] of refusals) {
    const { ok, error } = await hub.command(name, changes)
    assert.deepEqual(
      [ok, error?.code],
      [false, code],
      `${name} ${JSON.stringify(changes)}: ${error?.message}`,
    )
  }
  assert.equal((await hub.raw('no JSON')).error?.code, 400)
  const matching = { job: null, boot: hub.states.at(-1)?.boot }
  assert.equal((await hub.command('announce', { if: matching })).ok, true)
})

test('a repeated command gets the same reply and does nothing', { skip }, async () => {
  await using fleet = await startFleet({ speed: 100 })
  const { hub, rig } = fleet
  await hub.slotIn('free')
  const job = await hub.offer(hub.file(LONG_PRINT))
  await hub.slotIn('printing')
  const id = ulid(Date.now())
  const command = { id, if: { job: job.job } }
  const first = await hub.command('pause', command)
  await hub.event('job.paused', job.job)
  await call(rig, 'printer.print.resume', {})
  await hub.event('job.resumed', job.job)
  const repeated = await Promise.all([1, 2, 3, 4].map(() => hub.command('pause', command)))
  assert.deepEqual([first.ok, repeated], [true, repeated.map(() => first)])
  const { status } = await call(rig, 'printer.objects.query', { objects: { print_stats: ['state'] } })
  assert.equal(status.print_stats.state, 'printing')
  assert.equal((await hub.command('emergency_stop')).ok, true)
  const { data } = await hub.event('job.failed', job.job)
  assert.equal(data.status, 'klippy_shutdown')
})

test('with a clock that is an hour off jobs are printed, and of commands only an emergency stop runs', {
  skip,
}, async () => {
  const clock = { ...systemClock, now: () => systemClock.now() + 3600 }
  await using fleet = await startFleet({ clock, speed: 100 })
  const { hub } = fleet
  await hub.slotIn('free')
  const offer = await hub.offer(hub.file(SHORT_PRINT))
  assert.equal((await hub.event('job.finished', offer.job)).data.outcome, 'done')
  await hub.slotIn('finished')
  assert.equal((await hub.command('announce')).error?.code, 410)
  assert.equal((await hub.command('emergency_stop')).ok, true)
  await hub.until(hub.states, ({ klippy }) => klippy === 'shutdown', 'shutdown')
})

test('the configuration may allow calls and the confirmation of the plate', { skip }, async () => {
  await using fleet = await startFleet({ fleet: 'allow_calls: True\nplate_clear: fleet' })
  const { hub } = fleet
  await hub.slotIn('free')
  const info = await hub.command('call', { args: { method: 'server.info' } })
  assert.equal((info.result as { klippy_state: string }).klippy_state, 'ready')
  // An admin of the hub is an operator here.
  const as = { user: 'ann', role: 'admin' } as const
  const denied = await hub.command('call', { as, args: { method: 'server.fleet.leave' } })
  assert.equal(denied.error?.code, 403)
  assert.equal((await hub.command('plate_clear', { as })).ok, true)
  assert.equal((await hub.command('maintenance', { args: { on: true } })).ok, true)
  await hub.slotIn('blocked', ({ why }) => why === 'maintenance')
  assert.equal((await hub.command('maintenance', { args: { on: false } })).ok, true)
  await hub.slotIn('free')
})

test('what takes longer is accepted, and an event has the result', { skip }, async () => {
  // Five seconds are half a second.
  const clock: Clock = { ...systemClock, after: (seconds, task) => systemClock.after(seconds / 10, task) }
  await using fleet = await startFleet({ speed: 1, clock, fleet: 'allow_calls: True' })
  const { hub } = fleet
  await hub.slotIn('free')
  const script = { method: 'printer.gcode.script', params: { script: 'G4 P4000' } }
  const id = ulid(Date.now())
  const reply = await hub.command('call', { id, args: script })
  assert.deepEqual([reply.ok, reply.accepted], [true, true])
  const { data } = await hub.event('command.done')
  assert.deepEqual([data.id, data.ok, data.result], [id, true, 'ok'])
})

test('a watched printer sends its status, also where the fleet may only look', { skip }, async () => {
  await using fleet = await startFleet({ fleet: 'role: viewer' })
  const { hub } = fleet
  await hub.slotIn('free')
  assert.equal((await hub.command('pause')).error?.code, 403)
  const messages = hub.connection.subscribe(subjects.live(hub.id), { max: 1 })
  assert.equal((await hub.command('watch', { args: { seconds: 5 } })).ok, true)
  for await (const { data } of messages) {
    const reading = readMessage(liveSchema, data)
    assert.equal(reading.kind, 'message')
    assert.equal(reading.value.status.print_stats?.state, 'standby')
  }
})
