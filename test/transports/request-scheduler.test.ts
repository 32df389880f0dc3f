// The order of requests: a client with many of them delays the others by one request each.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextIteration, WorkBudget } from '../../src/core/work-budget.ts'
import { RequestScheduler } from '../../src/transports/request-scheduler.ts'

/** RequestScheduler that the machine's speed does not end. */
const ANY_TIME = new WorkBudget(Number.POSITIVE_INFINITY)

/** Clients with queues of requests, and the order in which these were handled. */
function clients(scheduler: RequestScheduler, result: () => unknown) {
  const handled: string[] = []
  const handle = (name: string) => {
    handled.push(name)
    return result()
  }
  const add = (client: string, count: number) => {
    const queue: string[] = []
    const waiting = {
      handleNext: () => handle(queue.shift() ?? ''),
      get hasNext() {
        return queue.length > 0
      },
    }
    for (let i = 1; i <= count; i += 1) {
      if (queue.length === 0 && scheduler.handle(handle, `${client}${i}`)) continue
      queue.push(`${client}${i}`)
      scheduler.wait(waiting)
    }
    return waiting
  }
  return { handled, add }
}

test('a callback starts four requests whose replies come later, then each client has one after the other', async () => {
  const scheduler = new RequestScheduler(ANY_TIME)
  const { handled, add } = clients(scheduler, () => Promise.resolve())
  add('a', 7)
  add('b', 2)
  add('c', 1)
  assert.deepEqual(handled, ['a1', 'a2', 'a3', 'a4'])
  await nextIteration()
  assert.deepEqual(handled.slice(4), ['a5', 'b1', 'c1', 'a6'])
  await nextIteration()
  assert.deepEqual(handled.slice(8), ['b2', 'a7'])
})

test('an iteration ends after five milliseconds of work', async () => {
  const scheduler = new RequestScheduler()
  const { handled, add } = clients(scheduler, () => {
    for (const end = performance.now() + 6; performance.now() < end; );
  })
  add('a', 2)
  add('b', 1)
  assert.deepEqual(handled, ['a1'])
  await nextIteration()
  assert.deepEqual(handled, ['a1', 'a2'])
  await nextIteration()
  assert.deepEqual(handled, ['a1', 'a2', 'b1'])
})

test('short requests are handled at once, and those of a client that leaves not at all', async () => {
  const scheduler = new RequestScheduler(ANY_TIME)
  const { handled, add } = clients(scheduler, () => undefined)
  add('a', 3)
  assert.deepEqual(handled, ['a1', 'a2', 'a3'])
  const later = clients(scheduler, () => Promise.resolve())
  scheduler.leave(later.add('b', 5))
  await nextIteration()
  assert.deepEqual(later.handled, ['b1', 'b2', 'b3', 'b4'])
})
