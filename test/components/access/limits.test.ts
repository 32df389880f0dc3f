// Guessed passwords: limits by address and by user name; they end only with time or a successful login.
import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LoginLimit } from '../../../src/components/access/login-limit.ts'
import { HandClock } from '../../support/hand-clock.ts'
import type { Rig } from '../../support/rig.ts'
import { testLog } from '../../support/test-log.ts'
import { createUser, ELSEWHERE, logIn, MovedClock, openSocket, send, startAccess } from './access-rig.ts'

const LOCKED = /^Unauthorized: too many failed logins, try again in 15 minutes$/

test('after ten wrong passwords the right one is refused too, for 15 minutes', async () => {
  const clock = new MovedClock()
  await using rig = await startAccess('', { clock })
  await createUser(rig, 'a')
  for (let i = 0; i < 10; i += 1) assert.equal((await logIn(rig, 'a', `guess ${i}`)).status, 400)
  const { status, json } = await logIn(rig, 'a')
  assert.equal(status, 401)
  assert.match(json.error.message, LOCKED)
  using socket = await openSocket(rig)
  const overSocket = await socket.call('access.login', { username: 'a', password: 'pw of a' })
  assert.equal(overSocket.error.code, -32602, 'the transport does not matter')
  for (const more of [{ 'X-Real-IP': '198.51.100.7' }, { Origin: 'http://x' }, { 'User-Agent': 'other' }]) {
    const body = { username: 'b', password: 'x' }
    const reply = await send(rig, 'POST', '/access/login', body, { ...ELSEWHERE, ...more })
    assert.notEqual(reply.status, 400, `no header resets it: ${JSON.stringify(more)}`)
  }
  clock.ahead = 901
  assert.equal((await logIn(rig, 'a')).status, 200)
})

test('a name is limited for all addresses, whether it exists or not', async () => {
  await using rig = await startAccess('max_login_attempts: 3')
  await createUser(rig, 'a')
  for (const username of ['a', 'unknown']) {
    const guess = (from: number, password: string) =>
      send(rig, 'POST', '/access/login', { username, password }, { 'X-Forwarded-For': `198.51.100.${from}` })
    for (let i = 0; i < 3; i += 1) assert.equal((await guess(i, 'wrong')).status, 400)
    assert.equal((await guess(9, `pw of ${username}`)).status, 401, username)
  }
})

test('success removes the failures before it', async () => {
  await using rig = await startAccess('max_login_attempts: 3')
  await createUser(rig, 'a')
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 2; i += 1) assert.equal((await logIn(rig, 'a', 'wrong')).status, 400)
    assert.equal((await logIn(rig, 'a')).status, 200)
  }
})

test('a login of another user does not remove the failures of a name', async () => {
  await using rig = await startAccess('max_login_attempts: 3')
  await createUser(rig, 'mallory')
  await createUser(rig, 'a')
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await logIn(rig, 'a', 'wrong')).status, 400)
    assert.equal((await logIn(rig, 'mallory')).status, 200)
  }
  assert.equal((await logIn(rig, 'a', 'wrong')).status, 401)
})

test('of hundreds of parallel wrong logins ten are checked', async () => {
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

test('a wrong password in a change of password counts too', async () => {
  await using rig = await startAccess('max_login_attempts: 3')
  const { token } = await createUser(rig, 'a')
  using socket = await openSocket(rig, token)
  const change = (password: string) => socket.call('access.user.password', { password, new_password: 'x' })
  for (let i = 0; i < 3; i += 1) assert.equal((await change('wrong')).error.code, 400)
  assert.equal((await change('pw of a')).error.code, -32602)
})

function limitOf(max: number): LoginLimit {
  const log = testLog()
  return new LoginLimit({ clock: new MovedClock(), log, failures: null, max })
}

test('the addresses of one IPv6 network count as one, those of the next do not', () => {
  const limit = limitOf(2)
  limit.start('2001:db8:1:2::1', 'a')
  limit.start('2001:0db8:1:2:ffff::', 'b')
  assert.throws(() => limit.start('2001:db8:1:2:3:4:5:6', 'c'), { status: 401 })
  limit.start('2001:db8:1:3::1', 'd')
  limit.start('::1', 'e')
  limit.start('fe80::1%eth0', 'f')
})

test('many names do not fill the memory', () => {
  const limit = limitOf(1)
  for (let i = 0; i < 12_000; i += 1) limit.start(null, `name ${i}`)
  assert.throws(() => limit.start(null, 'name 11999'), { status: 401 })
  limit.start(null, 'name 0')
})

/** A server with the database of one that has stopped. */
async function restart(rig: Rig, clock = new MovedClock()): Promise<Rig> {
  await rig.server.stop()
  const prepare = ({ database }: Rig['paths']) => cpSync(rig.paths.database, database, { recursive: true })
  return startAccess('max_login_attempts: 3', { prepare, clock })
}

test('a restart does not forget failures, time and success do', async () => {
  await using first = await startAccess('max_login_attempts: 3')
  for (const name of ['a', 'b']) await createUser(first, name)
  const guess = (rig: Rig, username: string, password: string, from: string) =>
    send(rig, 'POST', '/access/login', { username, password }, { 'X-Forwarded-For': from })
  for (let count = 0; count < 3; count += 1)
    assert.equal((await guess(first, 'a', 'wrong', '198.51.100.1')).status, 400)
  for (let count = 0; count < 2; count += 1)
    assert.equal((await guess(first, 'b', 'wrong', '198.51.100.2')).status, 400)
  assert.equal((await guess(first, 'b', 'pw of b', '198.51.100.2')).status, 200)
  const clock = new MovedClock()
  await using second = await restart(first, clock)
  assert.equal((await guess(second, 'a', 'pw of a', '198.51.100.3')).status, 401, 'the name')
  assert.equal((await guess(second, 'b', 'pw of b', '198.51.100.1')).status, 401, 'the address')
  for (let count = 0; count < 2; count += 1)
    assert.equal((await guess(second, 'b', 'wrong', '198.51.100.2')).status, 400)
  assert.equal((await guess(second, 'b', 'pw of b', '198.51.100.2')).status, 200, 'success has removed them')
  await using third = await restart(second)
  assert.equal((await guess(third, 'a', 'pw of a', '198.51.100.3')).status, 401, 'after two restarts')
  clock.ahead = 901
  await using late = await restart(third, clock)
  assert.equal((await guess(late, 'a', 'pw of a', '198.51.100.1')).status, 200)
})

test('failures are stored while the server runs, without names and addresses', async () => {
  const clock = new HandClock()
  await using rig = await startAccess('', { clock })
  await logIn(rig, 'secret-name', 'wrong')
  clock.pass(2)
  let content = ''
  // The database writes in a thread of its own.
  while (!/login_failures.*[A-Za-z0-9+/]{43}=/s.test(content)) {
    await new Promise(resolve => setImmediate(resolve))
    content = ['', '-wal']
      .map(end => readFileSync(join(rig.paths.database, `moonraker-sql.db${end}`), 'latin1'))
      .join('')
  }
  assert.doesNotMatch(content, /secret-name|203\.0\.113/)
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
