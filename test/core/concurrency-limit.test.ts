import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { ConcurrencyLimit, forEachConcurrently } from '../../src/core/concurrency-limit.ts'

/** A limit whose tasks run until the test ends them, in the order of their numbers. */
function scene(maxRunning: number, maxQueued: number) {
  const limit = new ConcurrencyLimit({ what: 'uploads', maxRunning, maxQueued })
  const started: number[] = []
  const ends: PromiseWithResolvers<void>[] = []
  const add = (signal?: AbortSignal) => {
    const number = ends.push(Promise.withResolvers()) - 1
    return limit.run(() => {
      started.push(number)
      return ends[number]?.promise
    }, signal)
  }
  return { add, started, ends }
}

test('a few tasks run, the next ones wait in order, and a full queue rejects', async () => {
  const { add, started, ends } = scene(2, 2)
  const tasks = [add(), add(), add(), add()]
  assert.deepEqual(started, [0, 1])
  await assert.rejects(add(), { status: 503, message: 'Too many uploads at once, try again later' })
  ends[1]?.reject(new Error('failed'))
  await assert.rejects(tasks[1] as Promise<void>, /failed/)
  assert.deepEqual(started, [0, 1, 2])
  for (const { resolve } of ends) resolve()
  await Promise.all(tasks.toSpliced(1, 1))
  assert.deepEqual(started, [0, 1, 2, 3])
})

test('an aborted task leaves the queue with the reason, and its place in the queue is free', async () => {
  const { add, started, ends } = scene(1, 1)
  const first = add()
  const controller = new AbortController()
  const waiting = add(controller.signal)
  controller.abort(new Error('client gone'))
  await assert.rejects(waiting, /client gone/)
  await assert.rejects(add(controller.signal), /client gone/)
  const last = add()
  for (const { resolve } of ends) resolve()
  await Promise.all([first, last])
  assert.deepEqual(started, [0, 3])
})

test('a task that has started ignores the signal of its place', async () => {
  const { add, ends } = scene(1, 1)
  const controller = new AbortController()
  const first = add()
  const second = add(controller.signal)
  ends[0]?.resolve()
  await first
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  controller.abort()
  ends[1]?.resolve()
  await second
})

test('items are processed a few at a time, in their order', async () => {
  const started: number[] = []
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const all = forEachConcurrently(ends.keys(), 2, index => {
    started.push(index)
    return ends[index]?.promise
  })
  assert.deepEqual(started, [0, 1])
  for (const { resolve } of ends) resolve()
  await all
  assert.deepEqual(started, [0, 1, 2, 3])
})

test('after an error no further item starts, and the running ones end first', async () => {
  const started: number[] = []
  const running = Promise.withResolvers<void>()
  let hasEnded = false
  const all = forEachConcurrently([0, 1, 2], 2, async item => {
    started.push(item)
    if (item === 0) throw new Error('disk full')
    await running.promise
    hasEnded = true
  })
  setImmediate(() => running.resolve())
  await assert.rejects(all, /disk full/)
  assert.deepEqual([started, hasEnded], [[0, 1], true])
})
