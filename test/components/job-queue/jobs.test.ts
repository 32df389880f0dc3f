import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { Scene } from './scene.ts'

test('jobs are queued in order of arrival, with their fields', async () => {
  await using scene = await Scene.open()
  const before = Date.now() / 1000
  const status = await scene.call('post_job', { filenames: ['b.gcode', 'a.gcode', 'b.gcode'] })
  const [first] = status.queued_jobs
  assert.deepEqual(Object.keys(first), ['filename', 'job_id', 'time_added', 'time_in_queue'])
  assert.match(first.job_id, /^[0-9A-F]{16}$/)
  assert.ok(first.time_added >= before && first.time_in_queue >= 0)
  assert.equal(new Set(status.queued_jobs.map((job: typeof first) => job.job_id)).size, 3)
  assert.equal(status.queue_state, 'paused')
  const change = await scene.notified(({ action }) => action === 'jobs_added')
  assert.deepEqual(
    change.updated_queue.map((job: typeof first) => job.filename),
    ['b.gcode', 'a.gcode', 'b.gcode'],
  )
})

test('over HTTP: lists with commas, in the body, and reset', async () => {
  await using scene = await Scene.open()
  const { port } = scene.server
  const path = '/server/job_queue/job'
  await sendRequest(port, `${path}?filenames=a.gcode,b.gcode,%20c.gcode`, { verb: 'POST' })
  assert.deepEqual(await scene.waiting(), ['a.gcode', 'b.gcode', 'c.gcode'])
  const { json } = await postJson(port, path, { filenames: ['/c.gcode'], reset: true })
  const [job] = json.result.queued_jobs
  assert.equal(job.filename, 'c.gcode')
  await sendRequest(port, `${path}?job_ids=${job.job_id},nope`, { verb: 'DELETE' })
  assert.deepEqual(await scene.waiting(), [])
})

test('a missing file rejects the whole request', async () => {
  await using scene = await Scene.open()
  for (const name of ['no.gcode', '../a.gcode', '', '.', 'a.gcode/', 'a\0.gcode', '../../../etc/passwd']) {
    const error = { code: 400, message: `G-Code File ${name} does not exist` }
    await assert.rejects(scene.call('post_job', { filenames: ['a.gcode', name] }), error)
  }
  assert.deepEqual(await scene.waiting(), [])
})

test('removing jobs, all of them, and unknown ones', async () => {
  await using scene = await Scene.open()
  const [first, second] = await scene.add('a.gcode', 'b.gcode', 'c.gcode')
  await scene.call('delete_job', { job_ids: ['nope', second] })
  assert.deepEqual(await scene.waiting(), ['a.gcode', 'c.gcode'])
  await scene.call('delete_job', { job_ids: first })
  assert.deepEqual(await scene.waiting(), ['c.gcode'])
  await scene.call('delete_job', { all: true })
  assert.deepEqual(await scene.waiting(), [])
  await assert.rejects(scene.call('delete_job', {}), { code: 400, message: 'No data for argument: job_ids' })
})

test('jumps, moves, copies and notes are kept over restarts', async () => {
  await using scene = await Scene.open()
  const [, , third] = await scene.add('a.gcode', 'b.gcode', 'c.gcode')
  await scene.call('jump', { job_id: third })
  assert.deepEqual(await scene.waiting(), ['c.gcode', 'a.gcode', 'b.gcode'])
  await scene.call('change_job', { job_id: third, position: 1, note: 'in red' })
  await scene.call('post_job', { filenames: ['a.gcode'], copies: 2, note: 'twice' })
  const shown = async () =>
    (await scene.call('status')).queued_jobs.map(({ filename, note }: Record<string, string>) => [
      filename,
      note,
    ])
  const expected = [
    ['a.gcode', undefined],
    ['c.gcode', 'in red'],
    ['b.gcode', undefined],
    ['a.gcode', 'twice'],
    ['a.gcode', 'twice'],
  ]
  assert.deepEqual(await shown(), expected)
  const before = (await scene.call('status')).queued_jobs
  await scene.restart()
  assert.deepEqual(await shown(), expected)
  const after = (await scene.call('status')).queued_jobs
  for (const [index, job] of before.entries()) {
    assert.equal(after[index].job_id, job.job_id)
    assert.equal(after[index].time_added, job.time_added)
  }
  await scene.call('change_job', { job_id: third, position: 99, note: '' })
  assert.deepEqual((await shown()).at(-1), ['c.gcode', undefined])
  for (const method of ['jump', 'change_job']) {
    await assert.rejects(scene.call(method, { job_id: 'nope', position: 0 }), { code: 400 })
  }
})

test('a job is moved between the same two many times', async () => {
  await using scene = await Scene.open()
  const ids = await scene.add('a.gcode', 'b.gcode', 'c.gcode')
  for (let round = 0; round < 120; round += 1) {
    await scene.call('change_job', { job_id: ids[(round % 2) + 1], position: 1 })
  }
  const expected = await scene.waiting()
  await scene.restart()
  assert.deepEqual(await scene.waiting(), expected)
})

test('10,000 jobs', async () => {
  await using scene = await Scene.open()
  for (let part = 0; part < 10; part += 1) {
    await scene.call('post_job', { filenames: ['a.gcode'], copies: 1000 })
  }
  const { queued_jobs } = await scene.call('status')
  assert.equal(queued_jobs.length, 10_000)
  const last = queued_jobs.at(-1).job_id
  const jumped = await scene.call('jump', { job_id: last })
  assert.equal(jumped.queued_jobs[0].job_id, last)
  await scene.restart()
  assert.equal((await scene.call('status')).queued_jobs[0].job_id, last)
  await scene.call('post_job', { filenames: Array(10_000).fill('b.gcode') })
  await assert.rejects(scene.add('c.gcode'), { code: 400, message: /at most 20000 jobs/ })
  assert.deepEqual((await scene.call('delete_job', { all: true })).queued_jobs, [])
})
