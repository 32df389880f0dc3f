import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  covers,
  type ObjectRequest,
  pick,
  pickChange,
  sameRequest,
  union,
} from '../../src/klippy/object-request.ts'

/** All requests over two objects with two fields each. */
function everyRequest(): ObjectRequest[] {
  const fieldLists = [undefined, null, [], ['x'], ['y'], ['x', 'y']]
  return fieldLists.flatMap(a =>
    fieldLists.map(b => ({ ...(a !== undefined && { a }), ...(b !== undefined && { b }) })),
  )
}

test('a union covers its parts and is the same in any order', () => {
  const requests = everyRequest()
  for (const one of requests) {
    assert.ok(sameRequest(one, union([one])))
    for (const other of requests) {
      const joined = union([one, other])
      assert.ok(covers(joined, one) && covers(joined, other))
      assert.ok(sameRequest(joined, union([other, one])))
    }
  }
})

test('a covered request is picked from the whole as from the status itself', () => {
  const status = { a: { x: 1, y: 2 }, b: { x: null, y: [3] } }
  for (const whole of everyRequest()) {
    for (const part of everyRequest()) {
      if (!covers(whole, part)) continue
      const direct = pick(status, part)
      assert.deepEqual(pick(pick(status, whole), part), direct, JSON.stringify({ whole, part }))
    }
  }
})

test('a part is not covered by less', () => {
  assert.equal(covers({}, { a: null }), false)
  assert.equal(covers({ a: ['x'] }, { a: null }), false)
  assert.equal(covers({ a: ['x'] }, { a: ['x', 'y'] }), false)
  assert.equal(covers({ a: null }, { a: ['x'], b: [] }), false)
})

test('a change is reduced to the requested fields, and to undefined without any', () => {
  const change = { a: { x: 1, y: 2 }, b: { x: 3 } }
  assert.deepEqual(pickChange(change, { a: ['x'] }), { a: { x: 1 } })
  assert.deepEqual(pickChange(change, { a: null, b: ['y'] }), { a: { x: 1, y: 2 } })
  assert.equal(pickChange(change, { c: null, b: ['y'] }), undefined)
  assert.equal(pickChange(change, {}), undefined)
  assert.equal(pickChange({}, { a: null }), undefined)
})
