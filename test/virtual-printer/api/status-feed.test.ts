// objects/list, query and subscribe: full replies, then only changes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPrinter } from '../printer-rig.ts'

test('unknown objects are empty, unknown fields null, no objects is no status', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  const answer = await client.call('objects/query', { objects: { nosuch: null, toolhead: ['nofield'] } })
  assert.deepEqual(answer.status, { nosuch: {}, toolhead: { nofield: null } })
  assert.equal(typeof answer.eventtime, 'number')
  assert.deepEqual((await client.call('objects/query', { objects: {} })).status, {})
})

test('every listed object can be queried', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  const { objects } = (await client.call('objects/list')) as { objects: string[] }
  const wanted = Object.fromEntries(objects.map(name => [name, null]))
  const { status } = (await client.call('objects/query', { objects: wanted })) as {
    status: Record<string, Record<string, unknown>>
  }
  assert.deepEqual(Object.keys(status), objects)
  for (const name of objects) assert.equal(typeof status[name], 'object', name)
})

test('the reply to a subscription is complete, updates contain only changes', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  const first = await client.subscribe({ print_stats: null, gcode_move: ['speed_factor'], nosuch: null })
  assert.deepEqual(first.gcode_move, { speed_factor: 1 })
  assert.deepEqual(first.nosuch, {})
  await client.script('M220 S50')
  const message = await client.until(() => client.messages[0])
  const { status, eventtime } = message.params as { status: unknown; eventtime: unknown }
  assert.equal(message.method, 'status')
  assert.equal(typeof eventtime, 'number')
  assert.deepEqual(status, { gcode_move: { speed_factor: 0.5 } })
})

test('a new subscription replaces the one before, connections do not mix', async () => {
  await using rig = await startPrinter()
  const [one, two] = [await rig.connect(), await rig.connect()]
  await one.subscribe({ gcode_move: ['speed_factor'] })
  await two.subscribe({ gcode_move: ['extrude_factor'] })
  await one.subscribe({ gcode_move: ['absolute_coordinates'] })
  await two.script('G91\nM220 S50\nM221 S50')
  await one.until(() => one.messages[0])
  await two.until(() => two.messages[0])
  assert.deepEqual(one.pushed('gcode_move', 'absolute_coordinates'), [false])
  assert.deepEqual(one.pushed('gcode_move', 'speed_factor'), [])
  assert.deepEqual(two.pushed('gcode_move', 'extrude_factor'), [0.5])
})

test('eventtime never decreases', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  await client.subscribe({ toolhead: ['estimated_print_time'] })
  await client.until(() => client.messages.length >= 3)
  const times = client.messages.map(message => (message.params as { eventtime: number }).eventtime)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
})
