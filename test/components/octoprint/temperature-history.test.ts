// Series of temperatures as points in time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temperatureHistory } from '../../../src/components/octoprint/temperature-history.ts'

const NAMES = new Map([
  ['extruder', 'tool0'],
  ['heater_bed', 'bed'],
])
const STORE = {
  extruder: { temperatures: [20, 21, 22], targets: [0, 0, 200] },
  heater_bed: { temperatures: [null, 30] },
  dryer: { temperatures: [40] },
}

test('points go up to now, with what was known at the time', () => {
  assert.deepEqual(temperatureHistory(STORE, NAMES, 300, 1000.7), [
    { time: 998, tool0: { actual: 20, target: 0 } },
    { time: 999, tool0: { actual: 21, target: 0 } },
    { time: 1000, tool0: { actual: 22, target: 200 }, bed: { actual: 30, target: 0 } },
  ])
})

test('the newest are given where fewer are wanted; of nothing nothing is known', () => {
  assert.deepEqual(
    temperatureHistory(STORE, NAMES, 2, 1000).map(({ time }) => time),
    [999, 1000],
  )
  assert.deepEqual(temperatureHistory(STORE, NAMES, 0, 1000), [])
  assert.deepEqual(temperatureHistory({}, NAMES, 300, 1000), [])
})
