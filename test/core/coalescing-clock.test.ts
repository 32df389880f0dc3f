import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/core/clock.ts'
import { CoalescingClock } from '../../src/core/coalescing-clock.ts'
import { HandClock } from '../support/hand-clock.ts'

/** A clock on a hand clock, and when which task has run. */
function scene() {
  const hand = new HandClock()
  const clock = new CoalescingClock(hand)
  const runs: string[] = []
  const every = (seconds: number, name: string) =>
    clock.every(seconds, () => void runs.push(`${name} ${Number(hand.monotonic().toFixed(3))}`))
  return { hand, clock, runs, every }
}

test('tasks that started at different times run together, each at its own period', () => {
  const { hand, runs, every } = scene()
  every(1, 'a')
  hand.pass(0.3)
  every(1, 'b')
  hand.pass(0.4)
  every(2, 'c')
  assert.equal(hand.waits().length, 1)
  hand.pass(3.3)
  assert.deepEqual(runs, ['a 1', 'a 2', 'b 2', 'a 3', 'b 3', 'c 3', 'a 4', 'b 4'])
})

test('a task with a shorter period does not wait for the others', () => {
  const { hand, runs, every } = scene()
  every(10, 'long')
  every(1, 'short')
  hand.pass(1)
  assert.deepEqual(runs, ['short 1'])
})

test('a stopped task does not run, and without tasks no timer is left', () => {
  const { hand, runs, every } = scene()
  const a = every(1, 'a')
  const b = every(1, 'b')
  a.stop()
  hand.pass(1)
  assert.deepEqual(runs, ['b 1'])
  b.stop()
  assert.deepEqual(hand.waits(), [])
  every(1, 'c')
  hand.pass(1)
  assert.deepEqual(runs, ['b 1', 'c 2'])
})

test('a task may stop another that is due at the same time', () => {
  const { hand, clock, runs } = scene()
  clock.every(1, () => other.stop())
  const other = clock.every(1, () => void runs.push('other'))
  hand.pass(2)
  assert.deepEqual(runs, [])
})

test('while the process is awake, tasks that are due soon run early and keep their grid', () => {
  const { hand, clock, runs, every } = scene()
  every(1, 'a')
  hand.pass(0.6)
  clock.awake()
  assert.deepEqual(runs, [])
  hand.pass(0.2)
  clock.awake()
  clock.awake()
  assert.deepEqual(runs, ['a 0.8'])
  hand.pass(0.9)
  clock.awake()
  assert.deepEqual(runs, ['a 0.8', 'a 1.7'])
  assert.equal(hand.waits().length, 1)
})

test('a task runs late once when the process is not awake any more, and then on its grid', () => {
  const { hand, clock, runs, every } = scene()
  every(1, 'a')
  for (let time = 0; time < 12; time += 1) {
    hand.pass(0.25)
    clock.awake()
  }
  assert.deepEqual(runs, ['a 0.75', 'a 1.75', 'a 2.75'])
  hand.pass(10)
  const [late = 0, ...others] = runs.slice(3).map(run => Number(run.slice(2)))
  assert.ok(late <= 6, String(late))
  const onGrid = others.map((_time, index) => Math.ceil(late) + 1 + index)
  assert.deepEqual(others, onGrid)
})

test('while the process is awake, the timer of the tasks fires rarely', () => {
  const { hand, clock, every } = scene()
  every(1, 'a')
  let timers = 0
  const after = hand.after.bind(hand)
  hand.after = (seconds, task) => {
    timers += 1
    return after(seconds, task)
  }
  for (let time = 0; time < 120; time += 1) {
    hand.pass(0.25)
    clock.awake()
  }
  assert.ok(timers <= 11, String(timers))
})

test('runs that were missed are skipped', () => {
  const hand = new HandClock()
  let skipped = 0
  // A clock whose timers fire 100 s late: the machine was suspended.
  const suspended: Clock = {
    now: () => hand.now(),
    monotonic: () => hand.monotonic() + skipped,
    every: (seconds, task) => hand.every(seconds, task),
    after: (seconds, task) => hand.after(seconds, task),
  }
  const clock = new CoalescingClock(suspended)
  const runs: number[] = []
  clock.every(1, () => void runs.push(clock.monotonic()))
  skipped = 100
  hand.pass(1)
  hand.pass(1)
  assert.deepEqual(runs, [101, 102])
})

test('times and single timers are those of the clock', () => {
  const { hand, clock } = scene()
  hand.pass(5)
  assert.equal(clock.monotonic(), 5)
  assert.equal(clock.now(), hand.now())
  let ran = false
  clock.after(0.25, () => {
    ran = true
  })
  hand.pass(0.25)
  assert.ok(ran)
})
