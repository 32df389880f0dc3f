// Series of a bounded length.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HundredthsRing } from '../../../src/components/data-store/hundredths-ring.ts'

function ringOf(capacity: number, ...values: unknown[]): (number | null)[] {
  const ring = new HundredthsRing(capacity)
  for (const value of values) ring.push(value)
  return ring.list()
}

test('the ring keeps the newest values, oldest first', () => {
  assert.deepEqual(ringOf(3), [])
  assert.deepEqual(ringOf(3, 1, 2), [1, 2])
  assert.deepEqual(ringOf(3, 1, 2, 3), [1, 2, 3])
  assert.deepEqual(ringOf(3, 1, 2, 3, 4, 5), [3, 4, 5])
  assert.deepEqual(ringOf(1, 1, 2), [2])
})

test('values are rounded to hundredths with a short text', () => {
  assert.equal(
    JSON.stringify(ringOf(5, 23.014999, 0.1 + 0.2, -12.3456, 215.00000001, 0)),
    '[23.01,0.3,-12.35,215,0]',
  )
})

test('anything but a number is null', () => {
  assert.deepEqual(ringOf(5, null, undefined, Number.NaN, '21', 1 / 0), [null, null, null, null, null])
})

test('numbers out of range become the limits', () => {
  assert.deepEqual(ringOf(2, 1e12, -1e12), [21474836.47, -21474836.47])
})
