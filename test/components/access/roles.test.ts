// Roles: users are admins where no other role is set; viewers read, operators print, admins do the rest, on all transports.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { api, type Endpoint } from '../../../src/api/index.ts'
import { WebClient } from '../../support/web-client.ts'
import { bearer, createUser, openSocket, send, startAccess } from './access-rig.ts'

/** A call that needs each role, by verb and path and by method. */
const CALLS = [
  { role: 'viewer', verb: 'GET', path: '/server/info', method: 'server.info', params: {} },
  {
    role: 'operator',
    verb: 'POST',
    path: '/server/files/directory?path=gcodes/x',
    method: 'server.files.post_directory',
    params: { path: 'gcodes/x' },
  },
  { role: 'admin', verb: 'GET', path: '/access/api_key', method: 'access.get_api_key', params: {} },
] as const

const RANK = ['viewer', 'operator', 'admin']

test('each role has its rights and no more, on every transport', async () => {
  await using rig = await startAccess()
  for (const role of RANK) {
    const { token } = await createUser(rig, role, { role })
    using socket = await openSocket(rig, token)
    for (const { role: needed, verb, path, method, params } of CALLS) {
      const allowed = RANK.indexOf(role) >= RANK.indexOf(needed)
      const what = `${role}: ${method}`
      const { status, json } = await send(rig, verb, path, undefined, bearer(token))
      if (!allowed) {
        const message = `Not allowed: this needs the role '${needed}', and ${role} is '${role}'`
        assert.deepEqual([status, json.error], [403, { code: 403, message }], what)
      } else assert.notEqual(status, 403, what)
      const body = { jsonrpc: '2.0', method, params, id: 1 }
      const rpc = await send(rig, 'POST', '/server/jsonrpc', body, bearer(token))
      assert.equal(rpc.json.error?.code === 403, !allowed, what)
      assert.equal((await socket.call(method, params)).error?.code === 403, !allowed, what)
    }
  }
})

test('raw routes and the bridge check roles as well', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'v', { role: 'viewer' })
  assert.equal((await send(rig, 'POST', '/server/files/upload', undefined, bearer(token))).status, 403)
  assert.equal(
    (await send(rig, 'DELETE', '/server/files/gcodes/x.gcode', undefined, bearer(token))).status,
    403,
  )
  assert.equal((await send(rig, 'GET', '/openapi.json', undefined, bearer(token))).status, 200)
  await assert.rejects(WebClient.open(`${rig.url}/klippysocket`, bearer(token)), /refused: 403/)
})

test('a changed role counts at once, on open WebSockets too', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  using socket = await openSocket(rig, token)
  assert.ok((await socket.call('access.get_api_key')).result)
  const setRole = (role: string) => send(rig, 'POST', '/access/user/role', { username: 'a', role }, {})
  assert.deepEqual((await setRole('viewer')).json.result, {
    username: 'a',
    role: 'viewer',
    action: 'user_role_changed',
  })
  assert.equal((await socket.call('access.get_api_key')).error.code, 403)
  assert.equal((await socket.call('access.user.role', { username: 'a', role: 'admin' })).error.code, 403)
  assert.equal((await socket.call('access.get_user')).result.role, 'viewer')
  const other = await createUser(rig, 'b', { role: 'viewer' })
  const mine = { username: 'c', password: 'x', role: 'viewer' }
  assert.equal((await send(rig, 'POST', '/access/user', mine, bearer(other.token))).status, 403)
  assert.equal((await setRole('boss')).status, 400)
  const unknown = await send(
    rig,
    'POST',
    '/access/user/role',
    { username: '_API_KEY_USER_', role: 'viewer' },
    {},
  )
  assert.equal(unknown.status, 400)
})

test('without configuration all users are admins', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  const roles = async (headers: Record<string, string>) =>
    (await send(rig, 'GET', '/access/user', undefined, headers)).json.result.role
  assert.equal(await roles(bearer(token)), 'admin')
  assert.equal(await roles({}), 'admin')
})

test('trusted addresses may be viewers; the unix socket stays an admin', async () => {
  await using rig = await startAccess('trusted_role: viewer')
  assert.equal((await send(rig, 'GET', '/server/info', undefined, {})).status, 200)
  assert.equal((await send(rig, 'GET', '/access/api_key', undefined, {})).status, 403)
  const { connect } = await import('../../../src/client/index.ts')
  using client = await connect({ url: rig.socketPath })
  assert.match(await client.call('access.get_api_key'), /^[0-9a-f]{32}$/)
})

test('force_logins has an effect once a user exists', async () => {
  await using rig = await startAccess('force_logins: True')
  const info = async () => (await send(rig, 'GET', '/access/info', undefined, {})).json.result
  assert.deepEqual([(await info()).login_required, (await info()).trusted], [false, true])
  const { token } = await createUser(rig, 'a')
  assert.deepEqual([(await info()).login_required, (await info()).trusted], [true, true])
  assert.equal((await send(rig, 'GET', '/server/info', undefined, {})).status, 401)
  assert.equal((await send(rig, 'GET', '/server/info', undefined, bearer(token))).status, 200)
  using socket = await WebClient.open(rig.url)
  assert.equal((await socket.call('server.info')).error.message, 'Unauthorized')
  const { connect } = await import('../../../src/client/index.ts')
  using unix = await connect({ url: rig.socketPath })
  assert.ok(await unix.call('server.info'))
  await unix.call('access.delete_user', { username: 'a' })
  assert.equal((await send(rig, 'GET', '/server/info', undefined, {})).status, 200)
})

test('every endpoint declares a role that fits its effect', () => {
  const roleOf = (name: keyof typeof api) => api[name].role
  for (const [name, role] of [
    ['server.info', 'viewer'],
    ['printer.objects.subscribe', 'viewer'],
    ['printer.gcode.script', 'operator'],
    ['printer.emergency_stop', 'operator'],
    ['server.files.move', 'operator'],
    ['server.files.delete_file', 'operator'],
    ['server.restart', 'admin'],
    ['server.logs.rollover', 'admin'],
    ['access.post_user', 'admin'],
    ['access.get_api_key', 'admin'],
    ['access.logout', 'viewer'],
    ['rpc.discover', 'viewer'],
    ['server.database.post_item', 'operator'],
    ['server.database.restore', 'admin'],
    ['debug.database.post_item', 'admin'],
    ['debug.database.table', 'admin'],
    ['access.user.password', 'viewer'],
  ] as const) {
    assert.equal(roleOf(name), role, name)
  }
  const open = Object.entries<Endpoint>(api).filter(
    ([, { changes, auth, role }]) => changes && auth && role === 'viewer',
  )
  assert.deepEqual(
    open.map(([name]) => name),
    ['printer.objects.subscribe', 'access.logout', 'access.user.password'],
  )
})

test('only admins write configuration files, by every method', async () => {
  await using rig = await startAccess()
  writeFileSync(join(rig.paths.gcodes, 'a.png'), 'x')
  const { token } = await createUser(rig, 'op', { role: 'operator' })
  const viewer = await createUser(rig, 'v', { role: 'viewer' })
  const conf = readFileSync(rig.paths.configFile, 'utf8')
  const asOperator = async (verb: string, path: string, body?: unknown) =>
    (await send(rig, verb, path, body, bearer(token))).status
  for (const path of ['config/x', '/config/x', './config/x', 'gcodes/../config/x', 'CONFIG/x']) {
    assert.notEqual(await asOperator('POST', '/server/files/directory', { path }), 200, path)
  }
  assert.equal(await asOperator('POST', '/server/files/directory', { path: 'config/x' }), 403)
  const move = { source: 'config/moonraker.conf', dest: 'gcodes/x' }
  assert.equal(await asOperator('POST', '/server/files/move', move), 403)
  const copy = { source: 'gcodes/a.png', dest: 'config/moonraker.conf' }
  assert.equal(await asOperator('POST', '/server/files/copy', copy), 403)
  assert.equal(await asOperator('DELETE', '/server/files/config/moonraker.conf'), 403)
  for (const rootFirst of [true, false]) {
    const form = new FormData()
    const file = new Blob(['[server]\n'])
    if (rootFirst) form.append('root', 'config')
    form.append('file', file, 'moonraker.conf')
    if (!rootFirst) form.append('root', 'Config')
    const reply = await fetch(`${rig.url}/server/files/upload`, {
      method: 'POST',
      body: form,
      headers: bearer(token),
    })
    assert.equal(reply.status, 403)
  }
  assert.equal(readFileSync(rig.paths.configFile, 'utf8'), conf)
  const image = await send(rig, 'DELETE', '/server/files/gcodes/a.png', undefined, bearer(viewer.token))
  assert.equal(image.status, 403, 'open for looking at only')
  assert.equal(await asOperator('DELETE', '/server/files/gcodes/a.png'), 200)
})

test('settings that only admins may change are not open to operators through the database', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'op', { role: 'operator' })
  const path = '/server/database/item'
  const item = { namespace: 'timelapse', key: 'config.extraoutputparams', value: '-vf x' }
  assert.equal((await send(rig, 'POST', path, item, bearer(token))).status, 403)
  assert.equal((await send(rig, 'POST', path, { ...item, namespace: 'other' }, bearer(token))).status, 200)
  const admin = await createUser(rig, 'boss')
  assert.equal((await send(rig, 'POST', path, item, bearer(admin.token))).status, 200)
  const { key } = item
  assert.equal((await send(rig, 'DELETE', path, { namespace: 'timelapse', key }, bearer(token))).status, 403)
})
