import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SystemdJobs } from '../../../../src/components/machine/services/systemd-jobs.ts'
import { HandClock } from '../../../support/hand-clock.ts'

const PATH = '/org/freedesktop/systemd1/job/7'
const ended = (result: string, path = PATH) => [7, path, 'klipper.service', result]

/** systemd's answer to a call, which the test sends. */
function call() {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  return { start: () => promise, answer: (path = PATH) => resolve(path), refuse: reject }
}

test('a job that several callers share ends for all of them', async () => {
  const jobs = new SystemdJobs(new HandClock())
  const [first, second] = [call(), call()]
  const outcomes = Promise.all([jobs.run(first.start), jobs.run(second.start)])
  first.answer()
  second.answer()
  await Promise.all([first.start(), second.start()])
  jobs.removed(ended('failed'))
  assert.deepEqual(await outcomes, ['failed', 'failed'])
})

test('a job may end before its call is answered, and those of others do not matter', async () => {
  const jobs = new SystemdJobs(new HandClock())
  const { start, answer } = call()
  jobs.removed(ended('canceled'))
  const outcome = jobs.run(start)
  jobs.removed(ended('done'))
  jobs.removed(ended('failed', '/another'))
  answer()
  assert.equal(await outcome, 'done')
})

test('a call that is refused waits for nothing', async () => {
  const clock = new HandClock()
  const { start, refuse } = call()
  const outcome = new SystemdJobs(clock).run(start)
  refuse(new Error('denied'))
  await assert.rejects(outcome, /denied/)
  assert.deepEqual(clock.waits(), [])
})

test('a job that takes long is given up, and one whose line breaks', async () => {
  const clock = new HandClock()
  const jobs = new SystemdJobs(clock)
  const long = call()
  const outcome = jobs.run(long.start)
  long.answer()
  await long.start()
  await clock.waitFor(60)
  clock.pass(60)
  await assert.rejects(outcome, { status: 503, message: /has not finished after 60 seconds/ })
  jobs.removed(ended('done'))
  const broken = call()
  const waiting = jobs.run(broken.start)
  broken.answer()
  await clock.waitFor(60)
  jobs.end()
  await assert.rejects(waiting, { status: 503, message: /D-Bus ended/ })
  assert.deepEqual(clock.waits(), [])
  const late = call()
  late.answer()
  await assert.rejects(jobs.run(late.start), { status: 503, message: /D-Bus ended/ })
})
