// Users, keys and API key of a database that the original Moonraker wrote: all of them work here.
import assert from 'node:assert/strict'
import { randomUUID, sign } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { signingKey } from '../../../src/components/access/json-web-token.ts'
import { Sqlite } from '../../../src/storage/sqlite.ts'
import { fixture } from '../../storage/data-folder.ts'
import { bearer, ELSEWHERE, logIn, send, startAccess, statusFor } from './access-rig.ts'

const NAME = 'moonraker-sql.db'

const startOriginal = () =>
  startAccess('', {
    prepare: ({ database }) => {
      mkdirSync(database, { recursive: true })
      writeFileSync(join(database, NAME), fixture(NAME))
    },
  })

test('its passwords, its API key and its tokens are valid', async () => {
  await using rig = await startOriginal()
  assert.equal((await logIn(rig, 'zoë', 'pässwörd ☃')).status, 200)
  assert.equal((await logIn(rig, 'zoë', 'passwörd ☃')).status, 400)
  const db = new Sqlite(join(rig.paths.database, NAME), { readOnly: true })
  const rows = db.all('SELECT username, password, jwt_secret, jwk_id FROM authorized_users ORDER BY rowid')
  db.close()
  assert.equal(await statusFor(rig, { ...ELSEWHERE, 'X-Api-Key': String(rows[0]?.password) }), 200)
  const maker = rows.find(({ username }) => username === 'maker')
  const key = signingKey(String(maker?.jwk_id), String(maker?.jwt_secret))
  const iat = Math.floor(Date.now() / 1000) - 10
  const claims = { iss: `http://${hostname()}:0`, aud: 'Moonraker', iat, exp: iat + 3600 }
  const parts = [
    { kid: maker?.jwk_id, alg: 'EdDSA', typ: 'JWT' },
    { ...claims, username: 'maker', token_type: 'access' },
  ]
  const text = parts.map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = sign(null, Buffer.from(text), key!.privateKey).toString('base64url')
  const me = await send(rig, 'GET', '/access/user', undefined, bearer(`${text}.${signature}`))
  assert.equal(me.json.result.username, 'maker')
})

test('a change to one user leaves the others unchanged', async () => {
  await using rig = await startOriginal()
  const read = () => {
    const db = new Sqlite(join(rig.paths.database, NAME), { readOnly: true })
    const rows = db.all('SELECT *, hex(groups) AS groups FROM authorized_users ORDER BY username')
    db.close()
    return rows
  }
  const before = read()
  const username = `new ${randomUUID()}`
  await send(rig, 'POST', '/access/user', { username, password: 'x' }, {})
  await logIn(rig, 'zoë', 'pässwörd ☃')
  await send(rig, 'DELETE', `/access/user?username=${encodeURIComponent(username)}`, undefined, {})
  assert.deepEqual(read(), before)
})
