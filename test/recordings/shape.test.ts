// The comparison of replies with recorded shapes: what it must notice, and what it must let pass.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences, NAMED, shapeOf } from './shape.ts'

const recorded = { state: 'ready', temps: [1, null], bed: null, status: { fan: { speed: 0 } }, done: 'ok' }
const shape = shapeOf(recorded, path => path.at(-1) === 'status')

test('a shape holds types and no values', () => {
  assert.deepEqual(shape, {
    state: 'string',
    temps: ['null|number'],
    bed: 'null',
    status: { [NAMED]: { fan: { speed: 'number' } } },
    done: 'ok',
  })
})

test('the same fields with other values fit, and so do more fields and other names', () => {
  const reply = { state: 'shutdown', temps: [], bed: 5, status: { heater: {} }, done: 'ok', more: true }
  assert.deepEqual(differences(shape, reply), [])
})

test('each difference names the path of what is missing or of another type', () => {
  const reply = { temps: [1, 'x'], bed: null, status: { fan: { speed: 'fast' } }, done: 'done' }
  assert.deepEqual(differences(shape, reply), [
    'result.state: missing',
    'result.temps[1]: expected null|number, got string',
    'result.status.fan.speed: expected number, got string',
    'result.done: expected ok, got string',
  ])
  assert.deepEqual(differences(shape, []), ['result: expected object, got list'])
})

test('of list items only the fields that all of them have are kept', () => {
  assert.deepEqual(
    shapeOf([{ a: 1, b: 2 }, { a: 'x' }], () => false),
    [{ a: 'number|string' }],
  )
})
