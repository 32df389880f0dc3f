import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { unitOfCgroup } from '../../../../src/components/machine/services/systemd-cli.ts'
import { type Clock, systemClock } from '../../../../src/core/clock.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { postJson, sendRequest } from '../../../support/raw-http.ts'
import { type Rig, startRig } from '../../../support/rig.ts'
import { WebClient } from '../../../support/web-client.ts'
import { fakePrograms } from '../fake-programs.ts'

/** A systemctl that lists the content of $HERE/units, and pretends to act. */
const SYSTEMCTL = `
if [ "$1" = list-units ]; then
  if [ -e $HERE/broken ]; then echo 'Failed to list units: Connection timed out' >&2; exit 1; fi
  cat $HERE/units
  exit
fi
echo "$*" >> $HERE/calls
if [ "$4" = crowsnest.service ]; then
  echo "Job for crowsnest.service failed because the control process exited with error code." >&2
  exit 1
fi
[ "$2" = stop ] && sed -i "s/^$4 .*/$4 loaded inactive dead A stopped service/" $HERE/units
exit 0`

const SUDO = '[ "$1" = -n ] && shift; shift; exec "$@"'

const UNITS = [
  'klipper.service                loaded    active   running Klipper 3D Printer Firmware SV1',
  '  crowsnest.service            loaded    failed   failed  crowsnest - Multi Webcam Manager',
  'klipper_mcu.service            not-found inactive dead    klipper_mcu.service',
  'moonraker-obico.service        loaded    active   exited  ',
  'ssh.service                    loaded    active   running OpenBSD Secure Shell server',
  '',
  'not a unit at all',
].join('\n')

function startOn(clock: Clock = systemClock): Promise<Rig> {
  return startRig({ printer: 'none', conf: '[machine]\nprovider: systemd_cli', clock })
}

function programs() {
  const made = fakePrograms({ systemctl: SYSTEMCTL, sudo: SUDO })
  writeFileSync(join(made.folder, 'units'), UNITS)
  return made
}

async function systemInfo({ port }: Rig) {
  return (await sendRequest(port, '/machine/system_info')).json.result.system_info
}

const act = ({ port }: Rig, action: string, service: string) =>
  postJson(port, `/machine/services/${action}`, { service })

test('services are listed as systemctl lists them', async () => {
  using _programs = programs()
  await using rig = await startOn()
  const { provider, service_state } = await systemInfo(rig)
  assert.equal(provider, 'systemd_cli')
  assert.deepEqual(service_state, {
    klipper: { active_state: 'active', sub_state: 'running' },
    crowsnest: { active_state: 'failed', sub_state: 'failed' },
    'moonraker-obico': { active_state: 'active', sub_state: 'exited' },
  })
})

test('actions go to systemctl with the name as one argument, and clients are notified of the new state', async () => {
  using made = programs()
  await using rig = await startOn()
  using client = await WebClient.open(rig.url)
  assert.deepEqual((await act(rig, 'stop', 'klipper')).json, { result: 'ok' })
  assert.deepEqual((await client.notified('notify_service_state_changed')).params, [
    { klipper: { active_state: 'inactive', sub_state: 'dead' } },
  ])
  const failed = await act(rig, 'start', 'crowsnest')
  assert.equal(failed.status, 500)
  assert.match(failed.json.error.message, /^Service 'crowsnest' could not be started: Job for crowsnest/)
  for (const name of ['ssh', '--help', 'klipper;reboot'])
    assert.equal((await act(rig, 'stop', name)).status, 400)
  assert.equal(
    (await act(rig, 'stop', 'klipper_mcu')).json.error.message,
    "Service 'klipper_mcu' not installed",
  )
  assert.deepEqual(made.calls(), [
    '--no-ask-password stop -- klipper.service',
    '--no-ask-password start -- crowsnest.service',
  ])
})

test('polling finds changes that no client requested', async () => {
  using made = programs()
  const clock = new HandClock()
  await using rig = await startOn(clock)
  using client = await WebClient.open(rig.url)
  await systemInfo(rig)
  writeFileSync(join(made.folder, 'units'), UNITS.replace('failed   failed', 'active   running'))
  clock.pass(2)
  assert.deepEqual((await client.notified('notify_service_state_changed')).params, [
    { crowsnest: { active_state: 'active', sub_state: 'running' } },
  ])
})

test('a systemctl that fails for a while is logged once, and keeps what is known', async () => {
  using made = programs()
  await using rig = await startOn()
  await systemInfo(rig)
  writeFileSync(join(made.folder, 'broken'), '')
  await act(rig, 'stop', 'klipper')
  await act(rig, 'stop', 'klipper')
  const entries = rig.log.filter(line => line.includes('Failed to list units: Connection timed out'))
  assert.equal(entries.length, 1)
  const { status, json } = await act(rig, 'start', 'sonar')
  assert.equal(status, 503)
  assert.match(json.error.message, /does not answer: Failed to list units: Connection timed out/)
  assert.equal((await systemInfo(rig)).service_state.klipper.active_state, 'active')
})

test('it replaces a D-Bus that does not answer, with a warning', async () => {
  using _programs = programs()
  process.env.DBUS_SYSTEM_BUS_ADDRESS = 'unix:path=/nonexistent/bus'
  await using rig = await startRig({ printer: 'none', conf: '[machine]' })
  assert.equal((await systemInfo(rig)).provider, 'systemd_cli')
  const { warnings } = (await sendRequest(rig.port, '/server/info')).json.result
  assert.deepEqual(warnings, [
    '[machine] provider systemd_dbus does not work (it does not listen: ENOENT): systemd_cli is used instead',
  ])
  delete process.env.DBUS_SYSTEM_BUS_ADDRESS
})

test('the service of a process is that of its control group', () => {
  const groups = {
    '0::/system.slice/klipper.service\n': 'klipper',
    '0::/system.slice/system-klipper.slice/klipper@left.service\n': 'klipper@left',
    '12:pids:/x\n1:name=systemd:/system.slice/moonraker-1.service\n0::/\n': 'moonraker-1',
    '0::/system.slice/klipper.service/worker\n': 'klipper',
    '0::/user.slice/user-1000.slice/session-3.scope\n': null,
    '0::/user.slice/user-1000.slice/user@1000.service/app.slice/klipper.service\n': null,
    '0::/system.slice/docker-0f3c.scope\n': null,
    '0::/\n': null,
    '': null,
    'nonsense\0': null,
  }
  for (const [text, unit] of Object.entries(groups)) assert.equal(unitOfCgroup(text), unit, text)
})
