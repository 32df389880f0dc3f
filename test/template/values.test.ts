// The conversion of values between a host and its templates.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Float, float, Kwargs, namedTuple, splitArguments, toPlain } from '../../src/template/values.ts'
import { errorOf, render } from './jinja-context.ts'

test('host functions get plain values, and keyword arguments last', async () => {
  const calls: unknown[][] = []
  const call = (...received: unknown[]) => void calls.push(received)
  await render("{call()}{call(1, 2.0, 'a', none)}{call([1.0, (2,)], {'a': {'b': 3.5}})}", { call })
  assert.deepEqual(calls, [[], [1, 2, 'a', null], [[1, [2]], { a: { b: 3.5 } }]])
  calls.length = 0
  await render("{call('m', sizes=[1.0], **{'deep': {'x': 1}})}", { call })
  const [received = []] = calls
  assert.ok(received[1] instanceof Kwargs)
  assert.deepEqual(splitArguments(received), { positional: ['m'], named: { sizes: [1], deep: { x: 1 } } })
  assert.deepEqual(splitArguments([1, 2]), { positional: [1, 2], named: {} })
})

test('a function is called with its object as `this`', async () => {
  const counter = {
    count: 1,
    next() {
      this.count += 1
      return this.count
    },
  }
  assert.equal(await render('{counter.next()}{counter.next()}', { counter }), '23')
})

test('numbers: whole ones are ints, a host can mark floats, JSON keeps them', async () => {
  assert.equal(
    await render('{a} {b} {c} {a / 2} {b // 2}', { a: 4, b: float(4), c: 4.5 }),
    '4 4.0 4.5 2.0 2.0',
  )
  assert.equal(float(0.5), 0.5)
  assert.equal(JSON.stringify({ t: new Float(60) }), '{"t":60}')
  const json = `{% set d = text|fromjson %}{d.a} {d['b']} {d.c} {d}`
  assert.equal(
    await render(json, { text: '{"a": 1, "b": 1.0, "c": 1e2}' }),
    "1 1.0 100.0 {'a': 1, 'b': 1.0, 'c': 100.0}",
  )
})

test('a named tuple has items, names and a JSON form', async () => {
  const position = namedTuple({ x: 1.5, y: float(2), z: 0 })
  assert.equal(
    await render('{p.x} {p[1]} {p.z == p[2]} {p} {p|length} {p.w is defined}', { p: position }),
    '1.5 2.0 True (1.5, 2.0, 0) 3 False',
  )
  assert.equal(JSON.stringify({ position }), '{"position":[1.5,2,0]}')
})

test('Maps, Sets, big ints and absent values become Python values', async () => {
  const context = { map: new Map([['k', 1]]), set: new Set([1, 2]), big: 7n, absent: undefined, empty: null }
  assert.equal(await render('{map.k} {map} {set} {big + 1} {empty}', context), "1 {'k': 1} [1, 2] 8 None")
  assert.equal(await render('{absent is defined} {empty is defined}', context), 'False True')
  assert.equal(await render('{nothing()}', { nothing: () => undefined }), 'None')
})

test('a value that a template stores in an object of the host stays there as a plain value', async () => {
  const user: Record<string, unknown> = {}
  await render("{% do user.__setitem__('clicked', true) %}{% do user.update({'t': 5.0, 'l': [(1, 2)]}) %}", {
    user,
  })
  assert.equal(user.clicked, true)
  assert.equal(await render('{user.t} {user.l}', { user }), '5.0 [(1, 2)]')
  assert.deepEqual(toPlain(user), { clicked: true, t: 5, l: [[1, 2]] })
})

test('an object with its own look-up can be searched and iterated, and has its own type name', async () => {
  const printer = {
    typeName: 'printer',
    getItem: (key: unknown) => (key === 'fan' ? { speed: 1 } : undefined),
    keys: () => ['fan'],
  }
  assert.equal(
    await render('{% for k in printer %}{k}={printer[k].speed}{% endfor %}{printer}', { printer }),
    'fan=1<printer>',
  )
  const error = await errorOf('{printer.led.color}', { printer })
  assert.equal(error.detail, "'printer object' has no attribute 'led'")
})
