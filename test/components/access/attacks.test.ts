// Attempts to gain access or a higher role: tokens with keys of their own, tokens used twice, names that mean something to
// JavaScript, paths that look open.
import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import type { Frame } from '../../support/web-client.ts'
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

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

test('a token cannot contain its own key', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  const [head = '', claims = ''] = token.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString())
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const jwk = publicKey.export({ format: 'jwk' })
  for (const change of [
    { jwk },
    { jwk: { ...jwk, kid: header.kid } },
    { jku: `${rig.url}/keys.json`, jwk },
    { x5u: 'http://evil.example/cert.pem' },
    { x5c: [publicKey.export({ format: 'der', type: 'spki' }).toString('base64')] },
    { kid: jwk.x },
    { kid: `../../../dev/null` },
    { kid: `${header.kid}' OR '1'='1` },
  ]) {
    const text = `${encode({ ...header, ...change })}.${claims}`
    const forged = `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`
    assert.equal(await statusFor(rig, bearer(forged)), 401, JSON.stringify(change))
  }
})

test("a token of a deleted user does not belong to a new user of that name, nor an old role's token to the new role", async () => {
  await using rig = await startAccess()
  const old = await createUser(rig, 'a')
  await send(rig, 'DELETE', '/access/user?username=a', undefined, {})
  await createUser(rig, 'a')
  assert.equal(await statusFor(rig, bearer(old.token)), 401)
  const refreshed = await send(rig, 'POST', '/access/refresh_jwt', { refresh_token: old.refresh_token })
  assert.equal(refreshed.status, 401)
  const { token } = (await logIn(rig, 'a')).json.result
  await send(rig, 'POST', '/access/user/role', { username: 'a', role: 'viewer' }, {})
  assert.equal((await send(rig, 'GET', '/access/api_key', undefined, bearer(token))).status, 403)
})

test('of many requests with one oneshot token one is served', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  const oneshot: string = (await send(rig, 'GET', '/access/oneshot_token', undefined, bearer(token))).json
    .result
  const paths = Array.from({ length: 20 }, (_, index) => `/server/info?${'x'.repeat(index)}&token=${oneshot}`)
  const replies = await Promise.all(paths.map(path => sendRequest(rig.port, path, { headers: ELSEWHERE })))
  assert.deepEqual(
    replies.map(({ status }) => status).sort((a, b) => a - b),
    [200, ...Array(19).fill(401)],
  )
  using socket = await WebClient.open(`${rig.url}/websocket?token=${oneshot}`, ELSEWHERE)
  assert.deepEqual((await socket.call('server.info')).error, UNAUTHORIZED)
})

test('a oneshot token ends with what it was made from', async () => {
  await using rig = await startAccess()
  const key: string = (await send(rig, 'GET', '/access/api_key', undefined, {})).json.result
  const ends: [string, (token: string) => Promise<unknown>][] = [
    ['logout', token => send(rig, 'POST', '/access/logout', undefined, bearer(token))],
    ['deletion', () => send(rig, 'DELETE', '/access/user?username=a', undefined, {})],
    ['role', () => send(rig, 'POST', '/access/user/role', { username: 'a', role: 'viewer' }, {})],
    [
      'password',
      token => {
        const change = { password: 'pw of a', new_password: 'pw of a' }
        return send(rig, 'POST', '/access/user/password', change, bearer(token))
      },
    ],
  ]
  for (const [name, end] of ends) {
    const { token } = (await logIn(rig, 'a')).json.result ?? (await createUser(rig, 'a'))
    const oneshot = (await send(rig, 'GET', '/access/oneshot_token', undefined, bearer(token))).json.result
    await end(token)
    assert.equal(await statusFor(rig, ELSEWHERE, `?token=${oneshot}`), 401, name)
  }
  const keyed = { ...ELSEWHERE, 'X-Api-Key': key }
  const oneshot = (await send(rig, 'GET', '/access/oneshot_token', undefined, keyed)).json.result
  await send(rig, 'POST', '/access/api_key', undefined, {})
  assert.equal(await statusFor(rig, ELSEWHERE, `?token=${oneshot}`), 401, 'a new API key')
})

test('methods have their exact names, and no name reaches a member of a JavaScript object', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'v', { role: 'viewer' })
  using socket = await openSocket(rig, token)
  for (const method of [
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'Server.Restart',
    'server.restart ',
    'server.restart\u0000',
    ' server.restart',
    'server\u2024restart',
    'server/restart',
    '',
  ]) {
    const { error } = await socket.call(method)
    assert.equal(error.code, -32601, JSON.stringify(method))
  }
  for (const params of [{ __proto__: null, role: 'admin' }, JSON.parse('{"__proto__":{"role":"admin"}}')]) {
    assert.equal((await socket.call('access.get_user', params)).result.role, 'viewer')
    assert.equal((await socket.call('server.restart', params)).error.code, 403)
  }
})

test('a viewer gets no more by a batch, another verb, a header or an identity', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'v', { role: 'viewer' })
  const call = (method: string, id: number) => ({ jsonrpc: '2.0', method, id })
  using socket = await openSocket(rig, token)
  const batch: Frame[] = await socket.exchange(
    JSON.stringify([call('server.info', 1), call('server.restart', 2), call('access.get_api_key', 3)]),
  )
  assert.deepEqual(
    batch.map(({ error }) => error?.code),
    [undefined, 403, 403],
  )
  for (const name of ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method']) {
    const reply = await send(rig, 'GET', '/server/restart', undefined, { ...bearer(token), [name]: 'POST' })
    assert.equal(reply.status, 405, name)
  }
  for (const name of ['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Path']) {
    const reply = await send(rig, 'GET', '/server/info', undefined, {
      ...bearer(token),
      [name]: '/access/api_key',
    })
    assert.ok(reply.json.result.components, name)
  }
  for (const identity of [{ api_key: 'wrong' }, { access_token: 'x' }, { access_token: `${token}x` }]) {
    await socket.call('server.connection.identify', { ...IDENTITY, ...identity })
    assert.equal((await socket.call('access.get_user')).result.role, 'viewer')
  }
  using trusted = await WebClient.open(rig.url)
  await trusted.call('server.connection.identify', { ...IDENTITY, access_token: token })
  assert.equal(
    (await trusted.call('access.get_api_key')).error.code,
    403,
    'who identifies has that role only',
  )
})

test('only pictures are readable without a login, however the path of another file is written', async () => {
  await using rig = await startAccess('', {
    prepare: ({ gcodes, config }) => {
      for (const folder of [gcodes, config]) {
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, 'secret.txt'), 'secret')
      }
      writeFileSync(join(gcodes, 'a.png'), 'picture')
    },
  })
  const read = (path: string) => sendRequest(rig.port, path, { headers: ELSEWHERE })
  assert.equal((await read('/server/files/gcodes/a.png')).body, 'picture')
  for (const path of [
    'gcodes/secret.txt',
    'gcodes/secret.txt?x=.png',
    'gcodes/secret.txt%3Fx=.png',
    'gcodes/secret.txt;.png',
    'gcodes/secret.txt%00.png',
    'gcodes/secret.txt%23.png',
    'gcodes/a.png/../secret.txt',
    'gcodes/a.png/..%2Fsecret.txt',
    'gcodes/a.png%2F..%2Fsecret.txt',
    'gcodes/..%2Fconfig%2Fsecret.txt%00.png',
    'gcodes/../config/secret.txt/.png',
    'gcodes/secret.txt/a.png',
    'gcodes/secret.txt%20.png',
    'gcodes/secret.txt.png',
    'gcodes/secret.txt%5Ca.png',
    'config/moonraker.conf',
    'config/moonraker.conf%0A.png',
    '../config/moonraker.conf%00.png',
    '..%2F..%2F..%2Fetc%2Fpasswd%00.png',
  ]) {
    const { status, body } = await read(`/server/files/${path}`)
    assert.ok(status >= 400 && status < 500, `${status} ${path}`)
    assert.doesNotMatch(body, /secret"?$|\[server\]|root:/, path)
  }
  for (const path of [
    '/access/info/../api_key',
    '//access/api_key',
    '/access/info/%2e%2e/api_key',
    '/access//api_key',
    '/access/api_key/',
    '/access/api_key%20',
    '/ACCESS/API_KEY',
  ]) {
    assert.ok((await read(path)).status >= 400, path)
  }
})

test('debug endpoints show users and keys to admins only', async () => {
  await using rig = await startAccess('', { debug: true })
  await createUser(rig, 'admin')
  for (const role of ['viewer', 'operator']) {
    const { token } = await createUser(rig, role, { role })
    using socket = await openSocket(rig, token)
    for (const [method, path, params] of [
      ['debug.database.table', '/debug/database/table?table=authorized_users', { table: 'authorized_users' }],
      ['debug.database.table', '/debug/database/table?table=named_api_keys', { table: 'named_api_keys' }],
      ['debug.database.list', '/debug/database/list', {}],
      ['debug.database.get_item', '/debug/database/item?namespace=database', { namespace: 'database' }],
    ] as const) {
      assert.equal((await socket.call(method, params)).error.code, 403, `${role} ${method}`)
      assert.equal((await send(rig, 'GET', path, undefined, bearer(token))).status, 403, `${role} ${path}`)
    }
  }
  const shown = await send(rig, 'GET', '/debug/database/table?table=authorized_users', undefined, {})
  const names = shown.json.result.rows.map(({ username }: { username: string }) => username)
  assert.deepEqual(names.sort(), ['_API_KEY_USER_', 'admin', 'operator', 'viewer'])
})
