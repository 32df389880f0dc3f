// Numbers of JSON texts that JavaScript cannot hold, and texts made to exhaust the parser.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  exactInteger,
  isExactNumber,
  JsonLimitExceeded,
  parseExact,
  parseForEditing,
  parseStored,
} from '../../src/core/exact-json.ts'

const LONG = '12345678901234567890'
/** The text of a parsed text. */
const again = (text: string, parse: (text: string) => unknown = parseExact) => JSON.stringify(parse(text))

test('integers beyond 2^53 are kept, all other numbers are plain', () => {
  for (const text of [
    LONG,
    `-${LONG}`,
    `[${LONG},1]`,
    `{"a":{"b":[${LONG}]},"c":9007199254740993}`,
    `{"__proto__":${LONG}}`,
    `[[],{},"",${LONG}]`,
    `{"${LONG}":${LONG}}`,
  ]) {
    assert.equal(again(text), text)
  }
  assert.ok(isExactNumber(parseExact(LONG)))
  for (const [text, expected] of [
    ['9007199254740991', 9007199254740991],
    ['1234567890.1234567890', 1234567890.1234567],
    ['12345678901234567890.5', Number('12345678901234567890.5')],
    ['12345678901234567890e3', Number('12345678901234567890e3')],
    ['[1e400]', [Number.POSITIVE_INFINITY]],
  ] as const) {
    assert.deepEqual(parseExact(text), expected)
  }
  assert.equal(exactInteger('12'), 12)
})

test('digits in strings are text, whatever is around them', () => {
  for (const text of [
    `"${LONG}"`,
    `["\\"${LONG}",${LONG}]`,
    `["\\\\",${LONG},"\\\\\\"${LONG}"]`,
    `{"a\\"${LONG}":"${LONG}\\\\"}`,
  ]) {
    assert.equal(again(text), text)
  }
})

test('invalid JSON is rejected, with and without long numbers', () => {
  const texts = [
    `[${LONG}`,
    `${LONG}${LONG}x`,
    `0${LONG}`,
    `[1.2.${LONG}]`,
    `"${LONG}`,
    `[${LONG}"]`,
    `{${LONG}:1}`,
  ]
  for (const text of [...texts, '', '[NaN]', '"\\"']) {
    assert.throws(() => parseExact(text), SyntaxError, text)
  }
  for (const text of texts) assert.throws(() => parseForEditing(text), SyntaxError, text)
})

test('a text for editing keeps every number as it was written', () => {
  const text = `{"a":1.0,"b":[1e3,-0,0.10,1.5,7],"c":"1.0","d":${LONG},"e":1E+2}`
  assert.equal(again(text, parseForEditing), text)
})

test("Python's words for numbers that JSON lacks are null, in strings they are text", () => {
  const text = `{"a":NaN,"b":[Infinity,-Infinity,${LONG}],"c":"NaN \\" Infinity"}`
  for (const parse of [parseStored, parseForEditing]) {
    assert.equal(again(text, parse), `{"a":null,"b":[null,null,${LONG}],"c":"NaN \\" Infinity"}`)
  }
  assert.throws(() => parseStored('[NaN'), SyntaxError)
})

test('nesting has no limit, with long numbers too', () => {
  const levels = 200_000
  let value = parseExact(`${'['.repeat(levels)}${LONG}${']'.repeat(levels)}`)
  for (let level = 0; level < levels; level += 1) value = (value as unknown[])[0]
  assert.ok(isExactNumber(value))
})

test('a text may have many values, but not so many that they fill the memory', () => {
  const count = 200_000
  const parsed = parseExact(`[${'{},'.repeat(count)}${LONG}]`) as unknown[]
  assert.equal(parsed.length, count + 1)
  for (const text of [
    `[${'{},'.repeat(16_000_000)}{}]`,
    `[${'1,'.repeat(500_000)}1]`,
    '['.repeat(2_000_000),
    '{"a":'.repeat(600_000),
    `[${'"",'.repeat(600_000)}""]`,
    '"'.repeat(3_000_000),
  ]) {
    assert.throws(() => parseExact(text), JsonLimitExceeded)
  }
  const list = `"${'{},['.repeat(1_000_000)}"`
  assert.equal(again(list), list, 'commas and brackets in strings are no values')
})

test('long numbers have limits: parsing them takes more time, and Klippy does not read numbers without an end', () => {
  const list = (count: number) => `[${LONG}${`,${LONG}`.repeat(count - 1)}]`
  assert.equal((parseExact(list(10_000)) as unknown[]).length, 10_000)
  assert.throws(() => parseExact(list(10_001)), /More than 10000 integers beyond 2\^53/)
  assert.equal(again(`[${'1'.repeat(4300)}]`), `[${'1'.repeat(4300)}]`)
  for (const number of ['1'.repeat(4301), '-1'.padEnd(10_000_000, '7'), `0.${'1'.repeat(5000)}`]) {
    assert.throws(() => parseExact(`[${number}]`), /more than 4300 characters/)
  }
  assert.equal(
    (parseStored(list(10_001)) as unknown[]).length,
    10_001,
    'what is stored is read without a limit',
  )
})
