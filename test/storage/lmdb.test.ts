// Old databases: the 64-bit file was written by Python's lmdb, the 32-bit one by LMDB 0.9 built for such a machine.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readLmdb } from '../../src/storage/lmdb.ts'
import { DataFolder, fixture } from './data-folder.ts'

const JOBS = 400

function read(file: string): { keys: string[]; damages: string[] } {
  const damages: string[] = []
  const keys = [...readLmdb(file, text => damages.push(text))].map(
    ({ database, key }) => `${database.toString()} ${key.toString()}`,
  )
  return { keys, damages }
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

for (const name of ['data-32.mdb', 'data-64.mdb']) {
  test(`${name} is imported once, and not changed`, async () => {
    await using folder = new DataFolder()
    const old = folder.put('data.mdb', fixture(name))
    const { namespaces, jobs, totals, users } = folder.open()
    assert.deepEqual(folder.warnings, [])
    assert.deepEqual(
      new Set(namespaces.list()),
      new Set(['database', 'golden', 'mainsail', 'moonraker', 'webcams']),
    )
    assert.equal(
      JSON.stringify({ ...namespaces.all('golden'), long: undefined }),
      JSON.stringify({ big: 0, empty: '', float: 1.5, int: -7, ['k'.repeat(400)]: { long: 'key' } })
        .replace('"big":0', '"big":9007199254740993')
        .replace(/}$/, ',"list":[1,"a",null,{"x":1}],"text":"grüße ☃ 🙂","yes":true}'),
    )
    assert.equal(namespaces.get('golden', 'long'), '0123456789'.repeat(2000))
    assert.deepEqual(namespaces.get('mainsail', 'uiSettings.general'), { printername: 'Drucker' })
    assert.deepEqual(namespaces.all('moonraker'), {
      file_manager: { metadata_version: 3 },
      instance_id: '0123456789abcdef0123456789abcdef',
    })
    assert.deepEqual(namespaces.all('database'), {
      database_version: 2,
      debug_counter: { get: 1, post: 0, delete: 0 },
      forbidden_namespaces: ['authorized_users'],
      protected_namespaces: ['gcode_metadata', 'history', 'moonraker'],
      unsafe_shutdowns: 3,
    })
    assert.equal(jobs.count(), JOBS)
    const { filename, status, start_time, metadata } = jobs.get(0x18f)!
    assert.deepEqual([filename, status, start_time], ['part 399.gcode', 'cancelled', 1_600_039_900.25])
    assert.deepEqual(metadata, { size: 399_000, slicer: 'PrusaSlicer' })
    assert.equal(totals.list().find(({ field }) => field === 'longest_print')?.maximum, 40.25)
    assert.deepEqual(totals.list().at(-1), {
      provider: 'sensor power',
      field: 'energy',
      maximum: null,
      total: 12.5,
    })
    assert.equal(users.get('_API_KEY_USER_')?.password, '00112233445566778899aabbccddeeff')
    assert.deepEqual(users.get('maker')?.groups, ['admin'])
    assert.equal(hash(readFileSync(old)), hash(fixture(name)))
    await namespaces.post('golden', 'int', 8)
    await namespaces.clear('webcams')
  })

  test(`${name} with damage at any place gives its readable records, and never hangs`, async () => {
    await using folder = new DataFolder()
    const sound = fixture(name)
    const whole = read(folder.put('data.mdb', sound)).keys.length
    let random = 7
    const next = (limit: number) => {
      random = (random * 48_271) % 2_147_483_647
      return random % limit
    }
    for (let round = 0; round < 200; round += 1) {
      const bytes = Buffer.from(sound)
      const cut = round % 4 === 0 ? bytes.subarray(0, next(bytes.length)) : bytes
      for (let count = 0; count < 40 && cut.length > 8192; count += 1)
        cut[8192 + next(cut.length - 8192)] = next(256)
      const file = folder.put('data.mdb', cut)
      try {
        const { keys } = read(file)
        assert.ok(keys.length <= whole * 2)
      } catch (error) {
        assert.ok(cut.length < 8192, String(error))
      }
    }
  })
}

test('a damaged page loses only its own records and is reported', async () => {
  await using folder = new DataFolder()
  const bytes = fixture('data-64.mdb')
  const whole = read(folder.put('data.mdb', bytes)).keys
  const page = bytes.indexOf('part 200.gcode') & ~4095
  bytes.fill(0xff, page, page + 4096)
  const { keys, damages } = read(folder.put('data.mdb', bytes))
  assert.equal(damages.length, 1)
  assert.match(damages[0]!, /^history: page \d+ has another number/)
  assert.ok(
    keys.length < whole.length && keys.length > whole.length - 20,
    `${keys.length} of ${whole.length}`,
  )
})

test('a file that is not LMDB is reported, and a new database is created', async () => {
  for (const content of ['', 'x', 'no database at all '.repeat(1000)]) {
    await using folder = new DataFolder()
    folder.put('data.mdb', Buffer.from(content))
    const { namespaces } = folder.open()
    assert.deepEqual(namespaces.list(), ['database'])
    assert.match(
      folder.warnings.join(),
      /^The old database data.mdb could not be imported: it is not an LMDB file/,
    )
  }
})

test('nothing is imported into a database with records', async () => {
  await using folder = new DataFolder()
  await folder.open().close()
  folder.put('data.mdb', fixture('data-64.mdb'))
  assert.equal(folder.open().jobs.count(), 0)
})
