// API keys: the one of the original, and named ones with a role and an expiry.
import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WebClient } from '../../support/web-client.ts'
import {
  bearer,
  ELSEWHERE,
  IDENTITY,
  MovedClock,
  send,
  startAccess,
  statusFor,
  UNAUTHORIZED,
} from './access-rig.ts'

const keyed = (key: string) => ({ ...ELSEWHERE, 'X-Api-Key': key })

test('the API key grants access by header and by identity; similar texts do not', async () => {
  await using rig = await startAccess()
  const key: string = (await send(rig, 'GET', '/access/api_key', undefined, {})).json.result
  assert.match(key, /^[0-9a-f]{32}$/)
  const me = await send(rig, 'GET', '/access/user', undefined, keyed(key))
  assert.equal(me.json.result.username, '_API_KEY_USER_')
  for (const wrong of ['', ' ', key.slice(1), `${key}0`, key.toUpperCase(), key.replace(/.$/, 'x'), 'null']) {
    assert.equal(await statusFor(rig, keyed(wrong)), 401, wrong)
    assert.equal(await statusFor(rig, { 'X-Api-Key': wrong }), 200, 'a trusted address needs none')
  }
  using socket = await WebClient.open(rig.url, ELSEWHERE)
  const identify = (api_key: string) => socket.call('server.connection.identify', { ...IDENTITY, api_key })
  assert.deepEqual((await identify('bad')).error, { code: -32602, message: 'Invalid API Key' })
  assert.deepEqual((await identify('')).error, UNAUTHORIZED)
  assert.ok((await identify(key)).result.connection_id)
  assert.equal((await socket.call('access.get_user')).result.username, '_API_KEY_USER_')
})

test('an API key is accepted as a bearer token, but not in the other places of tokens', async () => {
  await using rig = await startAccess()
  const key: string = (await send(rig, 'GET', '/access/api_key', undefined, {})).json.result
  const named = await send(rig, 'POST', '/access/api_keys', { name: 'bot', role: 'viewer' }, {})
  for (const each of [key, named.json.result.api_key as string]) {
    assert.equal(await statusFor(rig, bearer(each)), 200)
    assert.equal(await statusFor(rig, { ...ELSEWHERE, 'X-Access-Token': each }), 401)
    for (const query of [`access_token=${each}`, `token=${each}`]) {
      assert.equal((await send(rig, 'GET', `/server/info?${query}`)).status, 401, query)
    }
  }
  const me = await send(rig, 'GET', '/access/user', undefined, bearer(named.json.result.api_key))
  assert.equal(me.json.result.role, 'viewer')
  for (const wrong of [key.slice(1), `${key}0`, key.toUpperCase()]) {
    assert.equal(await statusFor(rig, bearer(wrong)), 401, wrong)
    assert.equal(
      await statusFor(rig, { Authorization: `Bearer ${wrong}` }),
      401,
      'from a trusted address too',
    )
  }
})

test('a new API key ends the old one, and the WebSockets that it opened lose the user', async () => {
  await using rig = await startAccess()
  const old = (await send(rig, 'GET', '/access/api_key', undefined, {})).json.result
  using socket = await WebClient.open(rig.url, keyed(old))
  using trusted = await WebClient.open(rig.url)
  const key = (await send(rig, 'POST', '/access/api_key', undefined, keyed(old))).json.result
  assert.notEqual(key, old)
  assert.equal(await statusFor(rig, keyed(old)), 401)
  assert.equal(await statusFor(rig, keyed(key)), 200)
  assert.deepEqual((await socket.call('server.info')).error, UNAUTHORIZED)
  assert.equal((await trusted.call('access.get_user')).result.username, '_TRUSTED_USER_')
  using maker = await WebClient.open(rig.url, keyed(key))
  using other = await WebClient.open(rig.url, keyed(key))
  const newest = (await maker.call('access.post_api_key')).result
  assert.equal((await maker.call('access.get_api_key')).result, newest, 'the connection that made it stays')
  assert.deepEqual((await other.call('server.info')).error, UNAUTHORIZED)
})

test('the server accepts no API key if they are disabled', async () => {
  await using rig = await startAccess('enable_api_key: False')
  const key = (await send(rig, 'GET', '/access/api_key', undefined, {})).json.result
  const named = await send(rig, 'POST', '/access/api_keys', { name: 'bot', role: 'admin' }, {})
  for (const each of [key, named.json.result.api_key]) {
    assert.equal(await statusFor(rig, keyed(each)), 401)
    assert.equal(await statusFor(rig, bearer(each)), 401)
    using socket = await WebClient.open(rig.url, ELSEWHERE)
    const { error } = await socket.call('server.connection.identify', { ...IDENTITY, api_key: each })
    assert.equal(error.message, 'API Key authentication is disabled')
  }
})

test('a named key has its role, is stored as a hash, and its WebSockets lose the user with it', async () => {
  await using rig = await startAccess()
  const made = await send(rig, 'POST', '/access/api_keys', { name: 'bot', role: 'viewer' }, {})
  const { api_key, ...rest } = made.json.result
  assert.deepEqual([rest.name, rest.role, rest.expires_on], ['bot', 'viewer', null])
  const listed = await send(rig, 'GET', '/access/api_keys', undefined, {})
  assert.deepEqual(listed.json.result, { keys: [rest] })
  assert.equal((await send(rig, 'POST', '/access/api_keys', { name: 'bot', role: 'admin' }, {})).status, 400)
  for (const file of ['moonraker-sql.db', 'moonraker-sql.db-wal']) {
    assert.ok(!readFileSync(join(rig.paths.database, file)).includes(api_key), file)
  }
  assert.equal(await statusFor(rig, keyed(api_key)), 200)
  const me = await send(rig, 'GET', '/access/user', undefined, keyed(api_key))
  assert.deepEqual([me.json.result.username, me.json.result.role], ['_API_KEY_USER_/bot', 'viewer'])
  assert.equal((await send(rig, 'POST', '/server/restart', {}, keyed(api_key))).status, 403)
  assert.equal((await send(rig, 'GET', '/access/api_key', undefined, keyed(api_key))).status, 403)
  using socket = await WebClient.open(rig.url, keyed(api_key))
  const gone = await send(rig, 'DELETE', '/access/api_keys?name=bot', undefined, {})
  assert.deepEqual(gone.json.result, { name: 'bot', action: 'api_key_deleted' })
  assert.deepEqual((await socket.call('server.info')).error, UNAUTHORIZED)
  assert.equal(await statusFor(rig, keyed(api_key)), 401)
  assert.equal((await send(rig, 'DELETE', '/access/api_keys?name=bot', undefined, {})).status, 404)
})

test('a named key expires, and a restart does not end it before', async () => {
  const clock = new MovedClock()
  await using rig = await startAccess('', { clock })
  const { json } = await send(rig, 'POST', '/access/api_keys', { name: 'bot', role: 'admin', days: 2 }, {})
  const { api_key, created_on, expires_on } = json.result
  assert.equal(expires_on, created_on + 2 * 86_400)
  await using again = await startAccess('', {
    clock,
    prepare: ({ database }) => cpSync(rig.paths.database, database, { recursive: true }),
  })
  for (const each of [rig, again]) {
    clock.ahead = 2 * 86_400 - 10
    assert.equal(await statusFor(each, keyed(api_key)), 200)
    using socket = await WebClient.open(each.url, keyed(api_key))
    clock.ahead = 2 * 86_400 + 10
    assert.equal(await statusFor(each, keyed(api_key)), 401)
    clock.run(30)
    assert.deepEqual((await socket.call('server.info')).error, UNAUTHORIZED)
  }
})
