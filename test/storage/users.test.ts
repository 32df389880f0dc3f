import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_KEY_USER } from '../../src/storage/index.ts'
import { DataFolder } from './data-folder.ts'

const user = {
  username: 'zoë',
  password: 'aa',
  created_on: 1234.5,
  salt: 'bb',
  source: 'moonraker',
  jwt_secret: null,
  jwk_id: null,
  groups: ['admin'],
}

test('a new database has a new API key', async () => {
  await using folder = new DataFolder()
  await using other = new DataFolder()
  const [first, second] = [folder, other].map(each => each.open().users.get(API_KEY_USER)?.password)
  assert.match(first!, /^[0-9a-f]{32}$/)
  assert.notEqual(first, second)
})

test('users are added, replaced and deleted', async () => {
  await using folder = new DataFolder()
  const { users } = folder.open()
  await users.put(user)
  await users.put({ ...user, jwt_secret: 'cc', jwk_id: 'k' })
  assert.deepEqual(users.get('zoë'), { ...user, jwt_secret: 'cc', jwk_id: 'k' })
  assert.deepEqual(
    users.list().map(({ username }) => username),
    [API_KEY_USER, 'zoë'],
  )
  assert.equal(await users.delete('zoë'), true)
  assert.equal(await users.delete('zoë'), false)
  assert.equal(users.get('zoë'), undefined)
})

test('groups that cannot be read give no rights', async () => {
  await using folder = new DataFolder()
  const { users, db } = folder.open()
  await users.put(user)
  await db.write(writer => writer.run('UPDATE authorized_users SET groups = ?', Buffer.from('["adm')))
  assert.deepEqual(users.get('zoë')?.groups, [])
})
