// Guessing passwords: limits by address and by name that nothing but time or success lifts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginLimit } from '../../../src/components/access/login-limit.ts'
import { createUser, ELSEWHERE, logIn, MovedClock, openSocket, send, startAccess } from './access-rig.ts'

const LOCKED = /^Unauthorized: too many failed logins, try again in 15 minutes$/

test('after ten wrong passwords the right one does not help either, until time has passed', async () => {
  const clock = new MovedClock()
  await using rig = await startAccess('', { clock })
  await createUser(rig, 'a')
  for (let i = 0; i < 10; i += 1) assert.equal((await logIn(rig, 'a', `guess ${i}`)).status, 400)
  const { status, json } = await logIn(rig, 'a')
  assert.equal(status, 401)
  assert.match(json.error.message, LOCKED)
  using socket = await openSocket(rig)
  const overSocket = await socket.call('access.login', { username: 'a', password: 'pw of a' })
  assert.equal(overSocket.error.code, -32602, 'the way does not matter')
  for (const more of [{ 'X-Real-IP': '198.51.100.7' }, { Origin: 'http://x' }, { 'User-Agent': 'other' }]) {
    const body = { username: 'b', password: 'x' }
    const reply = await send(rig, 'POST', '/access/login', body, { ...ELSEWHERE, ...more })
    assert.notEqual(reply.status, 400, `no header resets it: ${JSON.stringify(more)}`)
  }
  clock.ahead = 901
  assert.equal((await logIn(rig, 'a')).status, 200)
})

test('a name is locked wherever the guesses come from, known or not', async () => {
  await using rig = await startAccess('max_login_attempts: 3')
  await createUser(rig, 'a')
  for (const username of ['a', 'nobody']) {
    const guess = (from: number, password: string) =>
      send(rig, 'POST', '/access/login', { username, password }, { 'X-Forwarded-For': `198.51.100.${from}` })
    for (let i = 0; i < 3; i += 1) assert.equal((await guess(i, 'wrong')).status, 400)
    assert.equal((await guess(9, `pw of ${username}`)).status, 401, username)
  }
})

test('success forgets the failures before it', async () => {
  await using rig = await startAccess('max_login_attempts: 3')
  await createUser(rig, 'a')
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 2; i += 1) assert.equal((await logIn(rig, 'a', 'wrong')).status, 400)
    assert.equal((await logIn(rig, 'a')).status, 200)
  }
})

test("one's own success does not free guesses at another's name", async () => {
  await using rig = await startAccess('max_login_attempts: 3')
  await createUser(rig, 'mallory')
  await createUser(rig, 'a')
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await logIn(rig, 'a', 'wrong')).status, 400)
    assert.equal((await logIn(rig, 'mallory')).status, 200)
  }
  assert.equal((await logIn(rig, 'a', 'wrong')).status, 401)
})

test('hundreds of wrong logins, many at once: ten of them are looked at', async () => {
  await using rig = await startAccess()
  await createUser(rig, 'a')
  const counts = new Map<number, number>()
  for (let round = 0; round < 6; round += 1) {
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, i) => logIn(rig, 'a', `guess ${round} ${i}`)),
    )
    for (const { status } of replies) counts.set(status, (counts.get(status) ?? 0) + 1)
  }
  assert.deepEqual(
    counts,
    new Map([
      [400, 10],
      [401, 290],
    ]),
  )
})

test('a wrong password to change it counts too', async () => {
  await using rig = await startAccess('max_login_attempts: 3')
  const { token } = await createUser(rig, 'a')
  using socket = await openSocket(rig, token)
  const change = (password: string) => socket.call('access.user.password', { password, new_password: 'x' })
  for (let i = 0; i < 3; i += 1) assert.equal((await change('wrong')).error.code, 400)
  assert.equal((await change('pw of a')).error.code, -32602)
})

test('a network of IPv6 addresses counts as one, neighbours do not', () => {
  const limit = new LoginLimit(new MovedClock(), 2)
  limit.begin('2001:db8:1:2::1', 'a')
  limit.begin('2001:0db8:1:2:ffff::', 'b')
  assert.throws(() => limit.begin('2001:db8:1:2:3:4:5:6', 'c'), { status: 401 })
  limit.begin('2001:db8:1:3::1', 'd')
  limit.begin('::1', 'e')
  limit.begin('fe80::1%eth0', 'f')
})

test('a flood of names does not fill the memory, and addresses stay limited', () => {
  const limit = new LoginLimit(new MovedClock(), 1)
  for (let i = 0; i < 12_000; i += 1) limit.begin(null, `name ${i}`)
  assert.throws(() => limit.begin(null, 'name 11999'), { status: 401 })
  limit.begin(null, 'name 0')
})

test('passwords appear in no log and no error', async () => {
  await using rig = await startAccess()
  await createUser(rig, 'a')
  await logIn(rig, 'a', 'wrong-secret')
  await send(rig, 'POST', '/access/login', { username: 'a', password: { x: 'deep-secret' } })
  const { body } = await send(rig, 'POST', '/access/login', { username: 'a', password: ['listed-secret'] })
  const all = `${rig.log.join('\n')}${body}`
  assert.doesNotMatch(all, /secret|pw of a/)
  assert.match(all, /a login failed, from 203\.0\.113\.5/)
})
