import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Sudo } from '../../../../src/components/machine/services/sudo.ts'
import { type Clock, systemClock } from '../../../../src/core/clock.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { fakePrograms, isRunning } from '../fake-programs.ts'

const PASSWORD = 'right "horse" $HOME'

/**
 * A sudo that wants a password, and runs the program with the rest of its input. Without -k it remembers that it had one
 * and reads none, as the real one may.
 */
const SUDO = `
echo "$*" >> $HERE/calls
if [ "$1" = -n ]; then echo 'sudo: a password is required' >&2; exit 1; fi
if [ "$2" = -k ]; then
  read -r given
  if [ "$given" != '${PASSWORD}' ]; then
    echo 'Sorry, try again.' >&2; echo 'sudo: no password was provided' >&2; exit 1
  fi
fi
while [ "$1" != -- ]; do shift; done
shift
exec "$@"`

function user({ isRoot = false, clock = systemClock }: { isRoot?: boolean; clock?: Clock } = {}) {
  let changes = 0
  const stopping = new AbortController()
  const sudo = new Sudo({ isRoot, clock, signal: stopping.signal, onChange: () => (changes += 1) })
  return { sudo, changes: () => changes, stop: () => stopping.abort(new Error('the server stops')) }
}

const LIMITS = { timeoutSeconds: 10 }

test('root needs no sudo', async () => {
  using programs = fakePrograms({ sudo: SUDO })
  const { sudo } = user({ isRoot: true })
  assert.equal((await sudo.run('echo', ['a  b'], LIMITS)).stdout, 'a  b\n')
  assert.equal(await sudo.checkAccess(), true)
  assert.deepEqual(programs.calls(), [])
})

test('where no password is wanted none is given', async () => {
  using programs = fakePrograms({ sudo: 'echo "$*" >> $HERE/calls; shift 2; exec "$@"' })
  const { sudo } = user()
  sudo.usePassword(PASSWORD)
  assert.equal((await sudo.run('cat', [], LIMITS)).stdout, '', 'nothing of it reaches the program')
  assert.deepEqual(programs.calls(), ['-n -- cat'])
})

test('a password goes to sudo alone, by its input', async () => {
  using programs = fakePrograms({ sudo: SUDO })
  const { sudo } = user()
  sudo.usePassword(PASSWORD)
  const { code, stdout } = await sudo.run('sh', ['-c', 'cat; echo "$1"; exit 3', 'sh', '; reboot'], LIMITS)
  assert.deepEqual([code, stdout], [3, '; reboot\n'])
  assert.ok(!programs.calls().join().includes('horse'), 'arguments can be read by everybody')
})

test('without a password, or with a wrong one, the error contains what to do', async () => {
  using _programs = fakePrograms({ sudo: SUDO })
  const { sudo } = user()
  const refused = { status: 503, message: /may not act as root \(sudo wants a password\): give the password/ }
  await assert.rejects(sudo.run('true', [], LIMITS), refused)
  assert.equal(await sudo.checkAccess(), false)
  sudo.usePassword('wrong')
  await assert.rejects(sudo.run('true', [], LIMITS), { status: 503, message: /\(Sorry, try again\.\)/ })
})

test("errors contain sudo's other refusals, and failures of the program are not taken for them", async () => {
  const words = [
    'ada is not in the sudoers file.',
    'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.',
    "Sorry, user ada is not allowed to execute '/usr/bin/true' as root on printer.",
  ]
  for (const line of words) {
    using _programs = fakePrograms({ sudo: `echo '${line.replaceAll("'", "'\\''")}' >&2; exit 1` })
    await assert.rejects(user().sudo.run('true', [], LIMITS), ({ message }: Error) => message.includes(line))
  }
  using _programs = fakePrograms({ sudo: 'echo "E: Sorry, disk full" >&2; exit 100' })
  assert.equal((await user().sudo.run('true', [], LIMITS)).code, 100)
})

test('a machine without sudo', async () => {
  using _programs = fakePrograms({}, { alone: true })
  const { sudo } = user()
  await assert.rejects(sudo.run('true', [], LIMITS), /sudo cannot be run: .*ENOENT/)
  assert.equal(await sudo.checkAccess(), false)
  await assert.rejects(sudo.setPassword('x'), { status: 503, message: /cannot be tried: sudo cannot be run/ })
})

test('what waits for the password is done when it comes', async () => {
  using _programs = fakePrograms({ sudo: SUDO })
  const { sudo, changes } = user()
  const done: string[] = []
  sudo.request({
    message: 'Update the system',
    perform: async () => {
      done.push((await sudo.run('echo', ['updated'], LIMITS)).stdout)
      return { message: 'The system is up to date.', restart: true }
    },
  })
  const other = sudo.request({ message: 'Not any more', perform: () => Promise.reject(new Error('removed')) })
  assert.deepEqual(sudo.waiting, ['Update the system', 'Not any more'])
  other.remove()
  other.remove()
  assert.deepEqual([sudo.waiting, changes()], [['Update the system'], 3])
  await assert.rejects(sudo.setPassword('wrong'), {
    status: 400,
    message: 'Invalid password, sudo access was denied',
  })
  assert.deepEqual([sudo.waiting.length, done], [1, []])
  assert.deepEqual(await sudo.setPassword(PASSWORD), {
    messages: ['Sudo password successfully set.', 'The system is up to date.'],
    restart: true,
  })
  assert.deepEqual([sudo.waiting, done, changes()], [[], ['updated\n'], 4])
})

test('an action that fails waits again, and nothing restarts', async () => {
  using _programs = fakePrograms({ sudo: SUDO })
  const { sudo } = user()
  sudo.request({ message: 'a', perform: () => Promise.reject(new Error('no network')) })
  sudo.request({ message: 'b', perform: async () => ({ message: 'b is done', restart: true }) })
  await assert.rejects(sudo.setPassword(PASSWORD), { status: 500, message: 'no network' })
  assert.deepEqual(sudo.waiting, ['a'])
})

test('a wrong password does not replace the one that is known', async () => {
  using _programs = fakePrograms({ sudo: SUDO })
  const { sudo } = user()
  await sudo.setPassword(PASSWORD)
  await assert.rejects(sudo.setPassword(''), { status: 400 })
  assert.equal(await sudo.checkAccess(), true)
})

test('passwords that are no line of text are refused before anything runs', async () => {
  using programs = fakePrograms({ sudo: SUDO })
  const { sudo } = user()
  for (const password of [`${PASSWORD}\nrm`, '\0', 'x'.repeat(10_000)]) {
    await assert.rejects(sudo.setPassword(password), { status: 400 })
  }
  assert.deepEqual(programs.calls(), [])
})

test('wrong passwords are tried ten times, also in parallel, and again after a while', async () => {
  using programs = fakePrograms({ sudo: SUDO })
  const clock = new HandClock()
  const { sudo } = user({ clock })
  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => sudo.setPassword('wrong')))
  const statuses = outcomes.map(outcome => (outcome as PromiseRejectedResult).reason.status)
  assert.deepEqual(statuses, [...Array(10).fill(400), ...Array(20).fill(429)])
  assert.equal(programs.calls().length, 20, 'each is tried without a password first')
  await assert.rejects(sudo.setPassword(PASSWORD), { status: 429, message: /try again in 15 minutes/ })
  clock.pass(900)
  await sudo.setPassword(PASSWORD)
  for (let times = 0; times < 9; times += 1) await assert.rejects(sudo.setPassword('wrong'), { status: 400 })
  await sudo.setPassword(PASSWORD)
  await assert.rejects(sudo.setPassword('wrong'), { status: 400 })
})

test('of two passwords at once the second is tried when the first is set', async () => {
  using _programs = fakePrograms({ sudo: SUDO })
  const { sudo } = user()
  const [first, second] = await Promise.allSettled([sudo.setPassword(PASSWORD), sudo.setPassword('wrong')])
  assert.deepEqual([first.status, second.status], ['fulfilled', 'rejected'])
  assert.equal(await sudo.checkAccess(), true)
})

test('what is given up while another is done is not done', async () => {
  using _programs = fakePrograms({ sudo: SUDO })
  const { sudo } = user()
  sudo.request({
    message: 'a',
    perform: async () => {
      second.remove()
      return { message: 'a is done', restart: false }
    },
  })
  const second = sudo.request({ message: 'b', perform: () => assert.fail('it was given up') })
  assert.deepEqual((await sudo.setPassword(PASSWORD)).messages.slice(1), ['a is done'])
})

test('the password of the configuration is a line, and does not replace one that was tried', async () => {
  using _programs = fakePrograms({ sudo: SUDO })
  const { sudo } = user()
  assert.throws(() => sudo.usePassword('two\nlines'), {
    message: 'A password is one line of at most 255 bytes',
  })
  await sudo.setPassword(PASSWORD)
  sudo.usePassword('of the configuration')
  assert.equal(await sudo.checkAccess(), true)
})

test('a sudo that hangs ends with the server', async () => {
  using programs = fakePrograms({ sudo: 'echo $$ >> $HERE/calls; exec sleep 60' })
  const { sudo, stop } = user()
  const outcomes = Promise.allSettled([
    sudo.run('true', [], LIMITS),
    sudo.setPassword('x'),
    sudo.checkAccess(),
  ])
  while (programs.calls().length < 3) await setImmediate()
  stop()
  const [run, set, access] = await outcomes
  assert.match(String((run as PromiseRejectedResult).reason), /the server stops/)
  assert.equal((set as PromiseRejectedResult).reason.status, 503)
  assert.deepEqual(access, { status: 'fulfilled', value: false })
  for (const pid of programs.calls()) while (isRunning(pid)) await setImmediate()
})
