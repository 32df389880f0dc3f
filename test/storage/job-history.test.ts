import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewJob } from '../../src/storage/index.ts'
import { jobIdNumber, jobIdText } from '../../src/storage/index.ts'
import { DataFolder } from './data-folder.ts'

const job = (index: number, changes: Partial<NewJob> = {}): NewJob => ({
  user: 'maker',
  filename: `part ${index}.gcode`,
  status: 'completed',
  start_time: 1000 + index * 100,
  end_time: 1050 + index * 100,
  print_duration: 40.5,
  total_duration: 50,
  filament_used: 10.25,
  metadata: { size: index, slicer: 'Größer' },
  auxiliary_data: [{ provider: 'sensor s', name: 'energy', value: 1.5, description: 'Energy', units: 'kWh' }],
  ...changes,
})

const running: Partial<NewJob> = { status: 'in_progress', end_time: null }

test('a job is added, changed and read back', async () => {
  await using folder = new DataFolder()
  const first = folder.open()
  const id = await first.jobs.add(job(1, running))
  assert.equal(id, 1)
  assert.deepEqual(first.jobs.get(1), { job_id: 1, ...job(1, running) })
  assert.equal(await first.jobs.update(1, { status: 'completed', end_time: 5, metadata: {} }), true)
  assert.equal(await first.jobs.update(2, { status: 'completed' }), false)
  assert.equal(await first.jobs.update(1, {}), true)
  await first.close()
  const expected = { job_id: 1, ...job(1, { end_time: 5, metadata: {} }) }
  assert.deepEqual(folder.open().jobs.get(1), expected)
})

test('lists by number, time, limit and offset', async () => {
  await using folder = new DataFolder()
  const { jobs } = folder.open()
  await Promise.all(Array.from({ length: 120 }, (_, index) => jobs.add(job(index + 1))))
  const ids = (filter: Parameters<typeof jobs.list>[0]) => jobs.list(filter).map(({ job_id }) => job_id)
  assert.deepEqual(
    ids({}),
    Array.from({ length: 50 }, (_, index) => 120 - index),
  )
  assert.deepEqual(ids({ order: 'asc', start: 10, limit: 3 }), [11, 12, 13])
  assert.deepEqual(ids({ start: 118 }), [2, 1])
  assert.equal(ids({ limit: 0 }).length, 120)
  assert.equal(ids({ limit: -1, start: 100 }).length, 20)
  assert.deepEqual(ids({ since: 1100, before: 1350, order: 'asc' }), [2])
  assert.deepEqual(ids({ since: 12_800 }), [120, 119])
  assert.deepEqual(ids({ before: 0 }), [])
  assert.equal(jobs.count(), 120)
  assert.equal(jobs.count({ since: 12_800, limit: 1 }), 2)
})

test('a running job is not one that ended before a time', async () => {
  await using folder = new DataFolder()
  const { jobs } = folder.open()
  await jobs.add(job(1, running))
  assert.equal(jobs.count({ before: 1e12 }), 0)
  assert.equal(jobs.count({ since: 0 }), 1)
})

test('jobs that were running are closed after a crash, once', async () => {
  await using folder = new DataFolder()
  const { jobs } = folder.open()
  await jobs.add(job(1))
  await jobs.add(job(2, running))
  await jobs.add(job(3, running))
  assert.deepEqual(await jobs.closeOpen('interrupted'), [2, 3])
  assert.deepEqual(await jobs.closeOpen('interrupted'), [])
  assert.deepEqual(
    jobs.list().map(({ status }) => status),
    ['interrupted', 'interrupted', 'completed'],
  )
})

test('one job is deleted, or all', async () => {
  await using folder = new DataFolder()
  const { jobs } = folder.open()
  for (const index of [1, 2, 3]) await jobs.add(job(index))
  assert.equal(await jobs.delete(2), true)
  assert.equal(await jobs.delete(2), false)
  assert.equal(jobs.get(2), undefined)
  assert.deepEqual(await jobs.deleteAll(), [1, 3])
  assert.equal(jobs.count(), 0)
})

test('a job with damaged cells is listed', async () => {
  await using folder = new DataFolder()
  const { jobs, db } = folder.open()
  await jobs.add(job(1))
  await db.write(writer =>
    writer.run(
      "UPDATE job_history SET metadata = ?, auxiliary_data = 'null', filename = NULL",
      Buffer.from('{"cut'),
    ),
  )
  const { metadata, auxiliary_data, filename, status } = jobs.get(1)!
  assert.deepEqual([metadata, auxiliary_data, filename, status], [{}, [], '', 'completed'])
})

test('job numbers are written as six hexadecimal digits', () => {
  assert.deepEqual([jobIdText(0), jobIdText(0xab), jobIdText(0x1234567)], ['000000', '0000AB', '1234567'])
  assert.deepEqual(['0000AB', 'ab', '0'].map(jobIdNumber), [0xab, 0xab, 0])
  assert.deepEqual(['', 'x', '-1', '1.5', 'f'.repeat(14)].map(jobIdNumber), [null, null, null, null, null])
})
