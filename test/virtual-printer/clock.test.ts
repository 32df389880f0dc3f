// Simulated time: order of timers, frozen time during work, cancelling.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { SimClock } from '../../src/virtual-printer/clock.ts'

test('timers fire in order at exactly their time, however late the process is', async () => {
  const clock = new SimClock(1000)
  const fired: number[] = []
  const wake = (time: number) => clock.until(time).then(() => fired.push(clock.now))
  await Promise.all(clock.moment(() => [5, 1, 3, 2, 4].map(wake)))
  assert.deepEqual(fired, [1, 2, 3, 4, 5])
  clock.close()
})

test('consecutive waits add up exactly', async () => {
  const clock = new SimClock(100_000)
  const start = clock.moment(() => clock.now)
  await clock.until(start)
  for (let step = 0; step < 1000; step++) await clock.until(clock.now + 0.25)
  assert.equal(Math.round((clock.now - start) * 1e6) / 1e6, 250)
  clock.close()
})

test('time is frozen while work is held', async () => {
  const clock = new SimClock(1000)
  const [before, after] = await clock.hold(async () => {
    const first = clock.now
    await wait(5)
    return [first, clock.now]
  })
  assert.equal(before, after)
  clock.close()
})

test('cancelled timers do not fire, nor any after close', async () => {
  const clock = new SimClock(1000)
  const fired: string[] = []
  clock.at(1, () => fired.push('cancelled')).cancel()
  clock.at(2, () => fired.push('kept'))
  await clock.until(3)
  clock.at(4, () => fired.push('closed'))
  clock.close()
  await wait(10)
  assert.deepEqual(fired, ['kept'])
})
