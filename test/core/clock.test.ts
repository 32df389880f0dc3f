import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleep, systemClock } from '../../src/core/clock.ts'
import { HandClock } from '../support/hand-clock.ts'

test('the clocks count seconds, and monotonic time never decreases', () => {
  assert.ok(Math.abs(systemClock.now() - Date.now() / 1000) < 60)
  const first = systemClock.monotonic()
  assert.ok(systemClock.monotonic() >= first)
})

test('timers run when they are due, and can be stopped', async () => {
  const ran: string[] = []
  await new Promise<void>(resolve => {
    systemClock.after(0, () => void ran.push('soon'))
    systemClock.after(0.004, () => {
      ran.push('late')
      resolve()
    })
    systemClock.after(0, () => void ran.push('never')).stop()
    setTimeout(() => {}, 1000).unref()
    const keep = setInterval(() => {}, 1)
    systemClock.after(0.005, () => clearInterval(keep))
  })
  assert.deepEqual(ran, ['soon', 'late'])
})

test('a repeated timer runs until it is stopped', async () => {
  const keep = setInterval(() => {}, 10)
  let times = 0
  await new Promise<void>(resolve => {
    const timer = systemClock.every(0.001, () => {
      times += 1
      if (times < 3) return
      timer.stop()
      resolve()
    })
  })
  clearInterval(keep)
  assert.equal(times, 3)
})

test('sleep resolves in time, or rejects with the reason of its signal', async () => {
  const clock = new HandClock()
  const slept = sleep(clock, 5)
  clock.pass(5)
  await slept
  const abort = new AbortController()
  const broken = sleep(clock, 5, abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(broken, /enough/)
  assert.deepEqual(clock.waits(), [], 'no timer is left')
  await assert.rejects(sleep(clock, 5, AbortSignal.abort(new Error('before'))), /before/)
  assert.deepEqual(clock.waits(), [])
})
