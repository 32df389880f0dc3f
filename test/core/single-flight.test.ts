import assert from 'node:assert/strict'
import { test } from 'node:test'
import { singleFlight } from '../../src/core/single-flight.ts'

test('calls at the same time run the work once, later calls again', async () => {
  let done = 0
  const run = singleFlight(async key => {
    done += 1
    return `${key} ${done}`
  })
  assert.deepEqual(await Promise.all([run('a'), run('a'), run('__proto__')]), ['a 1', 'a 1', '__proto__ 2'])
  assert.equal(await run('a'), 'a 3')
})

test('calls at the same time share a failure, later calls do not', async () => {
  let fails = true
  const run = singleFlight(async () => {
    if (fails) throw new Error('not now')
    return 'now'
  })
  const outcomes = await Promise.allSettled([run(), run()])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  fails = false
  assert.equal(await run(), 'now')
})
