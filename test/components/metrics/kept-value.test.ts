// A value of another machine or a disk: how often it is read, and what is shown meanwhile.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeptValue } from '../../../src/components/metrics/kept-value.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { testLog } from '../../support/test-log.ts'

test('a value is read once in its period, sooner after a failure, and never twice at a time', async () => {
  const clock = new HandClock()
  const reads: PromiseWithResolvers<number>[] = []
  const read = () => {
    const next = Promise.withResolvers<number>()
    reads.push(next)
    return next.promise
  }
  const kept = new KeptValue({ what: 'a number', read, period: 60, retry: 5, clock, log: testLog() })
  const settled = () => new Promise(resolve => setImmediate(resolve))

  const [first, second] = [kept.get(), kept.get()]
  assert.equal(reads.length, 1)
  reads[0]?.resolve(1)
  assert.deepEqual([await first, await second], [1, 1])
  clock.pass(59)
  assert.deepEqual([await kept.get(), reads.length], [1, 1])

  clock.pass(1)
  assert.deepEqual(
    [await kept.get(), reads.length],
    [1, 2],
    'it shows the last value until it has the next one',
  )
  clock.pass(600)
  assert.deepEqual([await kept.get(), reads.length], [1, 2], 'a read that hangs is not repeated')
  reads[1]?.reject(new Error('the disk does not respond'))
  await settled()
  assert.deepEqual([await kept.get(), reads.length], [null, 2])
  clock.pass(5)
  assert.deepEqual([await kept.get(), reads.length], [null, 3])
  reads[2]?.resolve(3)
  await settled()
  assert.equal(await kept.get(), 3)
})
