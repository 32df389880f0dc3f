import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import type { Clock } from '../../src/core/clock.ts'
import { Sqlite } from '../../src/storage/sqlite.ts'
import { DataFolder } from './data-folder.ts'

const START = Date.UTC(2026, 0, 15) / 1000

/** Time that the test advances. */
class HandClock implements Clock {
  #now = START
  readonly #tasks: { at: number; every: number | null; task: () => void }[] = []

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  after(seconds: number, task: () => void) {
    return this.#add({ at: this.#now + seconds, every: null, task })
  }

  every(seconds: number, task: () => void) {
    return this.#add({ at: this.#now + seconds, every: seconds, task })
  }

  pass(seconds: number): void {
    this.#now += seconds
    for (const entry of this.#tasks.filter(({ at }) => at <= this.#now)) {
      entry.at = entry.every === null ? Number.POSITIVE_INFINITY : this.#now + entry.every
      entry.task()
    }
  }

  #add(entry: { at: number; every: number | null; task: () => void }) {
    this.#tasks.push(entry)
    return { stop: () => void this.#tasks.splice(this.#tasks.indexOf(entry), 1) }
  }
}

test('a backup is made, listed, opened by others, and deleted', async () => {
  await using folder = new DataFolder()
  const { backups, namespaces } = folder.open()
  assert.deepEqual(backups.list(), [])
  await namespaces.post('golden', 'a', 1)
  const path = await backups.create()
  assert.match(basename(path), /^sqldb-backup-\d{8}-\d{6}\.db$/)
  assert.deepEqual(backups.list(), [basename(path)])
  const copy = new Sqlite(path, { readOnly: true })
  assert.equal(copy.get("SELECT count(*) AS n FROM namespace_store WHERE namespace = 'golden'")?.n, 1)
  copy.close()
  assert.equal(await backups.delete(basename(path)), path)
  assert.deepEqual(readdirSync(folder.backups), [])
})

test('writes continue while a backup is made', async () => {
  await using folder = new DataFolder()
  const { backups, namespaces } = folder.open()
  await namespaces.post('golden', 'large', 'x'.repeat(3_000_000))
  const made = backups.create('during.db')
  for (let index = 0; index < 50; index += 1) await namespaces.post('golden', `k${index}`, index)
  await made
  assert.deepEqual(backups.list(), ['during.db'])
  assert.equal(namespaces.get('golden', 'k49'), 49)
})

test('names of files outside of the folder are rejected', async () => {
  await using folder = new DataFolder()
  const { backups } = folder.open()
  await backups.create('good.db')
  symlinkSync(folder.file, join(folder.backups, 'link.db'))
  mkdirSync(join(folder.backups, 'folder.db'))
  const names = [
    '',
    '.',
    '..',
    '../x.db',
    '/x.db',
    'a/b.db',
    'a\\b.db',
    '.hidden',
    'x\0.db',
    'x.db-wal',
    'n'.repeat(300),
  ]
  for (const name of names) {
    for (const action of ['create', 'delete', 'restore'] as const) {
      await assert.rejects(backups[action](name), { status: 400, message: `Invalid name ${name}.` })
    }
  }
  for (const name of ['none.db', 'link.db', 'folder.db']) {
    await assert.rejects(backups.delete(name), { status: 404, message: `Backup file ${name} does not exist` })
    await assert.rejects(backups.restore(name), { status: 404 })
  }
  assert.deepEqual(backups.list(), ['good.db'])
})

test('a backup is restored by the restart, and nothing is written until then', async () => {
  await using folder = new DataFolder()
  const first = folder.open()
  await first.namespaces.post('golden', 'a', 'old')
  await first.backups.create('old.db')
  await first.namespaces.post('golden', 'a', 'new')
  const { restored_tables, restored_namespaces } = await first.backups.restore('old.db')
  assert.deepEqual(restored_namespaces.toSorted(), ['database', 'golden'])
  assert.ok(restored_tables.includes('job_history'))
  assert.equal(first.namespaces.get('golden', 'a'), 'new')
  await assert.rejects(first.namespaces.post('golden', 'a', 'late'), { status: 503, message: /restart/ })
  await assert.rejects(first.backups.restore('old.db'), { status: 503 })
  await first.close()
  const second = folder.open()
  assert.equal(second.namespaces.get('golden', 'a'), 'old')
  const before = second.backups.list().find(name => name.startsWith('sqldb-before-restore-'))!
  await second.backups.restore(before)
  await second.close()
  assert.equal(folder.open().namespaces.get('golden', 'a'), 'new')
  assert.deepEqual(folder.warnings, [])
})

test('the next start completes a restore that the stop did not', async () => {
  await using folder = new DataFolder()
  await using copy = new DataFolder()
  const { namespaces, backups } = folder.open()
  await namespaces.post('golden', 'a', 'old')
  await backups.create('old.db')
  await namespaces.post('golden', 'a', 'new')
  await backups.restore('old.db')
  for (const name of folder.names()) writeCopy(folder, copy, name)
  assert.equal(copy.open().namespaces.get('golden', 'a'), 'old')
  assert.ok(!copy.names().some(name => name.includes('pending')))
})

test('a pending restore is dropped when another server wrote since', async () => {
  await using folder = new DataFolder()
  await using copy = new DataFolder()
  const { namespaces, backups } = folder.open()
  await backups.create('old.db')
  await namespaces.post('golden', 'a', 'new')
  await backups.restore('old.db')
  for (const name of folder.names()) writeCopy(folder, copy, name)
  utimesSync(`${copy.file}.restore-pending`, 1, 1)
  assert.equal(copy.open().namespaces.get('golden', 'a'), 'new')
  assert.match(copy.warnings.join(), /it was not restored/)
})

function writeCopy(from: DataFolder, to: DataFolder, name: string): void {
  writeFileSync(join(to.database, name), readFileSync(join(from.database, name)))
}

test('an invalid database is not restored', async () => {
  await using folder = new DataFolder()
  const { backups, namespaces } = folder.open()
  const path = await backups.create('whole.db')
  const bytes = readFileSync(path)
  writeFileSync(join(folder.backups, 'text.db'), 'no database')
  writeFileSync(join(folder.backups, 'empty.db'), '')
  writeFileSync(join(folder.backups, 'cut.db'), bytes.subarray(0, bytes.length - 5000))
  const foreign = new Sqlite(join(folder.backups, 'foreign.db'))
  foreign.connection.exec('CREATE TABLE t (v)')
  foreign.close()
  for (const name of ['text.db', 'empty.db', 'cut.db', 'foreign.db']) {
    await assert.rejects(backups.restore(name), {
      status: 400,
      message: /^Invalid database for restoration, /,
    })
  }
  await namespaces.post('golden', 'still', 'written')
  assert.ok(!existsSync(`${folder.file}.restore-pending`))
})

test('automatic backups are made daily when allowed, and the oldest are deleted', async () => {
  await using folder = new DataFolder()
  const clock = new HandClock()
  const { backups } = folder.open(clock)
  await backups.create('by hand.db')
  let isPrinting = false
  const failures: string[] = []
  const timer = backups.startAutomatic({
    keep: 3,
    mayRun: () => !isPrinting,
    onFailure: text => failures.push(text),
  })
  const hour = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      clock.pass(3600)
      await backups.settled()
    }
  }
  const automatic = () =>
    backups
      .list()
      .filter(name => name.startsWith('sqldb-auto-'))
      .toSorted()
  await hour(1)
  assert.equal(automatic().length, 1)
  await hour(23)
  assert.equal(automatic().length, 1)
  isPrinting = true
  await hour(5)
  assert.equal(automatic().length, 1)
  isPrinting = false
  await hour(1)
  assert.equal(automatic().length, 2)
  const [, second] = automatic()
  await hour(24 * 3)
  assert.equal(automatic().length, 3)
  assert.ok(!automatic().includes(second!))
  assert.ok(backups.list().includes('by hand.db'))
  timer.stop()
  await hour(48)
  assert.equal(automatic().length, 3)
  assert.deepEqual(failures, [])
})

test('a failed automatic backup is reported, and leaves no file', async () => {
  await using folder = new DataFolder()
  const clock = new HandClock()
  const storage = folder.open(clock)
  mkdirSync(join(folder.path, 'backup'))
  writeFileSync(folder.backups, 'a file where the folder should be')
  const failure = new Promise<string>(resolve => {
    storage.backups.startAutomatic({ mayRun: () => true, onFailure: resolve })
  })
  clock.pass(300)
  assert.match(await failure, /^The automatic backup of the database failed: /)
})
