// The event that other components receive when files are added to the queue.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Core } from '../../../src/component/component.ts'
import { JobQueue } from '../../../src/components/job-queue/job-queue.ts'
import { QueueStore } from '../../../src/components/job-queue/queue-store.ts'
import { WaitingJobs } from '../../../src/components/job-queue/waiting-jobs.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { EventBus } from '../../../src/core/events.ts'
import { dataPaths } from '../../../src/core/paths.ts'
import { openStorage } from '../../../src/storage/index.ts'

const SETTINGS = {
  load_on_startup: false,
  automatic_transition: false,
  job_transition_delay: 0.01,
  job_transition_gcode: '',
}
const ORDER = { reset: false, note: null, now: 0 }

test('job:queued names the added files and the user once they are stored', async t => {
  const paths = dataPaths(mkdtempSync(join(tmpdir(), 'queued-')))
  t.after(() => rmSync(paths.data, { recursive: true }))
  for (const folder of [paths.gcodes, paths.database]) mkdirSync(folder, { recursive: true })
  for (const name of ['a.gcode', 'b.gcode']) writeFileSync(join(paths.gcodes, name), '')
  const storage = openStorage({
    folder: paths.database,
    backupFolder: paths.backup,
    clock: systemClock,
    warn: assert.fail,
  })
  t.after(() => storage.close())
  const events = new EventBus((_event, error) => assert.fail(String(error)))
  const store = new QueueStore(storage)
  const core = { events, paths } as Core
  const queue = new JobQueue(core, SETTINGS, new WaitingJobs(store), () => undefined)
  queue.load()
  const received: unknown[] = []
  events.on('job:queued', (filenames, user) => {
    received.push([filenames, user, store.load().jobs.length])
  })
  await queue.add({ ...ORDER, filenames: ['b.gcode', 'a.gcode', 'b.gcode'], copies: 2, user: 'ada' })
  await assert.rejects(queue.add({ ...ORDER, filenames: ['no.gcode'], copies: 1, user: null }), /no\.gcode/)
  assert.deepEqual(received, [[['b.gcode', 'a.gcode'], 'ada', 6]])
})
