import assert from 'node:assert/strict'
import { test } from 'node:test'
import { singleFlight } from '../../src/core/single-flight.ts'

test('what is asked for at the same time is done once, and later again', async () => {
  let done = 0
  const ask = singleFlight(async key => {
    done += 1
    return `${key} ${done}`
  })
  assert.deepEqual(await Promise.all([ask('a'), ask('a'), ask('__proto__')]), ['a 1', 'a 1', '__proto__ 2'])
  assert.equal(await ask('a'), 'a 3')
})

test("a failure is everybody's who asked meanwhile, and forgotten afterwards", async () => {
  let fails = true
  const ask = singleFlight(async () => {
    if (fails) throw new Error('not now')
    return 'now'
  })
  const outcomes = await Promise.allSettled([ask(), ask()])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  fails = false
  assert.equal(await ask(), 'now')
})
