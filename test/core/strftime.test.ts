// Dates in the format of strftime.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { strftime } from '../../src/core/strftime.ts'

const DATE = new Date(2024, 1, 3, 4, 5, 6, 7)

test('every code', () => {
  const codes = '%Y %y %m %d %H %I %M %S %p %j %a %A %b %B %u %w %f %% %F %T %D'
  assert.equal(
    strftime(codes, DATE),
    '2024 24 02 03 04 04 05 06 AM 034 Sat Saturday Feb February 6 6 007000 % 2024-02-03 04:05:06 02/03/24',
  )
  assert.equal(strftime('%s', DATE), String(Math.floor(DATE.getTime() / 1000)))
})

test('midnight and noon, and the last day of a leap year', () => {
  assert.equal(strftime('%I%p', new Date(2024, 0, 1, 0)), '12AM')
  assert.equal(strftime('%I%p', new Date(2024, 0, 1, 12)), '12PM')
  assert.equal(strftime('%j %u', new Date(2024, 11, 29)), '364 7')
})

test('unknown codes and a percent sign at the end stay', () => {
  assert.equal(strftime('%Q %', DATE), '%Q %')
})
