// The words and numbers of the pages.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ago,
  baseName,
  bytes,
  duration,
  filament,
  moment,
  percent,
  temperature,
  UNKNOWN,
} from '../../src/pages/shared/format.ts'
import { jobWord, printerWord } from '../../src/pages/shared/words.ts'

test('durations have the two units that matter', () => {
  const texts = [0, 59.4, 60, 3570, 7500, 172_800].map(duration)
  assert.deepEqual(texts, ['0 s', '59 s', '1 min', '1 h 00 min', '2 h 05 min', '2 d 0 h'])
})

test('what is not known is a dash', () => {
  for (const show of [duration, temperature, percent, filament, bytes]) {
    for (const value of [null, undefined, Number.NaN, '5']) assert.equal(show(value), UNKNOWN)
  }
})

test('temperatures, parts, lengths and sizes have their units', () => {
  assert.deepEqual([temperature(21.46), temperature(200, 0)], ['21.5 °C', '200 °C'])
  assert.deepEqual([percent(0.999), percent(1.2), percent(0)], ['99 %', '100 %', '0 %'])
  assert.deepEqual([filament(1234), filament(12_340)], ['1.23 m', '12.3 m'])
  assert.deepEqual(
    [bytes(999), bytes(3400), bytes(3_400_000), bytes(2e9)],
    ['999 B', '3 kB', '3.4 MB', '2.0 GB'],
  )
})

test('a moment of another day has its day', () => {
  const now = new Date(2026, 5, 10, 12, 0).getTime()
  const today = moment(now, now)
  assert.equal(moment(now + 2 * 86_400_000, now).endsWith(today), true)
  assert.notEqual(moment(now + 2 * 86_400_000, now), today)
  assert.match(moment(now + 20 * 86_400_000, now), /30/)
})

test('the past is in words', () => {
  assert.deepEqual([0, 90, 7300, 86_400, 300_000].map(ago), [
    'just now',
    '1 min ago',
    '2 h ago',
    'yesterday',
    '3 days ago',
  ])
  assert.equal(baseName('sub/part.gcode'), 'part.gcode')
})

test('a print counts only while Klippy is ready', () => {
  assert.equal(printerWord('ready', 'printing').text, 'Printing')
  assert.equal(printerWord('ready', 'standby').text, 'Ready')
  assert.equal(printerWord('shutdown', 'printing').text, 'Klipper has shut down')
  assert.equal(printerWord('ready', 'toString').text, 'Ready')
})

test('an unknown state of a job is shown as it is', () => {
  assert.deepEqual(jobWord('completed'), { text: 'Completed', tone: 'good' })
  assert.deepEqual(jobWord('__proto__'), { text: '__proto__', tone: 'idle' })
})
