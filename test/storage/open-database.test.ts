// The server starts in every state of the database: readable data is kept, the damaged file too, and a warning explains it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { damageOf } from '../../src/storage/backup-files.ts'
import type { Storage } from '../../src/storage/index.ts'
import { Sqlite } from '../../src/storage/sqlite.ts'
import { DataFolder, fixture } from './data-folder.ts'

const NAME = 'moonraker-sql.db'
const PAGE = 4096
const JOBS = 300

/** A file with enough records of each kind to fill many pages. */
async function sound(): Promise<Buffer> {
  await using folder = new DataFolder()
  folder.put(NAME, fixture(NAME))
  const storage = folder.open()
  await fill(storage)
  await storage.close()
  return readFileSync(folder.file)
}

async function fill({ jobs, namespaces }: Storage): Promise<void> {
  const job = jobs.get(1)!
  await Promise.all(
    Array.from({ length: JOBS }, (_, index) => jobs.add({ ...job, filename: `${index}.gcode` })),
  )
  const records = Array.from({ length: 200 }, (_, index) => [`key ${index}`, { index }] as const)
  await namespaces.postAll('many', new Map(records))
}

const bytes = await sound()
const broken = (folder: DataFolder) => folder.names().filter(name => name.includes('.broken-'))

function assertUsable(folder: DataFolder, storage: Storage): void {
  assert.equal(damageOf(storage.db), null)
  assert.ok(!folder.names().some(name => /reading|restoring|pending/.test(name)), folder.names().join())
}

test('an intact file is opened without a warning', async () => {
  await using folder = new DataFolder()
  folder.put(NAME, bytes)
  assert.equal(folder.open().jobs.count(), JOBS + 3)
  assert.deepEqual(folder.warnings, [])
  assert.deepEqual(broken(folder), [])
})

const DAMAGES: Record<string, (whole: Buffer) => Uint8Array> = {
  'a head that is none': whole => Buffer.concat([Buffer.alloc(100, 0xa5), whole.subarray(100)]),
  'a text file': () => Buffer.from('namespaces: none\n'.repeat(100)),
  'zeros only': whole => Buffer.alloc(whole.length),
  'one byte': () => Buffer.from('S'),
  'a version of the file format that is not known': whole => {
    const copy = Buffer.from(whole)
    copy[19] = 9
    return copy
  },
}

for (const [what, damage] of Object.entries(DAMAGES)) {
  test(`${what}: the damaged file is kept, and the newest good backup is restored`, async () => {
    await using folder = new DataFolder()
    mkdirSync(folder.backups, { recursive: true })
    writeFileSync(join(folder.backups, 'good.db'), bytes)
    writeFileSync(join(folder.backups, 'unfit.db'), bytes.subarray(0, 10_000))
    const damaged = damage(bytes)
    folder.put(NAME, damaged)
    const storage = folder.open()
    assert.equal(storage.jobs.count(), JOBS + 3)
    assert.deepEqual(storage.namespaces.get('golden', 'text'), 'hello')
    assert.equal(folder.warnings.length, 1)
    assert.match(
      folder.warnings[0]!,
      /^The database was damaged \(.+\); the damaged file was kept as moonraker-sql\.db\.broken-/,
    )
    assert.match(
      folder.warnings[0]!,
      /newest good backup, good\.db, was restored.*Other damaged backups: unfit\.db/,
    )
    const [aside] = broken(folder)
    assert.deepEqual(readFileSync(join(folder.database, aside!)), Buffer.from(damaged))
    await storage.namespaces.post('golden', 'new', 1)
    assertUsable(folder, storage)
  })
}

test('without a backup a new database is created', async () => {
  await using folder = new DataFolder()
  folder.put(NAME, Buffer.alloc(50_000, 0xa5))
  const storage = folder.open()
  assert.deepEqual(storage.namespaces.list(), ['database'])
  assert.match(folder.warnings.join(), /There is no good backup\. 0 rows/)
  assert.equal(broken(folder).length, 1)
  assertUsable(folder, storage)
})

test('random pages: readable rows are kept, and replace those of the backup', async () => {
  for (let page = 1; page < bytes.length / PAGE; page += 7) {
    await using folder = new DataFolder()
    const copy = Buffer.from(bytes)
    for (let index = 0; index < PAGE; index += 1) copy[page * PAGE + index] = (index * 31 + page) % 251
    folder.put(NAME, copy)
    const storage = folder.open()
    assertUsable(folder, storage)
    assert.equal(broken(folder).length, folder.warnings.length, `page ${page}: ${folder.warnings.join()}`)
    const kept = storage.jobs.count() + storage.namespaces.entries('many').size
    const isLost = folder.warnings.length > 0
    assert.ok(kept >= (isLost ? 1 : JOBS + 203) && kept <= JOBS + 203, `page ${page}: ${kept}`)
    await storage.namespaces.post('golden', 'new', 1)
  }
})

test('a damaged page of one table loses nothing of the others', async () => {
  await using folder = new DataFolder()
  const copy = Buffer.from(bytes)
  const page = Math.floor(copy.indexOf('150.gcode') / PAGE)
  copy.fill(0xee, page * PAGE, (page + 1) * PAGE)
  folder.put(NAME, copy)
  const { jobs, namespaces, users } = folder.open()
  assert.ok(jobs.count() > JOBS - 30 && jobs.count() < JOBS, String(jobs.count()))
  assert.equal(jobs.get(JOBS)?.filename, `${JOBS - 4}.gcode`)
  assert.equal(namespaces.entries('many').size, 200)
  assert.deepEqual(
    users.list().map(({ username }) => username),
    ['_API_KEY_USER_', 'maker', 'zoë'],
  )
  assert.match(folder.warnings.join(), /Incomplete tables: job_history\./)
})

test('readable rows of a damaged file win over the backup', async () => {
  await using folder = new DataFolder()
  const before = folder.open()
  await before.namespaces.post('golden', 'gone', 1)
  await before.users.put({ ...before.users.list()[0]!, username: 'deleted since' })
  await before.backups.create('old.db')
  await before.namespaces.delete('golden', 'gone')
  await before.namespaces.post('golden', 'kept', 2)
  await before.users.delete('deleted since')
  for (let index = 0; index < 100; index += 1) {
    await before.jobs.add({
      user: 'u',
      filename: `${index}.gcode`,
      status: 'completed',
      start_time: 1,
      end_time: 2,
      print_duration: 1,
      total_duration: 1,
      filament_used: 1,
      metadata: { text: 'x'.repeat(500) },
      auxiliary_data: [],
    })
  }
  await before.close()
  const copy = readFileSync(folder.file)
  const page = Math.floor(copy.indexOf('50.gcode') / PAGE)
  copy.fill(0xee, page * PAGE, (page + 1) * PAGE)
  folder.put(NAME, copy)
  const after = folder.open()
  assert.match(folder.warnings.join(), /old\.db, was restored/)
  assert.deepEqual(after.namespaces.all('golden'), { kept: 2 })
  assert.deepEqual(
    after.users.list().map(({ username }) => username),
    ['_API_KEY_USER_'],
  )
  assert.ok(after.jobs.count() > 80)
})

test('the server starts with a file that is truncated at any place', async () => {
  for (let length = 0; length < bytes.length; length += Math.floor(bytes.length / 6)) {
    await using folder = new DataFolder()
    folder.put(NAME, bytes.subarray(0, length))
    const storage = folder.open()
    if (length > bytes.length / 2) assert.ok(storage.jobs.count() > 50)
    await storage.namespaces.post('golden', 'new', 1)
    assert.equal(folder.warnings.length, 1)
    assertUsable(folder, storage)
  }
})

test('an empty file is damaged if there is a backup, otherwise new', async () => {
  await using folder = new DataFolder()
  folder.put(NAME, Buffer.alloc(0))
  const first = folder.open()
  assert.match(folder.warnings.join(), /was empty, and there is no backup/)
  await first.namespaces.post('golden', 'a', 1)
  await first.backups.create()
  await first.close()
  writeFileSync(folder.file, '')
  assert.deepEqual(folder.open().namespaces.all('golden'), { a: 1 })
})

test('a log without its database is renamed, not applied to the next one', async () => {
  await using folder = new DataFolder()
  await using copy = new DataFolder()
  const { namespaces } = folder.open()
  await namespaces.post('golden', 'a', 1)
  copy.put(`${NAME}-wal`, readFileSync(`${folder.file}-wal`))
  assert.deepEqual(copy.open().namespaces.list(), ['database'])
  assert.match(copy.warnings.join(), /its log is there; the log was renamed/)
  assert.equal(broken(copy).length, 1)
})

test('data that is only in the log survives a crash, also with a damaged file', async () => {
  await using folder = new DataFolder()
  await using copy = new DataFolder()
  folder.put(NAME, bytes)
  const { namespaces } = folder.open()
  await namespaces.post('golden', 'logged', 1)
  const damaged = readFileSync(folder.file)
  const page = Math.floor(damaged.indexOf('150.gcode') / PAGE)
  damaged.fill(0xee, page * PAGE, (page + 1) * PAGE)
  copy.put(NAME, damaged)
  copy.put(`${NAME}-wal`, readFileSync(`${folder.file}-wal`))
  assert.equal(copy.open().namespaces.get('golden', 'logged'), 1)
  assert.equal(broken(copy).length, 2)
})

test('newer versions give a warning, and are used as far as they are known', async () => {
  await using folder = new DataFolder()
  const file = folder.put(NAME, bytes)
  const newer = new Sqlite(file)
  newer.connection.exec(`
    ALTER TABLE job_history ADD COLUMN colour TEXT;
    ALTER TABLE authorized_users RENAME COLUMN salt TO pepper;
    UPDATE table_registry SET version = 7 WHERE name IN ('job_history', 'authorized_users');
    UPDATE namespace_store SET value = x'7109' || zeroblob(7) WHERE key = 'database_version'`)
  newer.close()
  const { jobs, users, namespaces } = folder.open()
  assert.deepEqual(
    folder.warnings.map(text => text.split(',')[0]),
    [
      "The database table 'authorized_users' has version 7",
      "The database table 'job_history' has version 7",
      'The database has version 9',
    ],
  )
  assert.match(folder.warnings[0]!, /has no salt, so nothing can be written to it/)
  assert.equal(await jobs.add(jobs.get(1)!), JOBS + 4)
  assert.equal(users.get('maker')?.salt, '')
  await assert.rejects(users.put(users.get('maker')!), { status: 500, message: /salt/ })
  assert.equal(namespaces.get('database', 'database_version'), 9)
})

test('a table is updated once, with a backup before', async () => {
  await using folder = new DataFolder()
  const columns = [
    ['id', 'INTEGER', 'PRIMARY KEY'],
    ['name', 'TEXT'],
  ] as const
  const first = folder.open()
  first.table({ name: 'job_queue', version: 1, columns })
  await first.db.write(writer => writer.run("INSERT INTO job_queue (name) VALUES ('a')"))
  await first.close()
  for (const name of first.backups.list()) rmSync(join(folder.backups, name))
  const froms: number[] = []
  const second = {
    name: 'job_queue',
    version: 2,
    columns: [...columns, ['note', 'TEXT'] as const],
    migrate(db: { exec(sql: string): void }, from: number) {
      froms.push(from)
      db.exec("ALTER TABLE job_queue ADD COLUMN note TEXT; UPDATE job_queue SET note = 'from ' || name")
    },
  }
  for (let round = 0; round < 2; round += 1) {
    const storage = folder.open()
    storage.table(second)
    assert.deepEqual({ ...storage.db.get('SELECT * FROM job_queue') }, { id: 1, name: 'a', note: 'from a' })
    await storage.close()
  }
  assert.deepEqual(froms, [1])
  const [backup, ...others] = folder.open().backups.list()
  assert.match(backup!, /^sqldb-before-update-/)
  assert.deepEqual(others, [])
})

test('a migration that fails leaves the file as it was', async () => {
  await using folder = new DataFolder()
  const storage = folder.open()
  const failing = {
    name: 'job_queue',
    version: 1,
    columns: [['id', 'INTEGER', 'PRIMARY KEY'] as const],
    migrate() {
      throw new Error('no')
    },
  }
  assert.throws(() => storage.table(failing), /^Error: no$/)
  assert.throws(() => storage.db.get('SELECT * FROM job_queue'), /no such table/)
})

test('the start reports another program that has locked the file', async () => {
  await using folder = new DataFolder()
  const other = new Sqlite(folder.put(NAME, bytes))
  other.connection.exec('BEGIN IMMEDIATE')
  assert.throws(() => folder.open(), { message: /is in use by another program/ })
  other.close()
})

/** A small file system in memory, or null where this user may not mount one; it is removed with the test. */
function mountSmall(t: TestContext, path: string, size: string): Disposable | null {
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]).status !== 0) {
    t.skip('mounting a small file system needs root')
    return null
  }
  return { [Symbol.dispose]: () => void spawnSync('umount', ['-l', path]) }
}

test('a read-only disk: everything is read, nothing can be written, and the warning contains the reason', async t => {
  await using folder = new DataFolder()
  using small = process.getuid?.() === 0 ? mountSmall(t, folder.database, '8m') : null
  if (process.getuid?.() === 0) {
    if (small === null) return
    folder.put(NAME, bytes)
    spawnSync('mount', ['-o', 'remount,ro', folder.database])
  } else {
    chmodSync(folder.put(NAME, bytes), 0o444)
    chmodSync(folder.database, 0o555)
    t.after(() => chmodSync(folder.database, 0o755))
  }
  const { namespaces, jobs, db } = folder.open()
  assert.equal(jobs.count(), JOBS + 3)
  assert.equal(namespaces.get('golden', 'text'), 'hello')
  assert.match(
    folder.warnings.join(),
    /^The database file moonraker-sql\.db cannot be written \(.+\): its content/,
  )
  await assert.rejects(namespaces.post('golden', 'new', 1), { status: 503, message: /cannot be written/ })
  assert.ok(db.refusal !== null)
})

test('a disk that is full at the start: everything is read, and the warning contains the reason', async t => {
  await using folder = new DataFolder()
  using small = mountSmall(t, folder.database, '2m')
  if (small === null) return
  folder.put(NAME, bytes)
  folder.put('other', Buffer.alloc(0))
  spawnSync('dd', ['if=/dev/zero', `of=${join(folder.database, 'other')}`, 'bs=4096', 'count=9999'])
  const { namespaces, jobs } = folder.open()
  assert.equal(jobs.count(), JOBS + 3)
  assert.equal(folder.warnings.length, 1)
  await assert.rejects(namespaces.post('golden', 'new', 1), { status: 503 })
  rmSync(join(folder.database, 'other'))
  assert.equal(folder.open().jobs.count(), JOBS + 3)
})

test('a disk that fills up: writes fail with the reason, reads continue, and writes work again with space', async t => {
  await using folder = new DataFolder()
  using small = mountSmall(t, folder.database, '4m')
  if (small === null) return
  folder.put(NAME, bytes)
  const storage = folder.open()
  const large = 'x'.repeat(300_000)
  const posted: string[] = []
  let failure: unknown
  for (let index = 0; failure === undefined && index < 100; index += 1) {
    const key = `large${index}`
    await storage.namespaces.post('golden', key, large).then(
      () => posted.push(key),
      (error: unknown) => {
        failure = error
      },
    )
  }
  assert.match(String(failure), /The disk is full/)
  assert.equal((failure as { status: number }).status, 507)
  for (const key of posted) assert.equal(storage.namespaces.get('golden', key), large)
  spawnSync('mount', ['-o', 'remount,size=32m', folder.database])
  await storage.namespaces.post('golden', 'new', 1)
  await storage.close()
  const { namespaces } = folder.open()
  assert.equal(namespaces.get('golden', 'new'), 1)
  for (const key of posted) assert.equal(namespaces.get('golden', key), large)
  assert.deepEqual(folder.warnings, [])
})
