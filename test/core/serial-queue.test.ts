import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SerialQueue } from '../../src/core/serial-queue.ts'

test('tasks run one after the other, also after one that fails', async () => {
  const queue = new SerialQueue()
  const order: string[] = []
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const first = queue.run(async () => {
    order.push('first starts')
    await gate
    order.push('first ends')
    throw new Error('it went badly')
  })
  const second = queue.run(() => {
    order.push('second')
    return 2
  })
  const settled = queue.idle().then(() => order.push('settled'))
  open()
  await assert.rejects(first, /it went badly/)
  assert.equal(await second, 2)
  await settled
  assert.deepEqual(order, ['first starts', 'first ends', 'second', 'settled'])
})
