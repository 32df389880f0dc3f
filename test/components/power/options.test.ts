// Options of power devices whose effect no other test shows: times, names, bound services.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { fakePrograms } from '../machine/fake-programs.ts'
import { mqttSection, TestBroker } from '../mqtt/test-broker.ts'
import { HttpDouble, tasmotaDouble } from './http-double.ts'
import { initialised, type Scene, startScene } from './scene.ts'

/** A clock that is quick for short times only, so that no timeout ends a request, and the seconds of all its timers. */
function recordedClock(): { readonly clock: Clock; readonly waits: number[] } {
  const quick = quickClock(50)
  const waits: number[] = []
  const after: Clock['after'] = (seconds, task) => {
    waits.push(seconds)
    return seconds < 5 ? quick.after(seconds, task) : systemClock.after(seconds, task)
  }
  return { clock: { ...quick, after }, waits }
}

test('restart_delay is the time from switching on until the restart', async () => {
  await using klippy = await FakeKlippy.start('shutdown')
  await using plug = await tasmotaDouble()
  const { clock, waits } = recordedClock()
  const options = 'restart_klipper_when_powered: True\nrestart_delay: 3.5'
  await using scene = await startScene(
    `[power plug]\ntype: tasmota\naddress: ${plug.address}\n${options}\n`,
    { clock, klippySocket: klippy.path, ready: false },
  )
  await initialised(scene)
  await scene.act('plug', 'on')
  await klippy.waitFor('gcode/firmware_restart')
  assert.ok(waits.includes(3.5))
})

test('domain and status_delay of an entity of Home Assistant', async () => {
  let state = 'off'
  await using assistant = await HttpDouble.start(({ method, path }) => {
    if (method === 'POST') state = path.endsWith('turn_on') ? 'on' : 'off'
    return { json: { state } }
  })
  const [address, port] = assistant.address.split(':')
  const { clock, waits } = recordedClock()
  await using scene = await startScene(
    `[power plug]\ntype: homeassistant\naddress: ${address}\nport: ${port}\ndevice: light.case\ntoken: T\n` +
      'domain: light\nstatus_delay: 2.5\n',
    { clock },
  )
  await initialised(scene)
  assistant.take()
  assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
  assert.deepEqual(assistant.take(), [
    '/api/states/light.case',
    '/api/services/light/turn_on',
    '/api/states/light.case',
  ])
  assert.ok(waits.includes(2.5))
})

test('state_timeout is the time that a device has to publish its state', async () => {
  await using broker = await TestBroker.start()
  await broker.publish('plug/state', 'off', { retain: true })
  const { clock, waits } = recordedClock()
  await using scene = await startScene(
    `${mqttSection(broker.port)}[power plug]\ntype: mqtt\ncommand_topic: plug/set\ncommand_payload: {command}\n` +
      'state_topic: plug/state\nstate_timeout: 1.5\n',
    { clock },
  )
  await initialised(scene)
  assert.equal((await scene.act('plug', 'on')).error.code, 500)
  assert.ok(waits.includes(1.5))
})

/** A systemctl that knows crowsnest, and records what it is called for. */
const SYSTEMCTL = `
if [ "$1" = list-units ]; then
  echo 'crowsnest.service loaded active running crowsnest'
  exit
fi
echo "$*" >> $HERE/calls`
const SUDO = '[ "$1" = -n ] && shift; shift; exec "$@"'

async function startBound(services: string, provider: string): Promise<Scene> {
  const plug = await tasmotaDouble()
  const scene = await startScene(
    `[machine]\nprovider: ${provider}\n[power plug]\ntype: tasmota\naddress: ${plug.address}\n${services}\n`,
  )
  await initialised(scene)
  return {
    ...scene,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]()
      await plug[Symbol.asyncDispose]()
    },
  }
}

/** The warnings, once there are `count`: the services are checked after the start. */
async function warningsOnce({ warnings }: Scene, count: number): Promise<string[]> {
  for (;;) {
    const found = await warnings()
    if (found.length >= count) return found
  }
}

test('bound services start and stop with the device; the deprecated name of the option works', async () => {
  for (const option of ['bound_services', 'bound_service']) {
    using programs = fakePrograms({ systemctl: SYSTEMCTL, sudo: SUDO })
    await using scene = await startBound(`${option}: crowsnest.service`, 'systemd_cli')
    await scene.act('plug', 'on')
    await scene.act('plug', 'off')
    const calls = programs.calls().filter(call => call.includes('crowsnest'))
    assert.deepEqual(
      calls.map(call => /\b(start|stop)\b/.exec(call)?.[1]),
      ['start', 'stop'],
    )
    const warnings = await scene.warnings()
    assert.equal(warnings.length, option === 'bound_service' ? 1 : 0, warnings.join('\n'))
  }
})

test('a bound service that cannot be controlled is a warning at the start, and the device works', async () => {
  using _programs = fakePrograms({ systemctl: SYSTEMCTL, sudo: SUDO })
  await using scene = await startBound('bound_services: crowsnest, KlipperScreen, sshd', 'systemd_cli')
  assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
  const option = 'Section [power plug], option "bound_services":'
  assert.deepEqual(await warningsOnce(scene, 2), [
    `${option} KlipperScreen is no service of this machine: correct its name, or install it`,
    `${option} sshd may not be controlled: add it to the file moonraker.asvc`,
  ])
})

test('bound services without a service manager are warnings', async () => {
  await using scene = await startBound('bound_services: crowsnest', 'none')
  assert.deepEqual(await warningsOnce(scene, 1), [
    'Section [power plug], option "bound_services": crowsnest cannot be controlled: [machine] has no provider for services',
  ])
})
