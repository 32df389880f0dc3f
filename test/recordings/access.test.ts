// Recorded logins, tokens and keys, replayed: each recorded secret becomes a new one of the same kind.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { postJson, sendRequest } from '../support/raw-http.ts'
import { type Rig, startRig } from '../support/rig.ts'
import { type Exchange, type HttpExchange, loadRecording } from './fixture.ts'
import { compare, send } from './http-exchange.ts'
import { improvementOf } from './improvements.ts'
import { compareReplies, type Lasting, openWebSocket, replay } from './lasting.ts'

const TRUSTED = 'trusted_clients:\n  127.0.0.1\n'
const OPEN = `${TRUSTED}cors_domains:\n  *`
const FORCED = `${TRUSTED}force_logins: True\nmax_login_attempts: 3\ncors_domains:\n  http://good.example`
const UNTRUSTED = { 'X-Real-IP': '203.0.113.5' }
const SENTINEL = { send: '{"jsonrpc":"2.0","method":"access.info","id":"sentinel"}', id: 'sentinel' }

/** The values of a recording's placeholders. */
type Secrets = Map<string, string>

const fillIn = (text: string, secrets: Secrets) =>
  text.replace(/\{(access_token|refresh_token|api_key|oneshot:\w+)\}/g, whole => secrets.get(whole) ?? whole)

/** Stores the secrets of a reply. */
function learn(secrets: Secrets, name: string, reply: unknown): void {
  const { result } = (reply ?? {}) as { result?: unknown }
  if (typeof result === 'string' && result.length === 32) {
    const isKey = /^[0-9a-f]+$/.test(result)
    // The recording refers to a key that it replaces later by its old value.
    if (!isKey) secrets.set(`{oneshot:${name}}`, result)
    else if (!secrets.has('{api_key}')) secrets.set('{api_key}', result)
  }
  const { token, refresh_token } = (result ?? {}) as { token?: string; refresh_token?: string }
  if (token !== undefined) secrets.set('{access_token}', token)
  if (refresh_token !== undefined) secrets.set('{refresh_token}', refresh_token)
}

async function replayHttp(
  t: TestContext,
  recording: string,
  rig: Rig,
  before: (name: string, secrets: Secrets) => Promise<void>,
): Promise<void> {
  const secrets: Secrets = new Map()
  for (const exchange of loadRecording<HttpExchange>(recording)) {
    await t.test(exchange.name, async () => {
      await before(exchange.name, secrets)
      const filled = JSON.parse(fillIn(JSON.stringify(exchange), secrets)) as HttpExchange
      const reply = await send(rig.url, filled)
      const better = improvementOf(recording, exchange)?.http
      assert.deepEqual(compare({ ...exchange, ...better }, reply), [])
      if (better !== undefined) assert.notDeepEqual(compare(exchange, reply), [], 'no improvement any more')
      if (reply.status === 200) learn(secrets, exchange.name, JSON.parse(reply.body))
    })
  }
}

test('HTTP: http_auth', async t => {
  await using rig = await startRig({ authorization: OPEN, conf: '[octoprint_compat]\n' })
  for (const [username, password] of [
    ['golden', 'secretpw'],
    ['zz2', 'x'],
  ]) {
    await postJson(rig.port, '/access/user', { username, password })
  }
  await replayHttp(t, 'http_auth', rig, async (name, secrets) => {
    // In between, a recorded WebSocket logged in with the new password.
    if (name !== 'logout') return
    const { json } = await postJson(rig.port, '/access/login', { username: 'golden', password: 'secretpw2' })
    learn(secrets, name, json)
  })
})

test('HTTP: http_force_logins', async t => {
  await using rig = await startRig({ authorization: FORCED, ready: false })
  await replayHttp(t, 'http_force_logins', rig, async name => {
    // The second of three wrong logins is not among the recordings.
    if (name !== 'login_bad_3') return
    await postJson(rig.port, '/access/login', { username: 'alice', password: 'wrong' })
  })
})

/** How the connection of an exchange was opened, by the start of its name; the longest wins. */
const WAYS: readonly {
  readonly prefix: string
  readonly query?: string
  readonly headers?: Record<string, string>
}[] = [
  { prefix: 'ws_untrusted_oneshot_', query: '?token=DUBDGZLMWHJGSBFX3AKSDDOH25RFY3IA', headers: UNTRUSTED },
  { prefix: 'ws_oneshot_same_ip_', query: '?token={oneshot}', headers: UNTRUSTED },
  { prefix: 'ws_bearer_', headers: { ...UNTRUSTED, Authorization: 'Bearer {access_token}' } },
  { prefix: 'ws_query_access_token_', query: '?access_token={access_token}', headers: UNTRUSTED },
  { prefix: 'ws_apikey_', headers: { ...UNTRUSTED, 'X-Api-Key': '{api_key}' } },
  { prefix: 'ws_untrusted_', headers: UNTRUSTED },
  { prefix: '' },
]

async function secretsFor(rig: Rig): Promise<Secrets> {
  const key = (await sendRequest(rig.port, '/access/api_key')).json.result as string
  const keyed = { headers: { ...UNTRUSTED, 'X-Api-Key': key } }
  const oneshot = (await sendRequest(rig.port, '/access/oneshot_token', keyed)).json.result as string
  return new Map([
    ['{api_key}', key],
    ['{oneshot}', oneshot],
  ])
}

test('WebSocket: ws_auth', async t => {
  await using rig = await startRig({ authorization: OPEN })
  const secrets = await secretsFor(rig)
  const open = new Map<string, Lasting>()
  await using stack = new AsyncDisposableStack()
  for (const exchange of loadRecording<Exchange>('ws_auth')) {
    await t.test(exchange.name, async () => {
      if (exchange.name === 'ws_untrusted_login') await changePassword(rig)
      const way = WAYS.find(({ prefix }) => exchange.name.startsWith(prefix))!
      const fill = (text: string) => fillIn(text.replace('{oneshot}', secrets.get('{oneshot}')!), secrets)
      const headers = JSON.parse(fill(JSON.stringify(way.headers ?? {}))) as Record<string, string>
      const connection =
        open.get(way.prefix) ??
        stack.use(await openWebSocket(`${rig.url}/websocket${fill(way.query ?? '')}`, headers))
      open.set(way.prefix, connection)
      const better = improvementOf('ws_auth', exchange)?.replies
      const sent = { ...exchange, send: fillIn(exchange.send as string, secrets) }
      const { replies, problems } = await replay(connection, sent, better ?? exchange.replies, SENTINEL)
      assert.deepEqual(problems, [])
      if (better !== undefined)
        assert.notDeepEqual(compareReplies(exchange.replies, replies), [], 'as recorded')
      for (const reply of replies) if (exchange.name === 'user_create') learn(secrets, exchange.name, reply)
    })
  }
})

/** In between, a recorded HTTP request changed the password. */
async function changePassword(rig: Rig): Promise<void> {
  const { json } = await postJson(rig.port, '/access/login', { username: 'golden', password: 'secretpw' })
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${json.result.token}` }
  const body = JSON.stringify({ password: 'secretpw', new_password: 'secretpw2' })
  const reply = await sendRequest(rig.port, '/access/user/password', { verb: 'POST', headers, body })
  assert.equal(reply.status, 200)
}

test('WebSocket: ws_force_logins', async t => {
  await using rig = await startRig({ authorization: FORCED, ready: false })
  await postJson(rig.port, '/access/user', { username: 'alice', password: 'pw12345' })
  await using connection = await openWebSocket(`${rig.url}/websocket`)
  const secrets: Secrets = new Map()
  for (const exchange of loadRecording<Exchange>('ws_force_logins')) {
    await t.test(exchange.name, async () => {
      const sent = { ...exchange, send: fillIn(exchange.send as string, secrets) }
      const { replies, problems } = await replay(connection, sent, exchange.replies, SENTINEL)
      assert.deepEqual(problems, [])
      for (const reply of replies) learn(secrets, exchange.name, reply)
    })
  }
})
