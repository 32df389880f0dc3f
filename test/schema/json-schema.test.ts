// The published JSON Schema accepts what a schema reads: random schemas and values, compared with ajv.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import {
  anyOf,
  bool,
  choice,
  type Field,
  float,
  Invalid,
  int,
  isPlainObject,
  json,
  list,
  object,
  record,
  type Shape,
  shapeJson,
  string,
  tuple,
} from '../../src/schema/index.ts'

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const random = randomFrom(20_260_301)
const below = (count: number) => Math.floor(random() * count)
const one = <T>(...all: readonly T[]): T => all[below(all.length)] as T
const KEYS = ['a', 'b', 'c'] as const

function someShape(depth: number): Shape {
  const fields = KEYS.slice(0, 1 + below(3)).map(key => {
    const field = someField(depth)
    return [key, one(field, field.optional(), field.describe('x'))]
  })
  return Object.fromEntries(fields)
}

function someField(depth: number): Field<unknown> {
  const leaf = () =>
    one<() => Field<unknown>>(
      string,
      () => int(one({}, { min: 0 }, { max: 5 }, { above: 0, below: 9 })),
      () => float(one({}, { min: -1.5 }, { max: 2.5 }, { above: 0 })),
      bool,
      () => choice('x', 'y'),
      json,
    )()
  if (depth === 0) return one(leaf(), leaf().nullable())
  return one<() => Field<unknown>>(
    leaf,
    () => list(someField(depth - 1)),
    () => tuple(someField(depth - 1), someField(0)),
    () => record(someField(depth - 1)),
    () => object(someShape(depth - 1)),
    () => anyOf(someField(0), someField(depth - 1)),
    () => someField(depth - 1).nullable(),
  )()
}

function someValue(depth: number): unknown {
  const leaf = () => one<unknown>('', 'x', 'y', '5', 'true', 0, 1, -3, 7, 1.5, -0.25, 4e9, true, false, null)
  if (depth === 0) return leaf()
  return one<() => unknown>(
    leaf,
    () => Array.from({ length: below(4) }, () => someValue(depth - 1)),
    () => Object.fromEntries(KEYS.slice(0, below(4)).map(key => [key, someValue(depth - 1)])),
  )()
}

/** A value that is probably valid. */
function fitting(schema: Record<string, unknown>): unknown {
  const { type, items, prefixItems, properties, additionalProperties, anyOf: some } = schema
  const inner = (each: unknown) => fitting(each as Record<string, unknown>)
  if (random() < 0.1) return someValue(1)
  if (Array.isArray(some)) return inner(one(...some))
  const kind = Array.isArray(type) ? one(...type) : type
  if (schema.enum !== undefined) return one('x', 'y')
  if (kind === 'array' && Array.isArray(prefixItems))
    return [...prefixItems.map(inner), ...one<unknown[]>([], [], [1])]
  if (kind === 'array') return Array.from({ length: below(3) }, () => inner(items))
  if (isPlainObject(properties)) {
    const entries = Object.entries(properties).filter(() => random() < 0.9)
    return Object.fromEntries(entries.map(([key, each]) => [key, inner(each)]))
  }
  if (kind === 'object') return { k: inner(additionalProperties) }
  const byKind: Record<string, () => unknown> = {
    string: () => one('', 'x', '5'),
    integer: () => one(-3, 0, 1, 5, 7),
    number: () => one(-2, -1.5, 0, 0.5, 2.5, 3),
    boolean: () => one(true, false),
    null: () => null,
  }
  return byKind[kind as string]?.() ?? someValue(1)
}

const ajv = new Ajv2020({ strict: false })

test('valid values are read, and read values are valid', () => {
  const seen = { fits: 0, coerced: 0, refused: 0 }
  for (let round = 0; round < 400; round += 1) {
    const field = someField(3)
    const fits = ajv.compile(field.json)
    for (let attempt = 0; attempt < 25; attempt += 1) {
      const value = random() < 0.7 ? fitting(field.json) : someValue(3)
      const details = `${JSON.stringify(field.json)} ← ${JSON.stringify(value)}`
      const fitted = fits(value)
      let read: unknown
      try {
        read = field.read(value, 'x')
      } catch (error) {
        assert.ok(error instanceof Invalid, details)
        assert.ok(!fitted, `refused what the schema allows: ${details}: ${error.message}`)
        seen.refused += 1
        continue
      }
      assert.ok(fits(read), `read as ${JSON.stringify(read)}, which the schema forbids: ${details}`)
      seen[fitted ? 'fits' : 'coerced'] += 1
    }
  }
  for (const count of Object.values(seen)) assert.ok(count > 100, JSON.stringify(seen))
})

test('reading again what was read changes nothing', () => {
  let count = 0
  for (let round = 0; round < 1000; round += 1) {
    const field = someField(2)
    // Of several schemas, another may be the first that accepts the read value.
    if (JSON.stringify(field.json).includes('anyOf')) continue
    let read: unknown
    try {
      read = field.read(fitting(field.json), 'x')
    } catch {
      continue
    }
    assert.deepEqual(field.read(read, 'x'), read)
    count += 1
  }
  assert.ok(count > 300, String(count))
})

test('fields without a default are required', () => {
  const schema = shapeJson({ a: int(), b: int().default(1), c: int().optional(), d: string().nullable() })
  assert.deepEqual(schema.required, ['a', 'd'])
  assert.deepEqual(Object.keys(schema.properties as object), ['a', 'b', 'c', 'd'])
  assert.equal('required' in shapeJson({ a: int().optional() }), false)
})
