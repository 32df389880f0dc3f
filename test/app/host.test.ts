import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerHost } from '../../src/app/host.ts'
import { component } from '../../src/component/component.ts'
import type { HostPart } from '../../src/component/host.ts'
import { Scope } from '../../src/core/scope.ts'
import { startRig } from '../support/rig.ts'
import { testLog } from '../support/test-log.ts'
import { WebClient } from '../support/web-client.ts'

function startHost() {
  const lines: string[] = []
  const log = testLog({ console: line => lines.push(line) })
  return { host: new ServerHost({ log }), lines }
}

/** A part that records its life. */
function radio(stop: () => Promise<void> | void = () => {}) {
  const events: string[] = []
  const part: HostPart<{ readonly number: number }> = {
    name: 'the radio',
    create() {
      events.push('created')
      return { number: events.length }
    },
    async stop() {
      events.push('stops')
      await stop()
      events.push('stopped')
    },
  }
  return { part, events }
}

test('a part is created for its first user, shared, and stops after the last', async () => {
  const { host } = startHost()
  const { part, events } = radio()
  const [first, second] = [new Scope(), new Scope()]
  assert.equal(host.use(part, first), host.use(part, second))
  first.close()
  first.close()
  assert.deepEqual(events, ['created'])
  second.close()
  await host.stop()
  assert.deepEqual(events, ['created', 'stops', 'stopped'])
})

test('a part is created again after its last user', () => {
  const { host } = startHost()
  const { part, events } = radio()
  const scope = new Scope()
  const before = host.use(part, scope)
  scope.close()
  assert.notEqual(host.use(part, scope), before)
  assert.deepEqual(
    events.filter(event => event === 'created'),
    ['created', 'created'],
  )
})

test('a host that stops stops the parts in use, waits for them, and gives no more', async () => {
  const { host } = startHost()
  const { promise, resolve } = Promise.withResolvers<void>()
  const { part, events } = radio(() => promise)
  const scope = new Scope()
  host.use(part, scope)
  const stopped = host.stop().then(() => events.push('host stopped'))
  scope.close()
  assert.throws(() => host.use(part, scope), /the host has stopped: the radio cannot be used/)
  resolve()
  await stopped
  assert.deepEqual(events, ['created', 'stops', 'stopped', 'host stopped'])
})

test('a part that fails to stop is logged and does not keep the host', async () => {
  const { host, lines } = startHost()
  const { part } = radio(() => {
    throw new Error('stuck')
  })
  host.use(part, new Scope())
  await host.stop()
  assert.match(lines.join(), /the radio did not stop cleanly: Error: stuck/)
})

test('two servers share one host: both serve, one stops, the other continues', async () => {
  const { host } = startHost()
  const { part, events } = radio()
  const numbers: number[] = []
  const listener = component({
    section: 'radio_listener',
    presence: 'always',
    options: {},
    create({ core, scope }) {
      numbers.push(core.host.use(part, scope).number)
      return {}
    },
  })
  await using left = await startRig({ host, components: [listener], printer: 'none' })
  await using right = await startRig({ host, components: [listener], printer: 'none' })
  assert.deepEqual([numbers, events], [[1, 1], ['created']])
  const clients = [await WebClient.open(left.url), await WebClient.open(right.url)]
  const samples = await Promise.all(clients.map(client => client.notified('notify_proc_stat_update')))
  assert.equal(samples.length, 2)
  for (const client of clients) assert.equal((await client.call('server.info')).result.websocket_count, 1)

  await left.server.stop()
  assert.deepEqual(events, ['created'])
  const [, remaining] = clients
  assert.ok(remaining !== undefined)
  const from = remaining.frames.length
  await remaining.find(({ method }, index) => index >= from && method === 'notify_proc_stat_update')
  assert.ok((await remaining.call('server.info')).result.components.includes('radio_listener'))

  await right.server.stop()
  for (const client of clients) client[Symbol.dispose]()
  await host.stop()
  assert.deepEqual(events, ['created', 'stops', 'stopped'])
})
