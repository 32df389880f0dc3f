// The options that all power devices have: what the original sent to devices and to systemctl, and its replies.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fakePrograms } from '../components/machine/fake-programs.ts'
import { type HttpDouble, tasmotaDouble } from '../components/power/http-double.ts'
import { initialised, startScene } from '../components/power/scene.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'

const SYSTEMCTL = `
if [ "$1" = list-units ]; then
  echo 'crowsnest.service loaded active running a'
  echo 'KlipperScreen.service loaded active running b'
  exit
fi
echo "$*" >> $HERE/calls`
const SUDO = '[ "$1" = -n ] && shift; shift; exec "$@"'

/** The options of each recorded device. */
const DEVICES = {
  init_on: 'initial_state: on\nbound_services: crowsnest',
  init_off: 'initial_state: off',
  pollfree: 'poll_interval: 1\nrestrict_action_processing: False\nbound_services: crowsnest',
  svc: 'bound_services: KlipperScreen, crowsnest.service',
  lock: 'locked_while_printing: True',
  restart: 'restart_klipper_when_powered: True',
  poll: 'poll_interval: 2',
  queue: 'on_when_job_queued: True\nlocked_while_printing: True',
  shut: 'off_when_shutdown: True',
  shutdelay: 'off_when_shutdown: True\noff_when_shutdown_delay: 3',
} as const
type Device = keyof typeof DEVICES

/** Requests of a poll, and of a command. */
const POLL = ['']
const ON = ['', '+on']
const OFF = ['', '+off']

/** One recorded exchange. */
interface Step {
  readonly name: string
  readonly device: Device
  /** An action of a client, or the arguments of a macro's set_device_power. */
  readonly action: string | { readonly state: string; readonly force?: boolean }
  /** What print_stats.state becomes before. */
  readonly print?: string
  /** What the relay becomes before, without the server. */
  readonly relay?: 'ON' | 'OFF'
  /** The state of the reply, or its error; not for macros. */
  readonly reply?: string
  readonly requests: readonly string[]
  /** The states of notify_power_changed. */
  readonly changed?: readonly string[]
  readonly services?: readonly string[]
}

const LOCKED = 'Unable to change power for lock while printing'
const BOTH = (action: string) => [`${action} KlipperScreen`, `${action} crowsnest`]

const STEPS: readonly Step[] = [
  {
    name: 'svc.on',
    device: 'svc',
    action: 'on',
    reply: 'on',
    requests: ON,
    changed: ['on'],
    services: BOTH('start'),
  },
  {
    name: 'svc.off',
    device: 'svc',
    action: 'off',
    reply: 'off',
    requests: OFF,
    changed: ['off'],
    services: BOTH('stop'),
  },
  {
    name: 'svc.external_on_status',
    device: 'svc',
    action: 'status',
    relay: 'ON',
    reply: 'on',
    requests: POLL,
    changed: ['on'],
  },
  {
    name: 'restart.on_while_ready',
    device: 'restart',
    action: 'on',
    reply: 'on',
    requests: ON,
    changed: ['on'],
  },
  { name: 'restart.off', device: 'restart', action: 'off', reply: 'off', requests: OFF, changed: ['off'] },
  {
    name: 'lock, before the print',
    device: 'lock',
    action: 'on',
    reply: 'on',
    requests: ON,
    changed: ['on'],
  },
  // The original sends no notification: see docs/differences.md.
  {
    name: 'lock.toggle_while_printing',
    device: 'lock',
    action: 'toggle',
    print: 'printing',
    reply: LOCKED,
    requests: POLL,
    changed: ['on'],
  },
  { name: 'lock.on_while_printing_already', device: 'lock', action: 'on', reply: 'on', requests: POLL },
  { name: 'lock.status', device: 'lock', action: 'status', reply: 'on', requests: POLL },
  {
    name: 'lock.off_while_paused',
    device: 'lock',
    action: 'off',
    print: 'paused',
    reply: 'off',
    requests: OFF,
    changed: ['off'],
  },
  {
    name: 'lock.remote_force',
    device: 'lock',
    action: { state: 'on', force: true },
    requests: ON,
    changed: ['on'],
  },
  {
    name: 'lock.remote_force_printing',
    device: 'lock',
    action: { state: 'off', force: true },
    print: 'printing',
    requests: OFF,
    changed: ['off'],
  },
  {
    name: 'lock.remote_noforce_printing',
    device: 'lock',
    action: { state: 'on' },
    requests: POLL,
    changed: ['off'],
  },
]

/** The commands of a Tasmota plug in its requests: '' for a poll. */
function commandsOf(plug: HttpDouble): string[] {
  return plug.take().map(path => path.replace(/^.*cmnd=Power1/, ''))
}

test('options of power devices act as in the original', async t => {
  using programs = fakePrograms({ systemctl: SYSTEMCTL, sudo: SUDO })
  await using stack = new AsyncDisposableStack()
  const klippy = stack.use(await FakeKlippy.start())
  const plugs = {} as Record<Device, Awaited<ReturnType<typeof tasmotaDouble>>>
  for (const device of Object.keys(DEVICES) as Device[]) plugs[device] = stack.use(await tasmotaDouble())
  plugs.init_off.state = 'ON'
  const sections = Object.entries(DEVICES).map(
    ([name, options]) =>
      `[power ${name}]\ntype: tasmota\naddress: ${plugs[name as Device].address}\n${options}\n`,
  )
  const conf = `[machine]\nprovider: systemd_cli\n${sections.join('')}`
  const scene = stack.use(
    await startScene(conf, {
      klippySocket: klippy.path,
      ready: true,
      prepare: ({ gcodes }) => {
        mkdirSync(gcodes, { recursive: true })
        writeFileSync(join(gcodes, 'slow.gcode'), 'G28\n')
      },
    }),
  )
  const { client } = scene
  let seen = 0
  /** What was done with services since the last call. */
  const services = () => {
    const calls = programs.calls()
    const next = calls.slice(seen)
    seen = calls.length
    return next.flatMap(call => {
      const [, action, name] = /\b(start|stop)\b.* ([\w]+)\.service/.exec(call) ?? []
      return action === undefined ? [] : [`${action} ${name}`]
    })
  }

  await t.test('the start', async () => {
    await initialised(scene)
    const wanted = { init_on: 'on', init_off: 'off' }
    for (let isDone = false; !isDone; ) {
      const states = await scene.states()
      isDone = Object.entries(wanted).every(([device, state]) => states[device] === state)
      isDone &&= programs.calls().length > 0
    }
    assert.deepEqual(commandsOf(plugs.init_on), ON)
    assert.deepEqual(commandsOf(plugs.init_off), OFF)
    for (const device of ['svc', 'lock', 'restart'] as const)
      assert.deepEqual(commandsOf(plugs[device]), POLL)
    assert.deepEqual(services(), ['start crowsnest'])
  })

  await t.test('pollfree.external_on', async () => {
    plugs.pollfree.state = 'ON'
    await scene.notified('pollfree', 'on')
    // The services follow the notification; the next request waits for them.
    await scene.act('pollfree', 'on')
    assert.deepEqual(services(), ['start crowsnest'])
    assert.ok(commandsOf(plugs.pollfree).every(command => command === ''))
  })

  await t.test('poll.external_on, poll.device_gone, poll.device_back', async () => {
    plugs.poll.state = 'ON'
    await scene.notified('poll', 'on')
    assert.ok(commandsOf(plugs.poll).every(command => command === ''))
    const works = plugs.poll.answer
    plugs.poll.answer = () => 'drop'
    await scene.notified('poll', 'error')
    assert.deepEqual(commandsOf(plugs.poll).slice(-3), ['', '', ''])
    const from = client.frames.length
    plugs.poll.answer = works
    await scene.notified('poll', 'on', from)
  })

  await t.test('queue.post_job, queue.status_after, queue.off_while_queue', async () => {
    commandsOf(plugs.queue)
    await client.call('server.job_queue.post_job', { filenames: ['slow.gcode'] })
    await scene.notified('queue', 'on')
    assert.deepEqual(commandsOf(plugs.queue), ON)
    const { result } = await client.call('server.job_queue.status')
    assert.equal(result.queue_state, 'paused')
    assert.deepEqual(
      result.queued_jobs.map(({ filename }: { filename: string }) => filename),
      ['slow.gcode'],
    )
    assert.deepEqual((await scene.act('queue', 'off')).result, { queue: 'off' })
    assert.deepEqual(commandsOf(plugs.queue), OFF)
  })

  for (const {
    name,
    device,
    action,
    print,
    relay,
    reply,
    requests,
    changed = [],
    services: expected = [],
  } of STEPS) {
    await t.test(name, async () => {
      if (print !== undefined) klippy.push('print_stats', { state: print })
      if (relay !== undefined) plugs[device].state = relay
      const from = client.frames.length
      const notified = () =>
        client.frames.slice(from).flatMap(({ method, params }) => {
          return method === 'notify_power_changed' && params[0].device === device ? [params[0].status] : []
        })
      if (typeof action === 'string') {
        const { result, error } = await scene.act(device, action)
        assert.equal(result?.[device] ?? error?.message, reply)
      } else {
        klippy.call('set_device_power', { device, ...action })
        await client.find(() => notified().length === changed.length)
      }
      assert.deepEqual(notified(), changed)
      assert.deepEqual(commandsOf(plugs[device]), requests)
      assert.deepEqual(services(), expected)
    })
  }

  await t.test('shut.on, shutdelay.on, devices_in_shutdown', async () => {
    for (const device of ['shut', 'shutdelay'] as const) {
      assert.deepEqual((await scene.act(device, 'on')).result, { [device]: 'on' })
      commandsOf(plugs[device])
    }
    klippy.setState('shutdown')
    await Promise.all([scene.notified('shut', 'off'), scene.notified('shutdelay', 'off')])
    assert.deepEqual(commandsOf(plugs.shut), OFF)
    assert.deepEqual(commandsOf(plugs.shutdelay), OFF)
  })

  await t.test('restart.on_in_shutdown', async () => {
    assert.equal(klippy.count('gcode/firmware_restart'), 0)
    assert.deepEqual((await scene.act('restart', 'on')).result, { restart: 'on' })
    assert.deepEqual(commandsOf(plugs.restart), ON)
    await klippy.waitFor('gcode/firmware_restart')
  })
})
