import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RestartableServer } from '../../support/restartable-server.ts'

const item = (value: unknown) => ({ namespace: 'mine', key: 'a', value })

test('compact, backup and restore are refused while Klipper prints', async () => {
  await using server = await RestartableServer.start({ files: ['a.gcode'] })
  const client = await server.client()
  await server.print(client, { state: 'printing', filename: 'a.gcode' })
  for (const [method, word] of [
    ['compact', 'compact'],
    ['post_backup', 'backup'],
    ['restore', 'restore'],
  ]) {
    const { error } = await client.call(`server.database.${method}`, { filename: 'x.db' })
    assert.deepEqual(error, { code: 400, message: `Cannot ${word} when Klipper is printing` })
  }
})

test('a paused print refuses a restore, which would lose its job, and nothing else', async () => {
  await using server = await RestartableServer.start({ files: ['a.gcode'] })
  const client = await server.client()
  await server.print(client, { state: 'printing', filename: 'a.gcode' })
  await server.print(client, { state: 'paused' })
  assert.equal((await client.call('server.database.compact')).error, undefined)
  assert.equal((await client.call('server.database.post_backup', { filename: 'x.db' })).error, undefined)
  const { error } = await client.call('server.database.restore', { filename: 'x.db' })
  assert.deepEqual(error, { code: 400, message: 'Cannot restore when Klipper is printing' })
})

test('compact frees the space of deleted items', async () => {
  await using server = await RestartableServer.start()
  const client = await server.client()
  await client.call('server.database.post_item', item('x'.repeat(500_000)))
  await client.call('server.database.delete_item', { namespace: 'mine', key: 'a' })
  const { previous_size, new_size } = (await client.call('server.database.compact')).result
  assert.ok(previous_size - new_size > 400_000, `${previous_size} ${new_size}`)
})

test('a backup is made, restored at the next start, and deleted', async () => {
  await using server = await RestartableServer.start()
  const client = await server.client()
  await client.call('server.database.post_item', item(1))
  const { backup_path } = (await client.call('server.database.post_backup', { filename: 'one.db' })).result
  assert.equal(backup_path, join(server.paths.backup, 'database', 'one.db'))
  assert.ok(existsSync(backup_path))
  await client.call('server.database.post_item', item(2))
  const { result } = await client.call('server.database.restore', { filename: 'one.db' })
  assert.ok(result.restored_tables.includes('job_history') && result.restored_namespaces.includes('mine'))
  await server.restartRequested
  const late = await client.call('server.database.post_item', item(3))
  assert.equal(late.error.code, 503)
  await server.restart()
  const again = await server.client()
  const read = await again.call('server.database.get_item', { namespace: 'mine', key: 'a' })
  assert.equal(read.result.value, 1)
  assert.equal((await again.call('server.database.delete_backup', { filename: 'one.db' })).error, undefined)
  const { backups } = (await again.call('server.database.list')).result
  assert.equal(backups.length, 1)
  assert.match(backups[0], /^sqldb-before-restore-\d{8}-\d{6}\.db$/)
})

test('invalid names of backups change nothing', async () => {
  await using server = await RestartableServer.start()
  const client = await server.client()
  for (const filename of ['../x.db', '/etc/passwd', '', '.', 'a/b.db', 'x'.repeat(300)]) {
    for (const method of ['post_backup', 'delete_backup', 'restore']) {
      const { error } = await client.call(`server.database.${method}`, { filename })
      assert.equal(error.code, 400, `${method} ${filename}`)
    }
  }
  assert.equal((await client.call('server.database.restore', { filename: 'none.db' })).error.code, -32601)
  assert.deepEqual(readdirSync(server.paths.backup, { recursive: true }), [])
})

test('the server keeps its instance id over restarts, in the file and in the database', async () => {
  await using server = await RestartableServer.start()
  const read = async () => {
    const client = await server.client()
    const params = { namespace: 'moonraker', key: 'instance_id' }
    return (await client.call('server.database.get_item', params)).result.value
  }
  const first = await read()
  assert.match(first, /^[0-9a-f]{32}$/)
  await server.restart()
  assert.equal(await read(), first)
})
