// Starts of programs, spread over the turns of the event loop.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProgramStarts } from '../../src/core/program-starts.ts'
import { nextTurn } from '../../src/core/turn-budget.ts'

test('each program starts in a turn of its own', async () => {
  const starts = new ProgramStarts()
  let turn = 0
  let hasEnded = false
  const counted = (async () => {
    for (; !hasEnded; turn += 1) await nextTurn()
  })()
  const turns = await Promise.all(
    Array.from({ length: 5 }, async () => {
      await starts.next()
      return turn
    }),
  )
  hasEnded = true
  await counted
  assert.equal(new Set(turns).size, 5, turns.join())
})
