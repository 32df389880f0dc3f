// GET /healthz and /readyz: what probes get, without a login and under any host name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { component } from '../../../src/component/component.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

test('probes need no login, whatever the host name and the credentials', async () => {
  await using rig = await startRig({ printer: 'none', authorization: 'force_logins: True' })
  const headers = { Host: 'printer.example.com', Authorization: 'Bearer wrong' }
  const health = await sendRequest(rig.port, '/healthz', { headers })
  assert.deepEqual([health.status, health.json], [200, { status: 'ok' }])
  const ready = await sendRequest(rig.port, '/readyz', { headers })
  assert.deepEqual([ready.status, ready.json], [200, { status: 'ok', failed_components: [] }])
  assert.equal((await sendRequest(rig.port, '/healthz', { verb: 'POST' })).status, 405)
  assert.deepEqual(
    rig.server.warnings.list().filter(text => text.includes('printer.example.com')),
    [],
  )
})

test('?klippy demands a ready Klippy', async () => {
  await using without = await startRig({ printer: 'none' })
  const refused = await sendRequest(without.port, '/readyz?klippy')
  assert.deepEqual([refused.status, refused.json.status], [503, 'Klippy is not ready'])
  await using rig = await startRig()
  assert.equal((await sendRequest(rig.port, '/readyz?klippy')).status, 200)
})

test('a server is ready when its components have started, and names those that failed', async () => {
  const listening = Promise.withResolvers<number>()
  const mayStart = Promise.withResolvers<void>()
  const slow = component({
    section: 'slow',
    presence: 'always',
    options: {},
    create({ core }) {
      core.events.on('server:listening', ({ port }) => listening.resolve(port))
      return {
        async start() {
          await mayStart.promise
          throw new Error('it cannot start')
        },
      }
    },
  })
  const starting = startRig({ printer: 'none', components: [slow] })
  const early = await sendRequest(await listening.promise, '/readyz')
  assert.deepEqual([early.status, early.json], [503, { status: 'starting', failed_components: [] }])
  mayStart.resolve()
  await using rig = await starting
  const late = await sendRequest(rig.port, '/readyz')
  assert.deepEqual([late.status, late.json], [200, { status: 'ok', failed_components: ['slow'] }])
})
