// A printer whose database was restored from a backup: the slot in the engine is newer, and no job starts a second time.
import assert from 'node:assert/strict'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { ServerHost } from '../../../src/app/host.ts'
import { type RunningServer, startServer } from '../../../src/app/server.ts'
import { type FleetEvent, messageOf, subjects } from '../../../src/fleet/contract/index.ts'
import { DATABASE_FILE } from '../../../src/storage/storage.ts'
import { call } from '../../fleet/call.ts'
import { skip } from '../../fleet/engine.ts'
import { type FleetRig, LONG_PRINT, SHORT_PRINT, startFleet } from '../../fleet/fleet-rig.ts'
import { quickClock } from '../../support/quick-clock.ts'
import type { Rig } from '../../support/rig.ts'
import { testLog } from '../../support/test-log.ts'

/** Copies the database of a server that runs; returns the path of the copy. */
function copyDatabase({ paths, dataPath }: Rig): string {
  const copy = join(dataPath, 'yesterday.db')
  const database = new DatabaseSync(join(paths.database, DATABASE_FILE), { readOnly: true })
  database.exec(`VACUUM INTO '${copy}'`)
  database.close()
  return copy
}

/** Stops the server, restores a copy of its database, and starts it again; the printer runs on. */
async function restore({ server, paths }: Rig, copy: string, host: ServerHost): Promise<RunningServer> {
  await server.stop()
  const file = join(paths.database, DATABASE_FILE)
  for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true })
  renameSync(copy, file)
  return startServer({
    paths,
    log: host.log,
    host,
    klippySocket: join(paths.comms, 'virtual-klippy.sock'),
  })
}

/** Sets back how far the job of a copy is. */
function setPhase(copy: string, phase: string): void {
  const database = new DatabaseSync(copy)
  const change = `json_set(value, '$.phase', '${phase}')`
  database.exec(`UPDATE fleet_facts SET value = ${change} WHERE name = 'held'`)
  database.close()
}

/** When the database is copied. */
type Moment = 'before the offer' | 'before the acceptance' | 'before the start'

/** Offers a job, and copies the database at some moment; resolves when the slot is in `state`. */
async function offerAndCopy(
  { hub, rig }: FleetRig,
  gcode: string,
  when: Moment,
  state: 'printing' | 'finished',
) {
  await hub.slotIn('free')
  let copy = when === 'before the offer' ? copyDatabase(rig) : null
  hub.replies.push((_req, res) => {
    copy ??= copyDatabase(rig)
    res.writeHead(200, { 'Content-Length': gcode.length }).end(gcode)
  })
  const offer = await hub.offer(hub.file(gcode))
  await hub.slotIn(state)
  assert.ok(copy)
  if (when === 'before the acceptance') setPhase(copy, 'accepting')
  return { offer, copy }
}

/** A person clears the plate: the slot is free, and keeps how the job ended. */
async function assertFreed({ hub }: FleetRig, restored: { url: string }, job: string, outcome: string) {
  await call(restored, 'server.job_queue.plate_clear', {})
  const { last } = await hub.slotIn('free', slot => slot.last?.job === job)
  assert.equal(last?.outcome, outcome)
}

/** The database was older than the offer; the printer refuses offers with that fence, as of older data of the engine. */
async function assertRefusesFence({ hub, engine }: FleetRig) {
  await engine.forgetSlots()
  hub.connection.publish(subjects.all, messageOf({ do: 'announce' }))
  await hub.slotIn('free', slot => slot.last === null)
  const offer = await hub.offer(hub.file(SHORT_PRINT))
  const { last } = await hub.until(hub.slots, slot => slot.last?.job === offer.job, 'refusal')
  assert.deepEqual([last?.outcome, last?.why], ['refused', 'fence'])
}

/** An event that the engine had not confirmed before the copy comes again, with its id: the engine stores it once. */
function assertOnce(events: readonly FleetEvent[]): void {
  for (const wanted of ['job.accepted', 'job.started', 'job.finished']) {
    const ids = events.filter(({ type }) => type === wanted).map(({ id }) => id)
    assert.equal(new Set(ids).size, 1, wanted)
  }
}

for (const when of ['before the offer', 'before the acceptance', 'before the start'] as const) {
  test(`a database of the time ${when} starts the job no second time`, { skip }, async () => {
    await using fleet = await startFleet({ speed: 100 })
    const host = new ServerHost({ log: testLog(), clock: quickClock() })
    const { hub, rig } = fleet
    const { offer, copy } = await offerAndCopy(fleet, SHORT_PRINT, when, 'finished')
    await hub.event('job.finished', offer.job)
    const server = await restore(rig, copy, host)
    const restored = { url: `http://127.0.0.1:${server.port}` }
    try {
      await hub.polled(async () => (await call(restored, 'server.fleet.status', {})).job?.phase === 'ended')
      const { plate_clear: isClear, job } = await call(restored, 'server.fleet.status', {})
      assert.deepEqual([isClear, job.id], [false, offer.job])
      await assertFreed(fleet, restored, offer.job, 'done')
      if (when === 'before the offer') await assertRefusesFence(fleet)
      assertOnce(hub.events)
    } finally {
      await server.stop()
      await host.stop()
    }
  })
}

for (const when of ['before the offer', 'before the start'] as const) {
  test(`a database of the time ${when} that is restored during the print adopts it`, { skip }, () =>
    adoptsPrint(when),
  )
}

async function adoptsPrint(when: Moment): Promise<void> {
  await using fleet = await startFleet({ speed: 100 })
  const host = new ServerHost({ log: testLog(), clock: quickClock() })
  const { hub, rig } = fleet
  const { offer, copy } = await offerAndCopy(fleet, LONG_PRINT, when, 'printing')
  const server = await restore(rig, copy, host)
  const restored = { url: `http://127.0.0.1:${server.port}` }
  try {
    await hub.polled(async () => (await call(restored, 'server.fleet.status', {})).job?.phase === 'printing')
    await call(restored, 'printer.print.cancel', {})
    const { data } = await hub.event('job.finished', offer.job)
    assert.equal(data.outcome, 'cancelled')
    await hub.slotIn('finished')
    await assertFreed(fleet, restored, offer.job, 'cancelled')
    if (when === 'before the offer') await assertRefusesFence(fleet)
    assertOnce(hub.events)
  } finally {
    await server.stop()
    await host.stop()
  }
}
