// Users are created, log in and out, change their passwords, and are deleted; each time their old access ends at once.
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { WebClient } from '../../support/web-client.ts'
import {
  bearer,
  createUser,
  ELSEWHERE,
  IDENTITY,
  logIn,
  openSocket,
  send,
  startAccess,
  statusFor,
  UNAUTHORIZED,
} from './access-rig.ts'

test('a user is created, is listed, logs in, and is the user of its requests', async () => {
  await using rig = await startAccess()
  const created = await createUser(rig, 'zoë')
  assert.deepEqual([created.username, created.source, created.action], ['zoë', 'moonraker', 'user_created'])
  const { json } = await logIn(rig, 'zoë')
  assert.equal(json.result.action, 'user_logged_in')
  for (const { token } of [created, json.result]) {
    const me = await send(rig, 'GET', '/access/user', undefined, bearer(token))
    const { username, source, created_on } = me.json.result
    assert.deepEqual([username, source], ['zoë', 'moonraker'])
    assert.ok(Math.abs(created_on - Date.now() / 1000) < 60)
  }
  const { users } = (await send(rig, 'GET', '/access/users/list', undefined, {})).json.result
  assert.deepEqual(
    users.map((user: { username: string }) => user.username),
    ['zoë'],
  )
  const trusted = await send(rig, 'GET', '/access/user', undefined, {})
  assert.equal(trusted.json.result.username, '_TRUSTED_USER_')
})

test('unauthenticated clients may log in and refresh, and nothing else', async () => {
  await using rig = await startAccess()
  const { refresh_token } = await createUser(rig, 'a')
  const refreshed = await send(rig, 'POST', '/access/refresh_jwt', { refresh_token })
  assert.equal(refreshed.json.result.action, 'user_jwt_refresh')
  assert.equal(await statusFor(rig, bearer(refreshed.json.result.token)), 200)
  for (const [verb, path] of [
    ['POST', '/access/logout'],
    ['GET', '/access/user'],
    ['POST', '/access/user'],
    ['DELETE', '/access/user?username=a'],
    ['GET', '/access/users/list'],
    ['POST', '/access/user/password'],
    ['POST', '/access/user/role'],
    ['GET', '/access/oneshot_token'],
    ['GET', '/access/api_key'],
    ['POST', '/access/api_key'],
    ['GET', '/access/api_keys'],
    ['POST', '/access/api_keys'],
    ['DELETE', '/access/api_keys?name=a'],
  ] as const) {
    assert.equal((await send(rig, verb, path)).status, 401, `${verb} ${path}`)
  }
  const info = await send(rig, 'GET', '/access/info')
  assert.deepEqual(info.json.result, {
    default_source: 'moonraker',
    available_sources: ['moonraker'],
    login_required: false,
    trusted: false,
  })
})

test('an unknown user and a wrong password cause the same error', async () => {
  await using rig = await startAccess()
  await createUser(rig, 'a')
  const replies = await Promise.all([
    logIn(rig, 'a', 'wrong'),
    logIn(rig, 'unknown', 'wrong'),
    logIn(rig, 'a', ''),
  ])
  for (const { status, json } of replies) {
    assert.deepEqual([status, json.error.message], [400, 'Invalid Password'])
  }
})

test('no user has a reserved or empty name, or an empty password', async () => {
  await using rig = await startAccess()
  for (const username of [
    '_API_KEY_USER_',
    '_TRUSTED_USER_',
    '_API_KEY_USER_/bot',
    '',
    'a\nb',
    'half \ud800',
    'x'.repeat(300),
  ]) {
    const reply = await send(rig, 'POST', '/access/user', { username, password: 'x' }, {})
    assert.equal(reply.status, 400, username)
  }
  assert.equal((await send(rig, 'POST', '/access/user', { username: 'a', password: '' }, {})).status, 400)
  assert.equal(
    (await logIn(rig, '_API_KEY_USER_', '')).json.error.message,
    'Invalid Request for user _API_KEY_USER_',
  )
  const { result } = (await send(rig, 'GET', '/access/users/list', undefined, {})).json
  assert.deepEqual(result.users, [])
})

test('of two parallel requests to create the same user one succeeds', async () => {
  await using rig = await startAccess()
  const all = await Promise.allSettled([createUser(rig, 'a'), createUser(rig, 'a'), createUser(rig, 'a')])
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
})

/** Requests that end a login, by their notification, with the headers of a trusted client and the tokens of `a`. */
const ENDINGS: Readonly<
  Record<string, (rig: Awaited<ReturnType<typeof startAccess>>, token: string) => Promise<unknown>>
> = {
  notify_user_logged_out: (rig, token) => send(rig, 'POST', '/access/logout', undefined, bearer(token)),
  notify_user_deleted: rig => send(rig, 'DELETE', '/access/user?username=a', undefined, {}),
}

for (const [notification, end] of Object.entries(ENDINGS)) {
  test(`${notification}: tokens end and WebSockets lose the user at once, other clients are notified`, async () => {
    await using klippy = await FakeKlippy.start()
    await using rig = await startAccess('', { klippySocket: klippy.path, ready: true })
    const { token, refresh_token } = await createUser(rig, 'a')
    using socket = await openSocket(rig, token)
    using trusted = await WebClient.open(rig.url)
    using bridge = await WebClient.open(`${rig.url}/klippysocket`, bearer(token))
    await socket.call('printer.objects.subscribe', { objects: { toolhead: null } })
    const oneshot = (await socket.call('access.oneshot_token')).result
    await end(rig, token)
    assert.deepEqual((await socket.call('server.info')).error, UNAUTHORIZED)
    assert.deepEqual((await trusted.notified(notification)).params, [{ username: 'a' }])
    assert.deepEqual((await socket.notified(notification)).params, [{ username: 'a' }])
    assert.equal((await bridge.closed).code, 1008)
    assert.equal(await statusFor(rig, bearer(token)), 401)
    assert.equal(await statusFor(rig, ELSEWHERE, `?token=${oneshot}`), 401)
    assert.equal((await send(rig, 'POST', '/access/refresh_jwt', { refresh_token })).status, 401)
    klippy.print('for users only')
    await trusted.notified('notify_gcode_response')
    assert.equal(socket.frames.filter(frame => frame.method === 'notify_gcode_response').length, 0)
  })
}

test('a new password ends all logins but the connection that set it, which gets new tokens', async () => {
  await using rig = await startAccess()
  const { token, refresh_token } = await createUser(rig, 'a')
  using here = await openSocket(rig, token)
  using there = await openSocket(rig, token)
  const wrong = await here.call('access.user.password', { password: 'no', new_password: 'next' })
  assert.deepEqual(wrong.error, { code: 400, message: 'Invalid Password' })
  const params = { password: 'pw of a', new_password: 'next' }
  const { result } = await here.call('access.user.password', params)
  assert.deepEqual([result.username, result.action], ['a', 'user_password_reset'])
  assert.deepEqual((await there.call('server.info')).error, UNAUTHORIZED)
  assert.ok((await here.call('server.info')).result)
  assert.equal(await statusFor(rig, bearer(token)), 401)
  assert.equal((await send(rig, 'POST', '/access/refresh_jwt', { refresh_token })).status, 401)
  assert.equal(await statusFor(rig, bearer(result.token)), 200)
  assert.equal((await logIn(rig, 'a')).status, 400)
  assert.equal((await logIn(rig, 'a', 'next')).status, 200)
})

test('a login over a WebSocket makes it the user; it may identify before or after', async () => {
  await using rig = await startAccess()
  await createUser(rig, 'a')
  using socket = await openSocket(rig)
  assert.deepEqual((await socket.call('server.connection.identify', IDENTITY)).error, UNAUTHORIZED)
  assert.ok((await socket.call('access.login', { username: 'a', password: 'pw of a' })).result.token)
  assert.equal((await socket.call('access.get_user')).result.username, 'a')
  assert.ok((await socket.call('server.connection.identify', IDENTITY)).result.connection_id)
  await socket.call('access.logout')
  assert.deepEqual((await socket.call('access.get_user')).error, UNAUTHORIZED)
})

test('reserved users cannot log out or change passwords; no user deletes or degrades itself', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  const trusted = (verb: string, path: string, body?: unknown) => send(rig, verb, path, body, {})
  const message = (reply: Awaited<ReturnType<typeof send>>) => [reply.status, reply.json.error.message]
  assert.deepEqual(message(await trusted('POST', '/access/logout')), [
    400,
    'Invalid log out request for user _TRUSTED_USER_',
  ])
  assert.deepEqual(
    message(await trusted('POST', '/access/user/password', { password: 'x', new_password: 'y' })),
    [400, 'Invalid Reset Request for user _TRUSTED_USER_'],
  )
  const user = (verb: string, path: string, body?: unknown) => send(rig, verb, path, body, bearer(token))
  assert.deepEqual(message(await user('DELETE', '/access/user?username=a')), [
    400,
    'Cannot delete logged in user a',
  ])
  assert.equal((await user('POST', '/access/user/role', { username: 'a', role: 'viewer' })).status, 400)
  assert.deepEqual(message(await trusted('DELETE', '/access/user?username=b')), [
    400,
    'No registered user: b',
  ])
  assert.deepEqual(message(await trusted('DELETE', '/access/user?username=_API_KEY_USER_')), [
    400,
    'Invalid Request for reserved user _API_KEY_USER_',
  ])
})

test('users, their logins and the API key survive a restart', async () => {
  await using first = await startAccess()
  const { token } = await createUser(first, 'a')
  const key = (await send(first, 'GET', '/access/api_key', undefined, {})).json.result
  await using second = await startAccess('', {
    prepare: ({ database }) => cpSync(first.paths.database, database, { recursive: true }),
  })
  assert.equal(await statusFor(second, bearer(token)), 200)
  assert.equal(await statusFor(second, { ...ELSEWHERE, 'X-Api-Key': key }), 200)
  assert.equal((await logIn(second, 'a')).status, 200)
})
