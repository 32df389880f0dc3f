// [spoolman]: the active spool, spools of tools, reports of use, and what happens when Spoolman fails.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quickClock } from '../../support/quick-clock.ts'
import { Scene } from './scene.ts'

const notified = (scene: Scene, method: string) =>
  scene.client.frames.filter(frame => frame.method === method).map(({ params }) => params[0])

test('sets, returns and clears the active spool, and notifies of changes only', async () => {
  await using scene = await Scene.start()
  assert.deepEqual(await scene.status(), { spoolman_connected: true, pending_reports: [], spool_id: null })
  assert.deepEqual((await scene.call('post_spool_id', { spool_id: 1 })).result, { spool_id: 1 })
  assert.deepEqual((await scene.call('post_spool_id', { spool_id: 1 })).result, { spool_id: 1 })
  assert.deepEqual((await scene.call('post_spool_id', { spool_id: '2' })).result, { spool_id: 2 })
  assert.deepEqual((await scene.call('get_spool_id')).result, { spool_id: 2 })
  assert.deepEqual((await scene.call('post_spool_id')).result, { spool_id: null })
  assert.equal((await scene.call('post_spool_id', { spool_id: 'abc' })).error.code, 400)
  assert.deepEqual(notified(scene, 'notify_active_spool_set'), [
    { spool_id: 1 },
    { spool_id: 2 },
    { spool_id: null },
  ])
})

test('reports the growth of the extruder position, without retractions', async () => {
  await using scene = await Scene.start()
  await scene.set(1)
  await scene.move(4)
  await scene.move(2)
  await scene.move(6.5)
  await scene.reported(1, 6.5)
  assert.equal(scene.spoolman.used(1), 6.5)
  const [first, ...others] = scene.spoolman.requests.map(({ method, path }) => `${method} ${path}`)
  assert.equal(first, 'GET /api/v1/spool/1')
  assert.deepEqual(new Set(others), new Set(['PUT /api/v1/spool/1/use']))
})

test('counts filament for the spool that was active when the extruder moved', async () => {
  await using scene = await Scene.start()
  await scene.move(1)
  await scene.set(1)
  await scene.move(3)
  await scene.set(2)
  await scene.move(7)
  await Promise.all([scene.reported(1, 2), scene.reported(2, 4)])
  assert.deepEqual([scene.spoolman.used(1), scene.spoolman.used(2)], [2, 4])
})

test('reports the use of a tool to the spool of the tool', async () => {
  await using scene = await Scene.start()
  await scene.set(1)
  assert.deepEqual((await scene.call('post_spool_id', { spool_id: 3, tool: 1 })).result, {
    spool_id: 3,
    tool: 1,
  })
  assert.deepEqual((await scene.call('get_spool_id', { tool: 1 })).result, { spool_id: 3, tool: 1 })
  assert.deepEqual((await scene.call('get_spool_id')).result, { spool_id: 1 })
  assert.deepEqual((await scene.status()).tool_spools, { 1: 3 })
  await scene.move(5)
  await scene.move(0, 'extruder1')
  await scene.move(2, 'extruder1')
  await scene.move(6, 'extruder')
  await Promise.all([scene.reported(1, 6), scene.reported(3, 2)])
  await scene.call('post_spool_id', { tool: 1 })
  assert.deepEqual(notified(scene, 'notify_tool_spools_changed'), [
    { tool_spools: { 1: 3 } },
    { tool_spools: {} },
  ])
  assert.equal((await scene.status()).tool_spools, undefined)
})

test('keeps the use of an outage, and reports it after reconnecting', async () => {
  await using scene = await Scene.start()
  await scene.set(2)
  await scene.spoolman.close()
  await scene.connected(false)
  await scene.move(3)
  assert.deepEqual(await scene.status(), {
    spoolman_connected: false,
    pending_reports: [{ spool_id: 2, filament_used: 3 }],
    spool_id: 2,
  })
  await scene.spoolman.listen()
  await scene.reported(2, 3)
  assert.equal(scene.spoolman.used(2), 3)
  await scene.connected(true)
  assert.deepEqual(notified(scene, 'notify_spoolman_status_changed').slice(-2).map(Object.values), [
    [false],
    [true],
  ])
})

test('reports what is used during a report that takes longer than sync_rate', async () => {
  await using scene = await Scene.start()
  await scene.set(1)
  const arrived = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  scene.spoolman.beforeReply = ({ path }) => {
    if (!path.endsWith('/use')) return undefined
    arrived.resolve()
    return released.promise
  }
  await scene.move(10)
  await arrived.promise
  await scene.move(15)
  const clock = quickClock(20)
  // The time of two reports.
  await new Promise<void>(resolve => void clock.after(2, resolve))
  released.resolve()
  await scene.reported(1, 15)
})

test('connects to a server that starts later', async () => {
  await using scene = await Scene.start({ isListening: false })
  assert.equal((await scene.status()).spoolman_connected, false)
  await scene.spoolman.listen()
  await scene.connected(true)
})

test('reports a refused amount again, together with what was used since', async () => {
  await using scene = await Scene.start()
  await scene.set(1)
  let refusals = 0
  scene.spoolman.failure = ({ method }) => {
    if (method !== 'PUT' || ++refusals > 2) return null
    return { status: 500, body: 'database locked' }
  }
  await scene.move(2)
  await scene.reported(1, 2)
  assert.deepEqual(scene.spoolman.reports(), [
    [1, 2],
    [1, 2],
    [1, 2],
  ])
  assert.equal(scene.rig.log.filter(line => line.includes('its use is reported later')).length, 1)
})

for (const failure of ['drop before', 'drop after'] as const) {
  test(`counts a report once if the connection ends: ${failure}`, async () => {
    await using scene = await Scene.start()
    await scene.set(1)
    let isFirst = true
    scene.spoolman.failure = ({ method }) => {
      if (method !== 'PUT' || !isFirst) return null
      isFirst = false
      return failure
    }
    await scene.move(2)
    await scene.spoolman.until(() => scene.spoolman.reports().length > 0)
    await scene.move(5)
    await scene.reported(1, 5)
    assert.equal(scene.spoolman.used(1), 5)
  })
}

test('clears a spool that Spoolman does not have', async () => {
  await using scene = await Scene.start()
  await scene.set(77)
  await scene.set(77, 1)
  await scene.move(2)
  await scene.client.notified('notify_active_spool_set', 2)
  assert.deepEqual(await scene.status(), { spoolman_connected: true, pending_reports: [], spool_id: null })
})

test('clears a spool that is deleted in Spoolman, and ignores other events', async () => {
  await using scene = await Scene.start()
  await scene.set(3)
  scene.spoolman.sendText('no JSON')
  scene.spoolman.event('deleted', { id: 3 }, 'filament')
  scene.spoolman.event('deleted', { id: 2 })
  scene.spoolman.event('deleted', null)
  scene.spoolman.event('updated', { id: 3 })
  scene.spoolman.event('deleted', { id: 3 })
  await scene.client.notified('notify_active_spool_set', 2)
  assert.deepEqual(notified(scene, 'notify_active_spool_set'), [{ spool_id: 3 }, { spool_id: null }])
})

test('finds a spool that was deleted during an outage', async () => {
  await using scene = await Scene.start()
  await scene.set(2)
  await scene.spoolman.close()
  scene.spoolman.spools.delete(2)
  await scene.spoolman.listen()
  await scene.client.notified('notify_active_spool_set', 2)
  assert.equal((await scene.status()).spool_id, null)
})

test('a refused spool does not hold up the others', async () => {
  await using scene = await Scene.start()
  scene.spoolman.failure = ({ path }) => (path.includes('/1') ? { status: 422, body: '{}' } : null)
  await scene.set(1)
  await scene.move(2)
  await scene.set(2)
  await scene.move(3)
  await scene.reported(2, 1)
  assert.deepEqual((await scene.status()).pending_reports.at(0), { spool_id: 1, filament_used: 2 })
})

test('macros set and clear spools', async () => {
  await using scene = await Scene.start()
  scene.klippy.call('spoolman_set_active_spool', { spool_id: 2 })
  scene.klippy.call('spoolman_set_active_spool', { spool_id: 'two' })
  scene.klippy.call('spoolman_set_active_spool', { spool_id: 3, tool: 1 })
  scene.klippy.call('spoolman_set_active_spool', {})
  await scene.client.notified('notify_active_spool_set', 2)
  assert.deepEqual(notified(scene, 'notify_active_spool_set'), [{ spool_id: 2 }, { spool_id: null }])
  assert.deepEqual((await scene.status()).tool_spools, { 1: 3 })
})

test('jobs record the spools', async () => {
  await using scene = await Scene.start()
  const { client, klippy } = scene
  const print = (state: string) => klippy.push('print_stats', { state, filename: 'a.gcode' })
  await scene.set(1)
  await client.call('printer.objects.subscribe', { objects: { print_stats: null, toolhead: null } })
  print('printing')
  await client.notified('notify_history_changed')
  await scene.set(2)
  await scene.set(1)
  await scene.set(null)
  print('complete')
  const { params } = await client.notified('notify_history_changed', 2)
  assert.deepEqual(params[0].job.auxiliary_data, [
    {
      provider: 'spoolman',
      name: 'spool_ids',
      value: [1, 2, null],
      description: 'Spool IDs used',
      units: null,
    },
  ])
})

test('closes the WebSocket with a close frame when the server stops', async () => {
  const scene = await Scene.start()
  const { spoolman } = scene
  await scene.set(1)
  await scene.rig.server.stop()
  await spoolman.until(() => spoolman.lastClose !== '')
  assert.equal(spoolman.lastClose, '1001 Moonraker Shutdown')
  await scene[Symbol.asyncDispose]()
})
