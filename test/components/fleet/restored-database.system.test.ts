// A printer whose database was restored from a backup: the slot in the engine is newer, and no job starts a second time.
import assert from 'node:assert/strict'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { ServerHost } from '../../../src/app/host.ts'
import { type RunningServer, startServer } from '../../../src/app/server.ts'
import { DATABASE_FILE } from '../../../src/storage/storage.ts'
import { call } from '../../fleet/call.ts'
import { skip } from '../../fleet/engine.ts'
import { type FleetRig, SHORT_PRINT, startFleet } from '../../fleet/fleet-rig.ts'
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

/** Lets a job end whose database is copied at some moment before, and restores the copy. */
async function printAndRestore(
  { hub, rig }: FleetRig,
  when: 'before the offer' | 'before the start',
  host: ServerHost,
) {
  await hub.slotIn('free')
  let copy = when === 'before the offer' ? copyDatabase(rig) : null
  hub.replies.push((_req, res) => {
    copy ??= copyDatabase(rig)
    res.writeHead(200, { 'Content-Length': SHORT_PRINT.length }).end(SHORT_PRINT)
  })
  const offer = await hub.offer(hub.file(SHORT_PRINT))
  await hub.event('job.finished', offer.job)
  await hub.slotIn('finished')
  assert.ok(copy)
  return { offer, server: await restore(rig, copy, host) }
}

for (const when of ['before the offer', 'before the start'] as const) {
  test(`a database of the time ${when} starts the job no second time`, { skip }, async () => {
    await using fleet = await startFleet({ speed: 100 })
    const host = new ServerHost({ log: testLog() })
    const { hub } = fleet
    const { offer, server } = await printAndRestore(fleet, when, host)
    const restored = { url: `http://127.0.0.1:${server.port}` }
    try {
      await hub.polled(async () => (await call(restored, 'server.fleet.status', {})).job?.phase === 'ended')
      const { plate_clear: isClear, job } = await call(restored, 'server.fleet.status', {})
      assert.deepEqual([isClear, job.id], [false, offer.job])
      // A person has removed the part: the printer takes offers again.
      await call(restored, 'server.job_queue.plate_clear', {})
      const slot = await hub.slotIn('free')
      assert.deepEqual([slot.last?.job, slot.last?.outcome], [offer.job, 'done'])
      const started = hub.events.filter(({ type }) => type === 'job.started')
      assert.equal(started.length, 1)
    } finally {
      await server.stop()
      await host.stop()
    }
  })
}
