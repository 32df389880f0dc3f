// The strategies: one value for a job from the values of a sensor.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTracker } from '../../../src/components/sensor/strategies.ts'

for (const [strategy, first, values, expected] of [
  ['basic', null, [], null],
  ['basic', null, [1, 3, 2], 2],
  ['accumulate', null, [1, 3, 2], 6],
  ['accumulate', 4, [1], 5],
  ['delta', null, [], 0],
  ['delta', null, [5, 7, 10], 5],
  ['delta', 4, [5, 7], 3],
  ['average', null, [], 0],
  ['average', null, [1, 2, 6], 3],
  ['maximum', null, [-3, -1, -2], -1],
  ['minimum', null, [3, 1, 2], 1],
  ['collect', null, [1, 2, 1], [1, 2]],
  [
    'collect',
    null,
    Array.from({ length: 102 }, (_, index) => index),
    Array.from({ length: 100 }, (_, index) => index + 2),
  ],
] as const) {
  test(`${strategy} of ${JSON.stringify(values).slice(0, 20)}, first ${first}`, () => {
    const tracker = createTracker(strategy, first)
    for (const value of values) tracker.add(value)
    assert.deepEqual(tracker.value, expected)
  })
}
