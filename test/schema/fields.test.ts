import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  anyOf,
  bool,
  choice,
  commaList,
  type Field,
  float,
  Invalid,
  int,
  json,
  list,
  Missing,
  object,
  readShape,
  record,
  secret,
  string,
  tuple,
} from '../../src/schema/index.ts'

/** The values that a field reads from inputs; `no` for invalid ones. */
const no = Symbol('refused')
const reads = (field: Field<unknown>, inputs: readonly unknown[]) =>
  inputs.map(input => {
    try {
      return field.read(input, 'x')
    } catch (error) {
      assert.ok(error instanceof Invalid)
      return no
    }
  })

test('text is read from text, numbers and booleans', () => {
  assert.deepEqual(reads(string(), ['a', '', 5, 1.5, true]), ['a', '', '5', '1.5', 'true'])
  assert.deepEqual(reads(string(), [null, undefined, [], ['a'], {}]), [no, no, no, no, no])
  assert.deepEqual(reads(string(), ['\u{1f5a8}', 'a\ud83d', '\udda8b']), ['\u{1f5a8}', no, no])
})

test('integers are read from numbers without their fractions, booleans, and whole decimal text', () => {
  assert.deepEqual(
    reads(int(), [5, -1.9, true, false, '7', ' -7 ', '+7', '1e3', '5.0']),
    [5, -1, 1, 0, 7, -7, 7, 1000, 5],
  )
  const refused = [
    '',
    ' ',
    'x',
    '5x',
    '1.5',
    '0x10',
    '1_000',
    'Infinity',
    'NaN',
    '५',
    '--1',
    '1e999',
    null,
    [],
    {},
    [5],
  ]
  assert.deepEqual(
    reads(int(), refused),
    refused.map(() => no),
  )
  const unsafe = [2 ** 53, -(2 ** 53), 1e300, Number.NaN, Number.POSITIVE_INFINITY, '9007199254740993']
  assert.deepEqual(
    reads(int(), unsafe),
    unsafe.map(() => no),
  )
})

test('numbers are read from numbers and decimal text, never infinite', () => {
  assert.deepEqual(reads(float(), [1.5, '1.5', '.5', '5.', '-1e-3', true]), [1.5, 1.5, 0.5, 5, -0.001, 1])
  const refused = [
    '',
    '.',
    'e5',
    'inf',
    'nan',
    '1,5',
    '1e999',
    Number.NaN,
    -Number.POSITIVE_INFINITY,
    null,
    {},
  ]
  assert.deepEqual(
    reads(float(), refused),
    refused.map(() => no),
  )
})

test('booleans are read in the words of configurations', () => {
  assert.deepEqual(reads(bool(), [true, 'True', 'YES', 'on', '1', 1]), Array(6).fill(true))
  assert.deepEqual(reads(bool(), [false, 'false', 'No', 'OFF', '0', 0]), Array(6).fill(false))
  const refused = ['', 'maybe', 'y', ' true', 2, 1.5, null, [], {}, 'constructor']
  assert.deepEqual(
    reads(bool(), refused),
    refused.map(() => no),
  )
})

test('limits apply to both ends', () => {
  const inside = int({ min: 1, max: 3 })
  assert.deepEqual(reads(inside, [0, 1, 3, 4, '4']), [no, 1, 3, no, no])
  const between = float({ above: 0, below: 1 })
  assert.deepEqual(reads(between, [0, 0.001, 0.999, 1]), [no, 0.001, 0.999, no])
  assert.throws(() => inside.read(9, 'size'), /^Invalid: size: number of at most 3$/)
  assert.throws(() => between.read('0', 'size'), /number above 0/)
})

test('a choice is one of its texts, exactly', () => {
  const field = choice('a', 'b')
  assert.deepEqual(reads(field, ['a', 'b', 'A', '', 'c', 0, null, ['a']]), ['a', 'b', no, no, no, no, no, no])
  assert.throws(() => field.read('c', 'x'), /one of a, b/)
})

test('lists, tuples and records report the path of an invalid value', () => {
  assert.deepEqual(list(int()).read(['1', 2], 'x'), [1, 2])
  assert.deepEqual(tuple(int(), string()).read([1, 2], 'x'), [1, '2'])
  assert.deepEqual(record(int()).read({ a: '1' }, 'x'), { a: 1 })
  assert.throws(() => list(int()).read([1, 'x'], 'ids'), { path: 'ids[1]', received: 'x' })
  assert.throws(() => record(list(bool())).read({ a: [true], b: [0, 5] }, 'r'), { path: 'r.b[1]' })
  assert.throws(() => tuple(int(), string()).read([1, null], 't'), { path: 't[1]' })
  assert.deepEqual(reads(list(int()), ['1,2', null, {}, 5]), [no, no, no, no])
  assert.deepEqual(reads(tuple(int()), [[], [1, 2], null]), [no, no, no])
  assert.deepEqual(reads(record(int()), [[], null, 'x', 5]), [no, no, no, no])
})

test('objects read their fields with defaults, and ignore others', () => {
  const field = object({ a: int(), b: string().default('x'), c: bool().optional() })
  assert.deepEqual(field.read({ a: '1', z: 2 }, 'o'), { a: 1, b: 'x' })
  assert.deepEqual(field.read({ a: 1, b: undefined, c: 'yes' }, 'o'), { a: 1, b: 'x', c: true })
  assert.throws(
    () => field.read({ b: 'y' }, 'o'),
    (error: unknown) => error instanceof Missing && error.path === 'o.a',
  )
  assert.throws(() => field.read({ a: 1, c: null }, 'o'), { path: 'o.c' }, 'null is a value')
  assert.throws(() => field.read([], 'o'), Invalid)
})

test('fields are read from own properties only', () => {
  const field = object({ toString: string().default('mine'), constructor: string().optional() })
  assert.deepEqual(field.read({}, 'o'), { toString: 'mine' })
  const read = record(string()).read(JSON.parse('{"__proto__":"x"}'), 'r')
  assert.equal(JSON.stringify(read), '{"__proto__":"x"}')
})

test('null is accepted only if it is allowed', () => {
  assert.deepEqual(reads(int().nullable(), [null, 5, 'x']), [null, 5, no])
  assert.deepEqual(reads(json(), [null, 5, { a: 1 }]), [null, 5, { a: 1 }])
})

test('of several schemas, the first that accepts the value reads it', () => {
  const field = anyOf(int(), list(int()), string())
  assert.deepEqual(reads(field, ['5', [1, '2'], 'x', null]), [5, [1, 2], 'x', no])
})

test('a list may be one text with commas, where that is declared', () => {
  const field = commaList()
  assert.deepEqual(reads(field, ['a, b,,c ', ['a,b', 5], '', [], {}, null]), [
    ['a', 'b', 'c'],
    ['a,b', '5'],
    [],
    [],
    no,
    no,
  ])
})

test('a shape reads arguments, and none at all', () => {
  const shape = { a: int().default(1), b: string().optional() }
  assert.deepEqual(readShape(shape, undefined), { a: 1 })
  assert.deepEqual(readShape(shape, null), { a: 1 })
  assert.throws(() => readShape({ a: int() }, {}), { path: 'a', message: 'a: is required' })
})

test('describe and optional change nothing else', () => {
  const field = int({ min: 1 }).default(5).describe('Seconds')
  assert.deepEqual(field.json, { type: 'integer', minimum: 1, default: 5, description: 'Seconds' })
  assert.deepEqual(field.fallback, { value: 5 })
  assert.equal(field.read('7', 'x'), 7)
})

test('no error contains a secret, however it is nested', () => {
  const fields = [
    secret(),
    secret(string()).describe('Token'),
    secret().nullable(),
    secret().optional(),
    secret().default('none'),
    list(secret()),
    tuple(secret()),
    record(secret()),
    object({ password: secret() }),
    anyOf(secret(), int()),
  ]
  const inputs = ['hunter2', ['hunter2'], [['hunter2']], { password: ['hunter2'] }, { a: { b: 'hunter2' } }]
  let refused = 0
  for (const field of fields) {
    for (const input of inputs) {
      try {
        field.read(input, 'x')
      } catch (error) {
        assert.ok(error instanceof Invalid)
        const shown = `${error.message} ${JSON.stringify(error.received)}`
        assert.ok(!shown.includes('hunter2'), `${JSON.stringify(field.json)}: ${shown}`)
        refused += 1
      }
    }
  }
  assert.ok(refused > 30)
})

test('describe, optional, nullable and default keep a secret secret', () => {
  for (const field of [
    secret().describe('x'),
    secret().optional(),
    secret().default('x'),
    secret().nullable(),
    secret().nullable().default(null).describe('x'),
  ]) {
    assert.equal(field.secret, true, JSON.stringify(field.json))
  }
  assert.equal(string().secret, undefined)
})
