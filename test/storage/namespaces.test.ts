import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStored } from '../../src/core/exact-json.ts'
import type { Storage } from '../../src/storage/index.ts'
import { DataFolder } from './data-folder.ts'

const notFound = (message: string) => ({ status: 404, message })

test('items are stored, read and deleted by dotted keys and by arrays', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  await namespaces.post('golden', 'a.b.c', { d: 1 })
  await namespaces.post('golden', ['dotted.key', 'sub'], 9)
  assert.equal(namespaces.get('golden', 'a.b.c.d'), 1)
  assert.equal(namespaces.get('golden', ['dotted.key', 'sub']), 9)
  assert.deepEqual(namespaces.all('golden'), { a: { b: { c: { d: 1 } } }, 'dotted.key': { sub: 9 } })
  assert.equal(await namespaces.delete('golden', 'a.b.c.d'), 1)
  assert.deepEqual(namespaces.get('golden', 'a'), { b: { c: {} } })
  assert.deepEqual(await namespaces.delete('golden', 'a.b'), { c: {} })
  assert.equal(namespaces.find('golden', 'a'), undefined)
})

test('every kind of value and size is kept over a restart', async () => {
  await using folder = new DataFolder()
  const values: Record<string, unknown> = {
    int: 5,
    float: 1.5,
    yes: true,
    text: 'grüße ☃ 🙂',
    empty: '',
    list: [1, 'a', null, { x: 1 }],
    object: { __proto__x: 1, constructor: 2, '': 3 },
    large: 'x'.repeat(5_000_000),
    many: Array.from({ length: 50_000 }, (_, index) => index),
  }
  const before = folder.open()
  await Promise.all(
    Object.entries(values).map(([key, value]) => before.namespaces.post('golden', key, value)),
  )
  await before.close()
  assert.deepEqual(folder.open().namespaces.all('golden'), values)
})

test('integers beyond 2^53 stay unchanged when another value of the record changes', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  await namespaces.post(
    'golden',
    'big',
    parseStored('{"n":123456789012345678901234567890,"m":9007199254740993}'),
  )
  await namespaces.post('golden', 'big.keep', true)
  const text = '{"n":123456789012345678901234567890,"m":9007199254740993,"keep":true}'
  assert.equal(JSON.stringify(namespaces.get('golden', 'big')), text)
  await assert.rejects(namespaces.post('golden', 'alone', 12345678901234567000), { status: 400 })
})

test('null removes a record, and is a value inside one', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  await namespaces.post('golden', 'gone', 5)
  await namespaces.post('golden', 'gone', null)
  assert.throws(
    () => namespaces.get('golden', 'gone'),
    notFound("Key 'gone' in namespace 'golden' not found"),
  )
  await namespaces.post('golden', 'kept.inside', null)
  assert.equal(namespaces.get('golden', 'kept.inside'), null)
})

test('a path replaces a record that is not an object, but not a value inside one', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  await namespaces.post('golden', 'number', 5)
  await namespaces.post('golden', 'number.sub', 1)
  assert.deepEqual(namespaces.get('golden', 'number'), { sub: 1 })
  await assert.rejects(namespaces.post('golden', 'number.sub.deeper', 1), {
    status: 400,
    message: "Item at key 'number.sub' in namespace 'golden' is not an object and cannot contain other items",
  })
  assert.deepEqual(namespaces.get('golden', 'number'), { sub: 1 })
})

test('errors for missing items have the texts of Moonraker', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  await namespaces.post('golden', 'text', 'hello')
  await namespaces.post('golden', 'object.list', [{ x: 1 }])
  assert.throws(
    () => namespaces.get('golden', 'nope'),
    notFound("Key 'nope' in namespace 'golden' not found"),
  )
  for (const key of ['text.sub', 'object.no', 'object.list.0', 'object.__proto__', 'object.toString.name']) {
    assert.throws(
      () => namespaces.get('golden', key),
      notFound(`Key '${key}' in namespace 'golden' not found`),
    )
    await assert.rejects(namespaces.delete('golden', key), { status: 404 })
  }
  assert.throws(() => namespaces.all('nope'), notFound('Namespace nope not found'))
})

test('a namespace exists while it has records, or a component reserves it', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  namespaces.keep('announcements')
  await namespaces.post('golden', 'a.b', 1)
  assert.deepEqual(new Set(namespaces.list()), new Set(['announcements', 'database', 'golden']))
  assert.deepEqual(namespaces.all('announcements'), {})
  await namespaces.delete('golden', 'a.b')
  assert.deepEqual(new Set(namespaces.list()), new Set(['announcements', 'database']))
})

test('invalid keys and names are rejected and change nothing', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  for (const key of ['', '.', 'a..b', 'a.', '.a', [], [''], ['a', '']]) {
    await assert.rejects(namespaces.post('golden', key, 1), { status: 400, message: /^Invalid Key Format: / })
  }
  for (const key of ['k'.repeat(10_240), ['a', 'k'.repeat(10_240)], 'a\0b', '\ud800']) {
    await assert.rejects(namespaces.post('golden', key, 1), { status: 400, message: /^The argument 'key'/ })
  }
  for (const name of ['', 'n'.repeat(10_240), 'n\0s', '\ud800']) {
    await assert.rejects(namespaces.post(name, 'a', 1), { status: 400, message: /^The argument 'namespace'/ })
  }
  assert.deepEqual(namespaces.list(), ['database'])
})

test('names that look alike are different', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  const names = [
    'moonraker',
    'Moonraker',
    'MOONRAKER',
    'mооnraker',
    'moonraker ',
    'café',
    'cafe\u0301',
    "'; DROP TABLE x",
  ]
  for (const [index, name] of names.entries()) await namespaces.post(name, 'who', index)
  assert.deepEqual(
    names.map(name => namespaces.get(name, 'who')),
    names.map((_, index) => index),
  )
})

test('keys with a meaning in JavaScript are ordinary keys', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  await namespaces.post('golden', '__proto__.polluted', true)
  await namespaces.post('golden', 'a.__proto__.polluted', true)
  await namespaces.post('golden', 'a.constructor', 1)
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
  assert.equal(
    JSON.stringify(namespaces.all('golden')),
    '{"__proto__":{"polluted":true},"a":{"__proto__":{"polluted":true},"constructor":1}}',
  )
  assert.equal(await namespaces.delete('golden', 'a.__proto__.polluted'), true)
})

test('records are stored, renamed and deleted in batches', async () => {
  await using folder = new DataFolder()
  const { namespaces } = folder.open()
  await namespaces.postAll(
    'files',
    new Map([
      ['a.gcode', { size: 1 }],
      ['b.gcode', { size: 2 }],
      ['c.gcode', { size: 3 }],
    ]),
  )
  await namespaces.rename(
    'files',
    new Map([
      ['a.gcode', 'b.gcode'],
      ['gone', 'x'],
      ['c.gcode', 'c.gcode'],
    ]),
  )
  assert.deepEqual(namespaces.keys('files'), ['b.gcode', 'c.gcode'])
  assert.deepEqual(namespaces.get('files', ['b.gcode']), { size: 1 })
  assert.equal(await namespaces.deleteAll('files', ['b.gcode', 'gone']), 1)
  await namespaces.clear('files')
  assert.equal(namespaces.entries('files').size, 0)
})

function damage({ db }: Storage): Promise<unknown> {
  return db.write(writer =>
    writer.run("INSERT INTO namespace_store VALUES ('golden', 'bad', ?)", Buffer.from('{"cut o')),
  )
}

test('an unreadable record does not hide others, and can be replaced', async () => {
  await using folder = new DataFolder()
  const storage = folder.open()
  await storage.namespaces.post('golden', 'good', 1)
  await damage(storage)
  assert.deepEqual(storage.namespaces.all('golden'), { good: 1 })
  assert.deepEqual(folder.warnings, [
    "The database item 'bad' in namespace 'golden' cannot be read: it is left out",
  ])
  assert.throws(() => storage.namespaces.get('golden', 'bad'), { status: 500 })
  await storage.namespaces.post('golden', 'bad', 2)
  assert.deepEqual(storage.namespaces.all('golden'), { bad: 2, good: 1 })
})
