// Access tokens and oneshot tokens that are valid, and that are not.
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { signingKey } from '../../../src/components/access/json-web-token.ts'
import { Sqlite } from '../../../src/storage/sqlite.ts'
import { sendRequest } from '../../support/raw-http.ts'
import type { Rig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import {
  bearer,
  createUser,
  ELSEWHERE,
  IDENTITY,
  MovedClock,
  openSocket,
  send,
  startAccess,
  statusFor,
  UNAUTHORIZED,
} from './access-rig.ts'

type Part = Record<string, unknown>

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')
const decode = (token: string): Part[] =>
  token
    .split('.')
    .slice(0, 2)
    .map(part => JSON.parse(Buffer.from(part, 'base64url').toString()))

/** Signs any header and claims with the key of a user, as only the server can. */
function forger(rig: Rig, username: string): (header: unknown, claims: unknown) => string {
  const db = new Sqlite(join(rig.paths.database, 'moonraker-sql.db'), { readOnly: true })
  const row = db.get('SELECT jwt_secret, jwk_id FROM authorized_users WHERE username = ?', username)
  db.close()
  const key = signingKey(String(row?.jwk_id), String(row?.jwt_secret))
  return (header, claims) => {
    const text = `${encode(header)}.${encode(claims)}`
    return `${text}.${sign(null, Buffer.from(text), key!.privateKey).toString('base64url')}`
  }
}

/** Asserts that a token is refused everywhere. */
async function refused(rig: Rig, token: string, what: string): Promise<void> {
  for (const headers of [
    bearer(token),
    { ...ELSEWHERE, 'X-Access-Token': token },
    { Authorization: `Bearer ${token}` },
  ]) {
    assert.equal(await statusFor(rig, headers), 401, what)
  }
  assert.equal(await statusFor(rig, ELSEWHERE, `?access_token=${encodeURIComponent(token)}`), 401, what)
  using socket = await WebClient.open(rig.url, bearer(token))
  assert.deepEqual((await socket.call('server.info')).error, UNAUTHORIZED, what)
  const identity = { ...IDENTITY, access_token: token }
  assert.equal((await socket.call('server.connection.identify', identity)).error.code, -32602, what)
  const body = { jsonrpc: '2.0', method: 'server.info', id: 1 }
  assert.deepEqual((await send(rig, 'POST', '/server/jsonrpc', body, bearer(token))).json.error, UNAUTHORIZED)
}

test('a token has the form of the original', async () => {
  await using rig = await startAccess('login_timeout: 3', { server: '' })
  const { token, refresh_token } = await createUser(rig, 'a')
  const [header, claims] = decode(token) as [Part, Part]
  assert.deepEqual(header, { kid: header.kid, alg: 'EdDSA', typ: 'JWT' })
  const iat = Number(claims.iat)
  const issuer = `http://${hostname()}:0`
  const expected = {
    iss: issuer,
    aud: 'Moonraker',
    iat,
    exp: iat + 3600,
    username: 'a',
    token_type: 'access',
  }
  assert.deepEqual(claims, expected)
  assert.deepEqual(decode(refresh_token)[1], { ...expected, exp: iat + 3 * 86_400, token_type: 'refresh' })
})

test('a valid token is accepted everywhere', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  assert.equal(await statusFor(rig, bearer(token)), 200)
  assert.equal(await statusFor(rig, { ...ELSEWHERE, Authorization: `bearer  ${token}` }), 200)
  assert.equal(await statusFor(rig, { ...ELSEWHERE, 'X-Access-Token': token }), 200)
  assert.equal(await statusFor(rig, ELSEWHERE, `?access_token=${token}`), 200)
  const basic = { ...ELSEWHERE, Authorization: 'Basic eDp5' }
  assert.equal(await statusFor(rig, basic), 401)
  assert.equal(await statusFor(rig, { ...basic, 'X-Access-Token': token }), 200)
  assert.equal(await statusFor(rig, { Authorization: 'Basic eDp5' }), 200, "a proxy's password is not ours")
  using socket = await WebClient.open(rig.url, bearer(token))
  assert.equal((await socket.call('access.get_user')).result.username, 'a')
  using identified = await openSocket(rig, token)
  assert.equal((await identified.call('access.get_user')).result.username, 'a')
})

test('a token with a wrong header or claim is refused, although the key of the user signed it', async () => {
  await using rig = await startAccess()
  const { token, refresh_token } = await createUser(rig, 'a')
  await createUser(rig, 'b')
  const forge = forger(rig, 'a')
  const [header, claims] = decode(token) as [Part, Part]
  assert.equal(await statusFor(rig, bearer(forge(header, claims))), 200, 'the signature is valid')
  const otherKid = decode((await createUser(rig, 'c')).token)[0]?.kid
  const now = Number(claims.iat)
  const headers: Part[] = [
    ...['none', 'None', '', 'HS256', 'RS256', 'ES256', 'eddsa', null, 5, ['EdDSA']].map(alg => ({ alg })),
    ...['jwt', '', 'JWS', null].map(typ => ({ typ })),
    ...['', 'x', null, 5, otherKid, '__proto__', ['x'], { x: 1 }].map(kid => ({ kid })),
    { crit: ['exp'] },
  ]
  const bodies: Part[] = [
    ...['refresh', '', null, 'Access', true].map(token_type => ({ token_type })),
    ...['', 'http://evil:7125', null, `${String(claims.iss)}/`].map(iss => ({ iss })),
    ...['', 'moonraker', null, ['Moonraker']].map(aud => ({ aud })),
    ...['b', '', '_API_KEY_USER_', '_TRUSTED_USER_', null, 5, ['a']].map(username => ({ username })),
    ...[now - 1, 0, -1, null, 'never', `${now + 999}`, true].map(exp => ({ exp })),
    ...[now + 3600, null, `${now}`, true].map(iat => ({ iat })),
    { nbf: now + 3600 },
    { nbf: 'soon' },
  ]
  for (const change of headers)
    await refused(rig, forge({ ...header, ...change }, claims), JSON.stringify(change))
  for (const change of bodies)
    await refused(rig, forge(header, { ...claims, ...change }), JSON.stringify(change))
  for (const part of [[], null, 5, 'x', [claims]])
    await refused(rig, forge(header, part), JSON.stringify(part))
  await refused(rig, refresh_token, 'a refresh token is no access token')
  const swapped = await send(rig, 'POST', '/access/refresh_jwt', { refresh_token: token })
  assert.deepEqual([swapped.status, swapped.json.error.message], [401, 'Invalid Refresh Token'])
})

test('a token with another signature is refused', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  const [head = '', body = '', signature = ''] = token.split('.')
  const [header, claims] = decode(token) as [Part, Part]
  const foreign = generateKeyPairSync('ed25519').privateKey
  const text = `${head}.${body}`
  const hmac = (key: string) => {
    const hs = `${encode({ ...header, alg: 'HS256' })}.${body}`
    return `${hs}.${createHmac('sha256', key).update(hs).digest('base64url')}`
  }
  const last = signature.at(-1) === 'A' ? 'B' : 'A'
  for (const bad of [
    `${text}.`,
    text,
    `${text}.${signature}.${signature}`,
    `${encode({ ...header, alg: 'none' })}.${body}.`,
    hmac(''),
    hmac(String(header.kid)),
    `${text}.${sign(null, Buffer.from(text), foreign).toString('base64url')}`,
    `${text}.${signature.slice(0, -1)}`,
    `${text}.${signature.slice(0, -1)}${last}`,
    `${text}.${signature}==`,
    `${text}.${'A'.repeat(signature.length)}`,
    `${head}.${encode({ ...claims, username: 'b' })}.${signature}`,
    `.${body}.${signature}`,
    '..',
    'abc',
    'a'.repeat(10_000),
    `${head}.%.${signature}`,
  ]) {
    await refused(rig, bad, bad.slice(0, 60))
  }
})

test('an access token expires after an hour, a refresh token after login_timeout', async () => {
  const clock = new MovedClock()
  await using rig = await startAccess('login_timeout: 2', { clock })
  const { token, refresh_token } = await createUser(rig, 'a')
  clock.ahead = 3590
  assert.equal(await statusFor(rig, bearer(token)), 200)
  clock.ahead = 3610
  assert.equal(await statusFor(rig, bearer(token)), 401)
  const { json } = await send(rig, 'POST', '/access/refresh_jwt', { refresh_token }, bearer(token))
  assert.equal(await statusFor(rig, bearer(json.result.token)), 200)
  clock.ahead = -3600
  assert.equal(await statusFor(rig, bearer(json.result.token)), 401, 'from the future')
  clock.ahead = 2 * 86_400 + 10
  assert.equal((await send(rig, 'POST', '/access/refresh_jwt', { refresh_token })).status, 401)
})

test('a oneshot token is valid for one request, from its address, for 5 seconds', async () => {
  const clock = new MovedClock()
  await using rig = await startAccess('', { clock })
  const { token } = await createUser(rig, 'a')
  const issue = async (headers: Record<string, string> = bearer(token)) =>
    (await send(rig, 'GET', '/access/oneshot_token', undefined, headers)).json.result as string
  const first = await issue()
  assert.match(first, /^[A-Z2-7]{32}$/)
  const preflight = { ...ELSEWHERE, Origin: 'http://x', 'Access-Control-Request-Method': 'GET' }
  await sendRequest(rig.port, `/server/info?token=${first}`, { verb: 'OPTIONS', headers: preflight })
  assert.equal(await statusFor(rig, ELSEWHERE, `?token=${first}`), 200, 'a preflight does not consume it')
  assert.equal(await statusFor(rig, ELSEWHERE, `?token=${first}`), 401, 'once')
  const second = await issue()
  assert.equal(await statusFor(rig, { 'X-Forwarded-For': '203.0.113.6' }, `?token=${second}`), 401)
  assert.equal(await statusFor(rig, ELSEWHERE, `?token=${second}`), 401, 'another address has used it up')
  const third = await issue()
  clock.ahead = 5
  assert.equal(await statusFor(rig, ELSEWHERE, `?token=${third}`), 401, 'too late')
  using socket = await WebClient.open(`${rig.url}/websocket?token=${await issue()}`, ELSEWHERE)
  assert.equal((await socket.call('access.get_user')).result.username, 'a')
  const trusted = await issue({})
  assert.equal(await statusFor(rig, {}, `?token=${trusted}`), 200)
})

test('an unknown oneshot token is 401 over HTTP, and ignored where a WebSocket opens', async () => {
  await using rig = await startAccess()
  assert.equal(await statusFor(rig, {}, '?token=False'), 401, 'even from a trusted address')
  assert.equal(await statusFor(rig, {}, '?token='), 200, 'none')
  using trusted = await WebClient.open(`${rig.url}/websocket?token=False`)
  assert.equal((await trusted.call('access.get_user')).result.username, '_TRUSTED_USER_')
  using unauthenticated = await WebClient.open(`${rig.url}/websocket?token=False`, ELSEWHERE)
  assert.deepEqual((await unauthenticated.call('server.info')).error, UNAUTHORIZED)
})

test('a unix socket has no address for a oneshot token', async () => {
  await using rig = await startAccess()
  const { connect } = await import('../../../src/client/index.ts')
  using client = await connect({ url: rig.socketPath })
  await assert.rejects(client.call('access.oneshot_token'), { code: 400, message: /bound to an address/ })
  assert.match(await client.call('access.get_api_key'), /^[0-9a-f]{32}$/)
})

test('under a foreign host name credentials are needed', async () => {
  await using rig = await startAccess()
  const { token } = await createUser(rig, 'a')
  const rebound = { Host: 'evil.example', Origin: 'http://evil.example' }
  assert.equal(await statusFor(rig, rebound), 401)
  assert.equal(await statusFor(rig, { ...rebound, Authorization: `Bearer ${token}` }), 200)
  using socket = await WebClient.open(rig.url, rebound)
  assert.deepEqual((await socket.call('server.info')).error, UNAUTHORIZED)
  assert.equal((await socket.call('access.info')).result.trusted, false)
  const identity = { ...IDENTITY, access_token: token }
  assert.ok((await socket.call('server.connection.identify', identity)).result)
  assert.ok((await socket.call('server.info')).result)
})
