// How texts of options become values.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  commas,
  deprecated,
  fields,
  lines,
  pairs,
  path,
  prefixed,
  separated,
  template,
  withPreviousNames,
  word,
} from '../../src/config/options.ts'
import { bool, float, Invalid, int, type Schema, string } from '../../src/schema/index.ts'

function problem(schema: Schema<unknown>, text: unknown): string {
  try {
    schema.read(text, 'x')
  } catch (error) {
    assert.ok(error instanceof Invalid)
    return `${error.path}: ${error.problem}`
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(text)} was taken` })
}

test('lists by line, comma and hyphen', () => {
  assert.deepEqual(lines().read('\n10.0.0.0/8\n\n ::1 \n', 'x'), ['10.0.0.0/8', '::1'])
  assert.deepEqual(lines().read('one', 'x'), ['one'])
  assert.deepEqual(lines().read('', 'x'), [])
  assert.deepEqual(commas().read('started, complete,,\nerror', 'x'), ['started', 'complete', 'error'])
  assert.deepEqual(separated('-', int({ min: 0, max: 24 })).read('0 - 5', 'x'), [0, 5])
  assert.equal(problem(separated('-', int({ min: 0, max: 24 })), '0-25'), 'x[1]: number of at most 24')
  assert.equal(problem(lines(), 5), 'x: list')
})

test('pairs, with values and without', () => {
  assert.deepEqual(pairs().read('\nunits=kWh\n a b = c=d \n', 'x'), { units: 'kWh', 'a b': 'c=d' })
  const statusObjects = pairs(string().nullable())
  assert.deepEqual(statusObjects.read('\nwebhooks\ntoolhead=position,print_time', 'x'), {
    webhooks: null,
    toolhead: 'position,print_time',
  })
  assert.equal(problem(pairs(), 'a=1\nwebhooks'), 'x.webhooks: string')
  assert.equal(problem(pairs(), '=1'), 'x: lines of name=value')
  assert.equal(problem(pairs(float()), 'a=1\nb=c'), 'x.b: float')
  assert.equal(JSON.stringify(pairs().read('__proto__=1', 'x')), '{"__proto__":"1"}')
})

test('fields have types and defaults', () => {
  const schema = fields({
    parameter: string(),
    precision: int().optional(),
    exclude_paused: bool().default(false),
  })
  const value: { parameter: string; precision?: number | undefined; exclude_paused: boolean } = schema.read(
    'parameter=energy\nprecision=6\nunknown=1',
    'x',
  )
  assert.deepEqual(value, { parameter: 'energy', precision: 6, exclude_paused: false })
  assert.equal(problem(schema, 'precision=6'), 'x.parameter: is required')
})

test('words are read in any case, and returned as declared', () => {
  const schema = word('stable', 'Beta')
  const value: 'stable' | 'Beta' = schema.read(' STABLE', 'x')
  assert.equal(value, 'stable')
  assert.equal(schema.read('beta', 'x'), 'Beta')
  assert.equal(problem(schema, 'dev'), 'x: one of stable, Beta')
})

test('paths and templates are trimmed', () => {
  assert.equal(path().read('\n~/x y ', 'x'), '~/x y')
  assert.equal(problem(path(), ' \n'), 'x: path')
  assert.equal(template().read('\n{% set a = 1 %}\n{a}\n', 'x'), '{% set a = 1 %}\n{a}')
  assert.equal(problem(template(), null), 'x: template')
})

test('default and describe keep the kind of an option', () => {
  const option = path().default('~/a').describe('Its place')
  assert.deepEqual(option.json, {
    type: 'string',
    format: 'path',
    default: '~/a',
    description: 'Its place',
  })
})

test('traits are set on a copy of the schema', () => {
  const plain = int().default(3)
  const old = deprecated(withPreviousNames(plain, 'previous', 'oldest'), 'remove it')
  assert.deepEqual(
    [old.deprecated, old.previousNames, old.fallback],
    ['remove it', ['previous', 'oldest'], { value: 3 }],
  )
  assert.equal(old.read('4', 'x'), 4)
  assert.deepEqual(['deprecated' in plain, 'previousNames' in plain], [false, false])
  assert.deepEqual(prefixed(int()).fallback.value, {})
})
