import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PolledStates } from '../../../../src/components/machine/services/polled-states.ts'
import type { ServiceStates } from '../../../../src/components/machine/services/provider.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { testLog } from '../../../support/test-log.ts'

/** Polls every 2 s; each question waits for its answer. */
function polled() {
  const clock = new HandClock()
  const questions: PromiseWithResolvers<ServiceStates>[] = []
  const reports: ServiceStates[] = []
  const states = new PolledStates({
    clock,
    log: testLog({ clock }),
    period: 2,
    query() {
      const question = Promise.withResolvers<ServiceStates>()
      questions.push(question)
      return question.promise
    },
    report: each => void reports.push(each),
  })
  return { clock, questions, reports, states }
}

const NOTHING: ServiceStates = new Map()

test('the next question comes a period after the last answer, whether it was good or bad', async () => {
  const { clock, questions, reports, states } = polled()
  states.start()
  states.start()
  for (let calls = 1; calls <= 4; calls += 1) {
    assert.deepEqual(clock.waits(), [2])
    clock.pass(2)
    assert.equal(questions.length, calls)
    clock.pass(10)
    assert.equal(questions.length, calls, 'one at a time')
    if (calls % 2 === 0) questions[calls - 1]!.reject(new Error('down'))
    else questions[calls - 1]!.resolve(NOTHING)
    await clock.waitFor(2)
  }
  assert.equal(reports.length, 2)
})

test('an extra query does not double the rate', async () => {
  const { clock, questions, states } = polled()
  states.start()
  clock.pass(2)
  const calls = states.refresh()
  for (const question of questions) question.resolve(NOTHING)
  await calls
  await clock.waitFor(2)
  assert.deepEqual(clock.waits(), [2])
})

test('once stopped it neither queries nor reports', async () => {
  const { clock, questions, reports, states } = polled()
  states.start()
  clock.pass(2)
  const calls = states.refresh()
  states.stop()
  for (const question of questions) question.resolve(NOTHING)
  await calls
  assert.deepEqual([clock.waits(), reports], [[], []])
})
