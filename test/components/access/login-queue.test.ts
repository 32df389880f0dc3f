// Floods of logins from many networks: other users can still log in, and the queue is bounded.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownNetworks, LoginQueue } from '../../../src/components/access/login-queue.ts'
import { createUser, send, startAccess } from './access-rig.ts'

/** A queue that checks one login at a time; `step` ends the present check. */
function slowQueue(known = new KnownNetworks()) {
  const queue = new LoginQueue(known, 1)
  const running: PromiseWithResolvers<void>[] = []
  const order: string[] = []
  const refused: string[] = []
  const add = (address: string | null, name = String(address)) => {
    const check = () => {
      const end = Promise.withResolvers<void>()
      running.push(end)
      order.push(name)
      return end.promise
    }
    void queue.run(address, check).catch((error: { readonly status: number }) => {
      assert.equal(error.status, 503)
      refused.push(name)
    })
  }
  const step = async () => {
    await new Promise(resolve => setImmediate(resolve))
    running.shift()?.resolve()
    await new Promise(resolve => setImmediate(resolve))
  }
  return { add, step, order, refused }
}

test('a user logs in while logins of many networks wait', async () => {
  await using rig = await startAccess('max_login_attempts: 3')
  await createUser(rig, 'a')
  const from = (address: string, body: object) =>
    send(rig, 'POST', '/access/login', body, { 'X-Forwarded-For': address })
  const flood = Array.from({ length: 150 }, (_, i) =>
    from(`198.51.${i}.9`, { username: `guess ${i}`, password: 'x' }),
  )
  const user = await from('192.168.7.7', { username: 'a', password: 'pw of a' })
  assert.equal(user.status, 200)
  const statuses = (await Promise.all(flood)).map(({ status }) => status)
  assert.ok(statuses.includes(503))
  assert.ok(statuses.filter(status => status === 400).length >= 64)
})

test('networks are served in turn, however many logins each of them sends', async () => {
  const { add, step, order } = slowQueue()
  for (let i = 0; i < 4; i += 1) add('203.0.113.1', `flood ${i}`)
  add('198.51.100.1')
  for (let i = 0; i < 3; i += 1) await step()
  assert.deepEqual(order, ['flood 0', 'flood 1', '198.51.100.1', 'flood 2'])
})

test('a full queue removes a login of the network with the most', async () => {
  const { add, step, order, refused } = slowQueue()
  for (let i = 0; i <= 64; i += 1) add(`203.0.113.${i}`, `flood ${i}`)
  add('198.51.100.1')
  await step()
  await step()
  assert.deepEqual(refused, ['flood 64'])
  assert.deepEqual(order, ['flood 0', 'flood 1', '198.51.100.1'])
})

test('one owner of many IPv6 networks has one share', async () => {
  const { add, step, order } = slowQueue()
  for (let i = 0; i < 5; i += 1) add(`2001:db8:7:${i}::1`, `flood ${i}`)
  add('2001:db8:8::1')
  await step()
  await step()
  assert.deepEqual(order, ['flood 0', 'flood 1', '2001:db8:8::1'])
})

test('known networks have a queue of their own, and every second turn', async () => {
  const known = new KnownNetworks()
  known.add('198.51.100.1')
  const { add, step, order, refused } = slowQueue(known)
  for (let i = 0; i <= 64; i += 1) add(`203.0.${i}.1`, `flood ${i}`)
  add('203.1.0.1')
  for (const address of ['198.51.100.1', '192.168.1.5', null]) add(address)
  for (let i = 0; i < 5; i += 1) await step()
  assert.deepEqual(refused, ['203.1.0.1'])
  assert.deepEqual(order, ['flood 0', '198.51.100.1', 'flood 1', '192.168.1.5', 'flood 2', 'null'])
})

test('the number of known networks is bounded', () => {
  const known = new KnownNetworks()
  for (let i = 0; i < 1001; i += 1) known.add(`203.${i >> 8}.${i & 255}.1`)
  assert.equal(known.has('203.0.0.1'), false)
  assert.equal(known.has('203.0.1.1'), true)
})
