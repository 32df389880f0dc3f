// Service managers whose programs are missing, hang, or print unexpected text.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { readPrograms } from '../../../../src/components/machine/services/supervisord-cli.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { postJson, sendRequest } from '../../../support/raw-http.ts'
import { type Rig, startRig } from '../../../support/rig.ts'
import { fakePrograms, isRunning } from '../fake-programs.ts'

function startOn(provider: string, clock?: HandClock): Promise<Rig> {
  const conf = `[machine]\nprovider: ${provider}`
  return startRig({ printer: 'none', conf, ...(clock !== undefined && { clock }) })
}

async function systemInfo({ port }: Rig) {
  return (await sendRequest(port, '/machine/system_info')).json.result.system_info
}

const stop = ({ port }: Rig) => postJson(port, '/machine/services/stop', { service: 'klipper' })

test('if the program is missing nothing can be managed, and all errors name the reason', async () => {
  using _programs = fakePrograms({}, { alone: true })
  for (const [provider, program] of [
    ['systemd_cli', 'systemctl'],
    ['supervisord_cli', 'supervisorctl'],
  ] as const) {
    await using rig = await startOn(provider)
    assert.equal((await systemInfo(rig)).provider, 'none')
    const { status, json } = await stop(rig)
    assert.equal(status, 503)
    assert.match(
      json.error.message,
      new RegExp(`${provider} does not work \\(${program} cannot be run: .*ENOENT`),
    )
    assert.match(
      (await sendRequest(rig.port, '/server/info')).json.result.warnings.join(),
      new RegExp(program),
    )
  }
})

test('a program that hangs keeps neither callers nor the end of the server waiting', async () => {
  using programs = fakePrograms({ supervisorctl: 'echo $$ >> $HERE/calls; exec sleep 60' })
  const clock = new HandClock()
  const stopping = await startOn('supervisord_cli', clock)
  while (programs.calls().length === 0) await setImmediate()
  const info = systemInfo(stopping)
  await clock.waitFor(3)
  clock.pass(3)
  assert.equal((await info).provider, 'none')
  await stopping[Symbol.asyncDispose]()
  const [pid = ''] = programs.calls()
  while (isRunning(pid)) await setImmediate()
  assert.deepEqual(
    stopping.log.filter(line => /supervisor|service/.test(line)),
    [],
  )
})

test('errors contain a part of what a program prints', async () => {
  using _programs = fakePrograms({
    supervisorctl: `[ "$1" = status ] && echo 'klipper RUNNING pid 7, uptime' && exit
head -c 3000000 /dev/zero | tr '\\0' x
exit 2`,
  })
  await using rig = await startOn('supervisord_cli')
  const { status, body } = await stop(rig)
  assert.equal(status, 500)
  assert.ok(body.includes('could not be stopped: xxx') && body.length < 1000)
})

test('a list without valid entries is empty', () => {
  const lines = [
    'klipper                          RUNNING   pid 12, uptime 0:01:02',
    'crowsnest CONSTRUCTOR',
    '__proto__ FATAL',
    'Traceback (most recent call last):',
    '\0\0\0',
    'x'.repeat(100_000),
    '',
  ]
  const states = [...readPrograms(lines.join('\n'))].map(([name, { state, pid }]) => [
    name,
    state.active_state,
    pid,
  ])
  assert.deepEqual(states, [
    ['klipper', 'active', 12],
    ['crowsnest', 'inactive', null],
    ['__proto__', 'failed', null],
  ])
})
