import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sqlite } from '../../src/storage/sqlite.ts'
import { DataFolder } from './data-folder.ts'

const count = (db: Sqlite) => Number(db.get('SELECT count(*) AS n FROM t')?.n)

test('writes of one tick are one transaction, visible to others only after the commit', async () => {
  await using folder = new DataFolder()
  const { db } = folder.open()
  await db.write(writer => writer.exec('CREATE TABLE t (v INT)'))
  const other = new Sqlite(folder.file, { readOnly: true })
  const seen: number[] = []
  const writes = Array.from({ length: 16 }, async (_, index) => {
    await db.write(writer => {
      writer.run('INSERT INTO t VALUES (?)', index)
      seen.push(count(other))
    })
    assert.equal(count(other), 16)
  })
  assert.equal(count(db), 0)
  await Promise.all(writes)
  assert.deepEqual(
    seen,
    Array.from({ length: 16 }, () => 0),
  )
  other.close()
})

test('a write that throws rolls back only its own part', async () => {
  await using folder = new DataFolder()
  const { db } = folder.open()
  await db.write(writer => writer.exec('CREATE TABLE t (v INT UNIQUE)'))
  const insert = (value: number) => db.write(writer => writer.run('INSERT INTO t VALUES (?)', value).id)
  const outcomes = await Promise.allSettled([
    insert(1),
    db.write(writer => {
      writer.run('INSERT INTO t VALUES (2)')
      throw new Error('thought better of it')
    }),
    insert(1),
    insert(3),
  ])
  assert.deepEqual(
    outcomes.map(outcome => outcome.status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(
    db.all('SELECT v FROM t').map(row => row.v),
    [1, 3],
  )
})

test('a commit that fails rejects everything in it, and the next one works', async () => {
  await using folder = new DataFolder()
  const { db, namespaces } = folder.open()
  const pages = Number(db.get('PRAGMA page_count')?.page_count)
  db.get(`PRAGMA max_page_count = ${pages + 4}`)
  const outcomes = await Promise.allSettled([
    namespaces.post('golden', 'small', 1),
    namespaces.post('golden', 'large', 'x'.repeat(200_000)),
  ])
  assert.equal(outcomes[1]?.status, 'rejected')
  assert.match(String((outcomes[1] as PromiseRejectedResult).reason), /The disk is full/)
  assert.equal(namespaces.find('golden', 'small'), outcomes[0]?.status === 'fulfilled' ? 1 : undefined)
  assert.equal(namespaces.find('golden', 'large'), undefined)
  await namespaces.post('golden', 'small', 2)
  assert.equal(namespaces.get('golden', 'small'), 2)
})

test('close commits queued writes; later writes are refused', async () => {
  await using folder = new DataFolder()
  const storage = folder.open()
  const written = storage.namespaces.post('golden', 'last', 1)
  await storage.close()
  await written
  await assert.rejects(storage.namespaces.post('golden', 'late', 1), { status: 503 })
  assert.deepEqual(folder.names(), ['moonraker-sql.db'])
  assert.deepEqual(folder.open().namespaces.all('golden'), { last: 1 })
})

test('compact frees the space of deleted records', async () => {
  await using folder = new DataFolder()
  const { db, namespaces } = folder.open()
  await namespaces.post('golden', 'large', 'x'.repeat(1_000_000))
  await namespaces.delete('golden', 'large')
  const { previous_size, new_size } = db.compact()
  assert.ok(previous_size > 1_000_000 && new_size < 100_000, `${previous_size} -> ${new_size}`)
})
