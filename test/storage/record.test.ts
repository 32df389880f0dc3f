import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStored } from '../../src/core/exact-json.ts'
import { decodeRecord, encodeRecord } from '../../src/storage/record.ts'

const hex = (value: unknown) => Buffer.from(encodeRecord(value)).toString('hex')
const again = (value: unknown) => JSON.stringify(decodeRecord(encodeRecord(value)))

test('each kind of value is encoded as Moonraker does', () => {
  assert.equal(hex(5), '710500000000000000')
  assert.equal(hex(-7), '71f9ffffffffffffff')
  assert.equal(hex(1.5), '64000000000000f83f')
  assert.equal(hex(1e300), '649c7500883ce4377e')
  assert.equal(hex(true), '3f01')
  assert.equal(hex(false), '3f00')
  assert.equal(hex('hello'), '7368656c6c6f')
  assert.equal(hex(''), '73')
  assert.equal(Buffer.from(encodeRecord([1, 'a', null, { x: 1 }])).toString(), '[1,"a",null,{"x":1}]')
  assert.equal(Buffer.from(encodeRecord({})).toString(), '{}')
})

test('values are decoded unchanged', () => {
  const values = [0, -0, 5, 2 ** 53 - 1, -(2 ** 53), 1.25, 1e21, true, '', 'grüße ☃ 🙂 \0', [], {}, [[null]]]
  for (const value of values) assert.equal(again(value), JSON.stringify(value))
})

test('integers beyond 2^53 are exact, alone and inside objects', () => {
  const text = '[9007199254740993,-9223372036854775808,{"n":123456789012345678901234567890}]'
  assert.equal(again(parseStored(text)), text)
  assert.equal(again(parseStored('9223372036854775807')), '9223372036854775807')
  assert.equal(again(-9223372036854775808n), '-9223372036854775808')
})

test('while editing, numbers keep the form of the program that wrote them', () => {
  const text = '{"a":1.0,"b":1e-07,"c":-0,"d":100000000000000000000001,"e":1e300,"f":2}'
  assert.equal(JSON.stringify(decodeRecord(Buffer.from(text), true)), text)
})

test('NaN and Infinity, which Python writes into JSON, are null; in texts they stay', () => {
  assert.deepEqual(decodeRecord(Buffer.from('{"n":NaN,"i":[-Infinity],"t":"NaN \\" Infinity"}')), {
    n: null,
    i: [null],
    t: 'NaN " Infinity',
  })
  assert.equal(decodeRecord(Buffer.from('64000000000000f87f', 'hex')), null)
})

test('values that cannot be encoded are rejected', () => {
  let deep: unknown = 1
  for (let level = 0; level < 20_000; level += 1) deep = [deep]
  const bad = [
    12345678901234567000,
    2n ** 63n,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '\ud800',
    deep,
    null,
    undefined,
  ]
  for (const value of bad) assert.throws(() => encodeRecord(value), { name: 'ApiError', status: 400 })
})

test('bytes that are not a record are an error', () => {
  for (const bytes of ['', '71', '7105', '64', '3f', 'ff00', '7b7b', '5b']) {
    assert.throws(() => decodeRecord(Buffer.from(bytes, 'hex')), Error, bytes)
  }
})
