// A database that the original Moonraker wrote: users, jobs, namespaces with every kind of value.
import assert from 'node:assert/strict'
import { pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import type { Reader } from '../../src/storage/index.ts'
import { dumpTable, tableNames } from '../../src/storage/index.ts'
import { Sqlite } from '../../src/storage/sqlite.ts'
import { DataFolder, fixture } from './data-folder.ts'

const NAME = 'moonraker-sql.db'

function content(db: Reader): Record<string, unknown> {
  return Object.fromEntries(tableNames(db).map(name => [name, db.all(`SELECT * FROM ${name} ORDER BY 1, 2`)]))
}

test('everything in it is read', async () => {
  await using folder = new DataFolder()
  folder.put(NAME, fixture(NAME))
  const { namespaces, users, jobs, totals } = folder.open()
  assert.deepEqual(
    new Set(namespaces.list()),
    new Set(['database', 'fluidd', 'gcode_metadata', 'golden', 'mainsail', 'moonraker', 'n\0s', 'webcams']),
  )
  assert.equal(
    JSON.stringify(namespaces.all('golden')),
    '{"a":{"b":{"c":{"d":1}}},"a\\u0000b":1,"big":9007199254740993,"big_inside":{"n":123456789012345678901234567890,' +
      '"f":1e+300,"t":1,"small":1e-7,"keep":1},"dotted.key":{"sub":9},"empty_list":[],"empty_object":{},' +
      '"empty_text":"","float":1.5,"int":5,"int64_max":9223372036854775807,"int64_min":-9223372036854775808,' +
      '"list":[1,"a",null,{"x":1}],"nan":null,"nan_inside":{"n":null,"i":null},"negative":-7,"no":false,' +
      '"nul":{"a":null},"object":{"b":{"c":1},"a":"ü🙂"},"over":5,"surrogate_inside":["\\ud800"],"text":"hello",' +
      '"unicode":"grüße ☃ 🙂","whole_float":2,"yes":true}',
  )
  assert.deepEqual(
    jobs.list().map(job => [job.job_id, job.status, job.metadata.slicer]),
    [
      [3, 'completed', 'PrusaSlicer'],
      [2, 'cancelled', 'PrusaSlicer'],
      [1, 'completed', 'PrusaSlicer'],
    ],
  )
  assert.equal(totals.list().find(total => total.field === 'total_jobs')?.total, 3)
  assert.deepEqual(
    users.list().map(user => user.username),
    ['_API_KEY_USER_', 'maker', 'zoë'],
  )
  const { password, salt, groups } = users.get('zoë')!
  assert.equal(
    password,
    pbkdf2Sync('pässwörd ☃', Buffer.from(salt, 'hex'), 100_000, 32, 'sha256').toString('hex'),
  )
  assert.deepEqual(groups, ['admin'])
  assert.deepEqual(folder.warnings, [])
})

test('reading does not change the file', async () => {
  await using folder = new DataFolder()
  const file = folder.put(NAME, fixture(NAME))
  const untouched = new Sqlite(file, { readOnly: true })
  const before = content(untouched)
  untouched.close()
  await folder.open().close()
  const after = new Sqlite(file, { readOnly: true })
  assert.deepEqual(content(after), before)
  after.close()
})

test('a new database has the same tables, from the same text, in the same versions', async () => {
  await using folder = new DataFolder()
  await using original = new DataFolder()
  const sql = (db: Reader) => db.all("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
  original.put(NAME, fixture(NAME))
  const [ours, theirs] = [folder.open().db, original.open().db]
  assert.deepEqual(sql(ours), sql(theirs))
  const registered = (db: Reader) => db.all('SELECT * FROM table_registry ORDER BY name')
  assert.deepEqual(registered(ours), registered(theirs))
  assert.equal(dumpTable(ours, 'authorized_users')[0]?.username, '_API_KEY_USER_')
})

test('editing a part of a record keeps every other number in the form that Python wrote', async () => {
  await using folder = new DataFolder()
  folder.put(NAME, fixture(NAME))
  const { namespaces, db } = folder.open()
  await namespaces.post('golden', 'big_inside.keep', 2)
  const { value } = db.get("SELECT value FROM namespace_store WHERE key = 'big_inside'")!
  assert.equal(
    Buffer.from(value as Uint8Array).toString(),
    '{"n":123456789012345678901234567890,"f":1e+300,"t":1.0,"small":1e-07,"keep":2}',
  )
})
