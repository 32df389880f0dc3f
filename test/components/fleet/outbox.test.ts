// The outbox: in the transaction of what it reports, in order, and bounded.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Outbox } from '../../../src/components/fleet/outbox/outbox.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { eventSchema, ulid } from '../../../src/fleet/contract/index.ts'
import { openStorage } from '../../../src/storage/index.ts'

/** Events that may wait in this test. */
const MAX_EVENTS = 10

const event = (type: string, job: string | null = null) =>
  eventSchema.read({ id: ulid(Date.now()), t: 1, boot: 'b', type, job }, '')

test('events are stored with what they report or not at all, and only telemetry is dropped', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const storage = openStorage({
    folder,
    backupFolder: join(folder, 'backup'),
    clock: systemClock,
    warn: text => assert.fail(text),
  })
  t.after(() => storage.close())
  const outbox = new Outbox(storage, MAX_EVENTS)
  const job = ulid(1)
  const failed = storage.db.write(db => {
    outbox.insert(db, [event('job.finished', job)])
    throw new Error('the history cannot be written')
  })
  await assert.rejects(failed, /history/)
  assert.deepEqual([outbox.after(0, 10), outbox.hasEventsOf(job)], [[], false])

  const first = event('job.accepted', job)
  await outbox.add(first, event('klippy.state'), event('error'))
  const types = () => outbox.after(0, 10).map(({ payload }) => JSON.parse(payload).type)
  assert.deepEqual(types(), ['job.accepted', 'klippy.state', 'error'])
  assert.equal(outbox.after(0, 1)[0]?.id, first.id)
  await outbox.add(...Array.from({ length: MAX_EVENTS - 3 }, () => event('job.started', job)))
  assert.equal(outbox.length, MAX_EVENTS)
  await outbox.add(event('job.finished', job))
  assert.deepEqual(types().slice(0, 3), ['job.accepted', 'error', 'job.started'])
  await outbox.add(event('job.finished', job), event('job.finished', job))
  assert.deepEqual(types().slice(0, 2), ['job.accepted', 'job.started'])
  // No telemetry is left: the events of jobs stay.
  assert.equal(outbox.length, MAX_EVENTS + 1)
  assert.equal(new Outbox(storage, MAX_EVENTS).length, MAX_EVENTS + 1)
})
