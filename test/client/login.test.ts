import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CallError,
  type Client,
  ConnectionLost,
  connect,
  Login,
  type Tokens,
} from '../../src/client/index.ts'
import { MovedClock } from '../components/access/access-rig.ts'
import { type Rig, startRig } from '../support/rig.ts'
import { CuttableProxy } from './cuttable-proxy.ts'
import { next } from './next.ts'

const ME = { username: 'me', password: 'secret' }
const IDENTITY = { name: 'test', version: '1', type: 'bot', url: 'http://localhost' }

/** A server that trusts only its unix socket, with a user. */
async function startWithUser(clock = new MovedClock()): Promise<Rig> {
  const rig = await startRig({ printer: 'none', authorization: 'trusted_clients: 10.0.0.1', clock })
  using client = await connect({ url: rig.socketPath })
  await client.call('access.post_user', ME)
  return rig
}

const userOf = async (client: Client) => (await client.call('access.get_user')).username

test('a login grants access over every kind of link', async () => {
  await using rig = await startWithUser()
  for (const url of [rig.url, `ws://127.0.0.1:${rig.port}`, `ws://127.0.0.1:${rig.port}/websocket`]) {
    await assert.rejects(connect({ url, client: IDENTITY }).then(userOf), { code: -32602 })
    const login = new Login({ url, ...ME })
    using client = await connect({ url, accessToken: login.token })
    assert.equal(await userOf(client), 'me', url)
  }
  assert.throws(() => new Login({ url: rig.socketPath, ...ME }), /unix socket/)
})

test('wrong passwords and unreachable servers reject', async () => {
  await using rig = await startWithUser()
  const wrong = new Login({ url: rig.url, username: 'me', password: 'no' })
  await assert.rejects(wrong.token(), new CallError('access.login', 400, 'Invalid Password'))
  await assert.rejects(connect({ url: `ws://127.0.0.1:${rig.port}`, accessToken: wrong.token }), CallError)
  await assert.rejects(new Login({ url: rig.url }).token(), { code: 401 })
  await using proxy = await CuttableProxy.to(rig.port)
  const { port } = proxy
  await proxy[Symbol.asyncDispose]()
  await assert.rejects(new Login({ url: `http://127.0.0.1:${port}`, ...ME }).token(), ConnectionLost)
})

test('the refresh token renews the access token before it expires', async () => {
  const clock = new MovedClock()
  await using rig = await startWithUser(clock)
  // A server whose clock is an hour behind issues tokens that look expired here, but are not.
  clock.ahead = -3600
  const kept: (Tokens | null)[] = []
  const first = new Login({ url: rig.url, ...ME, onTokens: tokens => kept.push(tokens) })
  const token = await first.token()
  assert.equal(await first.token(), token, 'as long as it is valid')
  const later = new Login({ url: rig.url, tokens: kept[0]!, onTokens: tokens => kept.push(tokens) })
  clock.ahead = 0
  using client = await connect({ url: rig.url, accessToken: later.token })
  assert.equal(await userOf(client), 'me')
  assert.equal(kept.length, 2)
  assert.notEqual(kept[1]?.accessToken, token)
  await Promise.all([later.token(true), later.token(true), later.token(true)])
  assert.equal(kept.length, 3, 'concurrent calls share one renewal')
})

test('the client reconnects logged in, even if the login has ended meanwhile', async () => {
  await using rig = await startWithUser()
  await using proxy = await CuttableProxy.to(rig.port)
  const url = `ws://127.0.0.1:${proxy.port}`
  const login = new Login({ url, ...ME })
  using client = await connect({ url, accessToken: login.token })
  for (const ended of [false, true]) {
    if (ended) await new Login({ url, ...ME }).logOut()
    const back = next(client, 'connected')
    proxy.cut()
    await back
    assert.equal(await userOf(client), 'me')
  }
})

test('without a password, an ended login cannot be renewed', async () => {
  await using rig = await startWithUser()
  const kept: (Tokens | null)[] = []
  const login = new Login({ url: rig.url, ...ME, onTokens: tokens => kept.push(tokens) })
  await login.token()
  const poor = new Login({ url: rig.url, tokens: kept[0]! })
  await login.logOut()
  assert.equal(kept.at(-1), null)
  const url = `ws://127.0.0.1:${rig.port}`
  await assert.rejects(connect({ url, accessToken: poor.token }), {
    code: 401,
    message: 'Invalid Refresh Token',
  })
})
