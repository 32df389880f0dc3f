// The client of a workshop: the list, what changes in it, and a client of each printer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Workshop, type WorkshopChange } from '../../src/client/index.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { until } from '../support/until.ts'
import { startWorkshopRig } from '../support/workshop.ts'

test('the list, a client of each printer, and changes', async t => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startWorkshopRig({
    printers: { one: {}, two: {} },
    klippySockets: new Map([['two', klippy.path]]),
  })
  const workshop = new Workshop({ url: rig.url.replace('http', 'ws') })

  await t.test('the list', async () => {
    assert.deepEqual(
      (await workshop.printers()).map(({ name }) => name),
      ['one', 'two'],
    )
  })

  await t.test('a client of a printer is that of its own API', async () => {
    await rig.until('two', ({ klippy_state }) => klippy_state === 'ready')
    using two = await workshop.printer('two')
    const mirror = await two.follow({ extruder: ['temperature'] })
    assert.equal(mirror.status.extruder.temperature, 21.5)
    using one = await workshop.printer('one', { url: `${rig.url}/one` })
    assert.equal((await one.call('server.info')).klippy_state, 'disconnected')
  })

  await t.test('changes of states and of the list', async () => {
    using mirror = await workshop.follow()
    assert.equal(mirror.printers.get('two')?.klippy_state, 'ready')
    const changes: WorkshopChange[] = []
    mirror.on('change', change => changes.push(change))
    await klippy.close()
    await until(() => mirror.printers.get('two')?.klippy_state === 'disconnected')
    rig.writeConf('three', {})
    rig.writeWorkshop({ printers: { one: {}, three: {} } })
    assert.deepEqual((await workshop.reload()).started, ['three'])
    await until(() => mirror.printers.has('three') && !mirror.printers.has('two'))
    assert.ok(changes.some(({ removed }) => removed.includes('two')))
  })

  await t.test('a printer without a camera has no picture', async () => {
    await assert.rejects(workshop.picture('one'), { name: 'CallError', code: 404 })
  })
})

test('a mirror follows the list also while the main printer restarts or does not run', async t => {
  await using rig = await startWorkshopRig({
    printers: { main: { server: 'port: many' }, other: {} },
    workshop: 'main: main',
  })
  const workshop = new Workshop({ url: rig.url })
  using mirror = await workshop.follow()
  const events: string[] = []
  mirror.on('connected', () => events.push('connected'))
  mirror.on('disconnected', () => events.push('disconnected'))
  assert.match(mirror.printers.get('main')?.error ?? '', /does not run/)

  await t.test('it has the state after its start', async () => {
    rig.writeConf('main', {})
    await until(() => mirror.printers.get('main')?.error === null)
  })

  await t.test('it connects again after a restart', async () => {
    // The next reading of the list is the first by a WebSocket.
    using main = await workshop.printer('main')
    await until(async () => (await main.call('server.info')).websocket_count === 1)
    await main.call('server.restart')
    await until(() => events.join() === 'disconnected,connected')
    rig.writeConf('third', {})
    rig.writeWorkshop({ printers: { main: {}, other: {}, third: {} }, workshop: 'main: main' })
    await workshop.reload()
    await until(() => mirror.printers.has('third'))
  })
})
