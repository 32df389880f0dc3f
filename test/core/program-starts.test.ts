// Starts of programs, spread over the iterations of the event loop.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProgramStarts } from '../../src/core/program-starts.ts'
import { nextIteration } from '../../src/core/work-budget.ts'

test('each program starts in an iteration of its own', async () => {
  const starts = new ProgramStarts()
  let iteration = 0
  let hasEnded = false
  const counted = (async () => {
    for (; !hasEnded; iteration += 1) await nextIteration()
  })()
  const iterations = await Promise.all(
    Array.from({ length: 5 }, async () => {
      await starts.next()
      return iteration
    }),
  )
  hasEnded = true
  await counted
  assert.equal(new Set(iterations).size, 5, iterations.join())
})
