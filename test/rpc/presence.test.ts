import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../../src/rpc/connection.ts'
import { Connections } from '../../src/rpc/connections.ts'
import { Presence } from '../../src/rpc/presence.ts'
import { TRUSTED_USER } from '../../src/rpc/user.ts'
import { HandClock } from '../support/hand-clock.ts'
import { silentChannel } from '../support/silent-channel.ts'

function scene() {
  const clock = new HandClock()
  const connections = new Connections()
  const presence = new Presence(connections, clock)
  const changes: boolean[] = []
  const registration = presence.follow(isPresent => void changes.push(isPresent))
  const open = (): Connection => connections.open('websocket', '127.0.0.1', TRUSTED_USER, silentChannel)
  return { clock, connections, presence, changes, registration, open }
}

test('clients are present from the first connection until 30 s after the last', () => {
  const { clock, connections, presence, changes, open } = scene()
  const [one, other] = [open(), open()]
  connections.closed(one)
  clock.pass(100)
  connections.closed(other)
  clock.pass(29)
  assert.equal(presence.isPresent, true)
  clock.pass(1)
  assert.equal(presence.isPresent, false)
  assert.deepEqual(changes, [false, true, false])
})

test('a client that reconnects in time was present all the time', () => {
  const { clock, connections, changes, open } = scene()
  connections.closed(open())
  clock.pass(20)
  open()
  clock.pass(100)
  assert.deepEqual(changes, [false, true])
  assert.deepEqual(clock.waits(), [])
})

test('a request without a connection counts for 30 s', () => {
  const { clock, presence, changes } = scene()
  presence.note()
  clock.pass(20)
  presence.note()
  clock.pass(20)
  assert.equal(presence.isPresent, true)
  clock.pass(10)
  assert.deepEqual(changes, [false, true, false])
})

test('a removed listener gets no more calls', () => {
  const { changes, registration, open } = scene()
  registration.remove()
  open()
  assert.deepEqual(changes, [false])
})

test('clients that connected before count', () => {
  const { clock, connections, open } = scene()
  open()
  assert.equal(new Presence(connections, clock).isPresent, true)
})
