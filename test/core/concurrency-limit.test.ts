import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcurrencyLimit } from '../../src/core/concurrency-limit.ts'

test('a few work, the next wait in order, and who comes to too long a line is told', async () => {
  const line = new ConcurrencyLimit({ what: 'uploads', atOnce: 2, maxWaiting: 2 })
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const begun: number[] = []
  const works = gates.map(({ promise }, index) =>
    line.run(() => {
      begun.push(index)
      return promise
    }),
  )
  assert.deepEqual(begun, [0, 1])
  await assert.rejects(
    line.run(async () => {}),
    { status: 503, message: /Too many uploads at once/ },
  )
  gates[1]?.reject(new Error('failed'))
  await assert.rejects(works[1] as Promise<void>, /failed/)
  assert.deepEqual(begun, [0, 1, 2])
  for (const { resolve } of gates) resolve()
  await Promise.all(works.filter((_, index) => index !== 1))
  assert.deepEqual(begun, [0, 1, 2, 3])
})
