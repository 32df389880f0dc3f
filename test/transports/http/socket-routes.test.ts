// WebSockets of components: an error of one connection does not end the server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { component } from '../../../src/component/component.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

test('a message that a component fails on closes its connection, and no other', async () => {
  const closed = Promise.withResolvers<void>()
  const failing = component({
    section: 'failing',
    presence: 'always',
    options: {},
    create({ core, scope }) {
      const message = (text: string) => {
        throw new Error(`cannot read ${text}`)
      }
      const listener = { message, closed: () => closed.resolve() }
      scope.use(
        core.registry.serveSocket({
          path: '/failing',
          open: true,
          handle: ({ accept }) => accept(() => listener),
        }),
      )
      return {}
    },
  })
  await using rig = await startRig({ printer: 'none', components: [failing] })
  using other = await WebClient.open(rig.url)
  using client = await WebClient.open(`${rig.url}/failing`)
  client.send('this')
  assert.equal((await client.closed).code, 1011)
  await closed.promise
  assert.ok((await other.call('server.info')).result)
})
