import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ChangePicker,
  covers,
  type ObjectRequest,
  pick,
  readObjectRequest,
  readSubscription,
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
  const pick = (request: ObjectRequest, from: Record<string, Record<string, unknown>> = change) =>
    new ChangePicker(request).pick(from)
  assert.deepEqual(pick({ a: ['x'] }), { a: { x: 1 } })
  assert.deepEqual(pick({ a: null, b: ['y'] }), { a: { x: 1, y: 2 } })
  assert.deepEqual(pick({ b: ['x'], c: null }), { b: { x: 3 } })
  assert.equal(pick({ c: null, b: ['y'] }), undefined)
  assert.equal(pick({ a: [] }), undefined)
  assert.equal(pick({}), undefined)
  assert.equal(pick({ a: null }, {}), undefined)
})

test('a change that is requested as a whole is not copied', () => {
  const change = { a: { x: 1, y: 2 }, b: { x: 3 } }
  for (const request of [
    { a: null, b: null, c: null },
    { a: ['x', 'y', 'z'], b: ['x'] },
  ]) {
    assert.equal(new ChangePicker(request).pick(change), change)
  }
})

test('a request with too many names is rejected before Klippy receives it', () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `name${index}`)
  const objects = (count: number) => Object.fromEntries(names(count).map(name => [name, null]))
  const large = { status: 400, message: /'objects' is too large/ }
  readObjectRequest({ objects: objects(10_000) })
  assert.throws(() => readObjectRequest({ objects: objects(50_000) }), large)
  assert.throws(() => readObjectRequest({ objects: { toolhead: names(50_000) } }), large)
  assert.throws(() => readObjectRequest({ objects: { ['x'.repeat(300_000)]: null } }), large)
  assert.throws(() => readSubscription({ objects: { toolhead: 'x,'.repeat(200_000) } }), large)
})
