// A server that takes over the data of Moonraker, adds its own, and leaves what Moonraker finds again after a way back.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DATABASE_FILE } from '../../../src/storage/index.ts'
import { Sqlite } from '../../../src/storage/sqlite.ts'
import { fixture } from '../../storage/data-folder.ts'
import { postJson } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

/** The text of each table, and of each row as Moonraker reads it: by table. */
function content(file: string): { tables: Record<string, unknown>; rows: Record<string, Set<string>> } {
  const db = new Sqlite(file, { readOnly: true })
  try {
    const found = db.all("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
    const rowsOf = (name: string) =>
      // A login may renew the keys of a user.
      name === 'authorized_users'
        ? 'SELECT username, password, salt, source, created_on, groups FROM authorized_users'
        : // The server forgets the metadata of files that do not exist, as Moonraker does.
          name === 'namespace_store'
          ? "SELECT * FROM namespace_store WHERE namespace != 'gcode_metadata'"
          : `SELECT * FROM ${name}`
    const text = (row: object) =>
      JSON.stringify(
        Object.values(row).map(cell =>
          cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : String(cell),
        ),
      )
    return {
      tables: Object.fromEntries(found.map(({ name, sql }) => [String(name), sql])),
      rows: Object.fromEntries(
        found.map(({ name }) => [String(name), new Set(db.all(rowsOf(String(name))).map(text))]),
      ),
    }
  } finally {
    db.close()
  }
}

test('users, records and history of Moonraker work, and stay as they are next to what the server adds', async () => {
  let file = ''
  let before: ReturnType<typeof content> | null = null
  await using rig = await startRig({
    speed: 100,
    conf: '[history]\n[job_queue]\n',
    prepare: ({ database }) => {
      mkdirSync(database, { recursive: true })
      file = join(database, DATABASE_FILE)
      writeFileSync(file, fixture(DATABASE_FILE))
      before = content(file)
    },
  })
  const login = { username: 'zoë', password: 'pässwörd ☃' }
  assert.equal((await postJson(rig.port, '/access/login', login)).status, 200)

  using client = await WebClient.open(rig.url)
  const call = async (method: string, params: object = {}) => {
    const { result, error } = await client.call(method, params)
    assert.equal(error, undefined, method)
    return result
  }
  assert.equal((await call('server.history.totals')).job_totals.total_jobs, 3)
  await call('access.post_user', { username: 'new', password: 'a password' })
  await call('server.database.post_item', { namespace: 'mainsail', key: 'added.by', value: [1.5, 'ü'] })
  await call('server.webcams.post_item', { name: 'new', stream_url: '/webcam', snapshot_url: '/webcam' })
  writeFileSync(join(rig.paths.gcodes, 'new.gcode'), 'G28\n')
  await call('printer.print.start', { filename: 'new.gcode' })
  await client.find(
    ({ method, params }) => method === 'notify_history_changed' && params[0].action === 'finished',
  )
  assert.equal((await call('server.history.list', { order: 'asc' })).jobs.at(-1).job_id, '000004')

  const after = content(file)
  for (const [table, sql] of Object.entries(before!.tables)) {
    assert.equal(after.tables[table], sql, table)
    // The totals count the new job.
    if (table === 'job_totals') continue
    for (const row of before!.rows[table]!) assert.ok(after.rows[table]!.has(row), `${table}: ${row}`)
  }
  for (const table of ['authorized_users', 'job_history']) {
    assert.equal(after.rows[table]!.size, before!.rows[table]!.size + 1, table)
  }
})
