// Power devices that are not in the network: the calls of uhubctl and the G-code that the original sent, and its replies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakePrograms } from '../components/machine/fake-programs.ts'
import { tasmotaDouble } from '../components/power/http-double.ts'
import { initialised, startScene } from '../components/power/scene.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { sendRequest } from '../support/raw-http.ts'

/** Prints what the recorded uhubctl printed; keeps the state of each port in a file. */
const UHUBCTL = `
echo "$*" >> "$HERE/calls"
ports='1 2 3 4'
case "$*" in *'-p 2'*) ports=2;; esac
show() {
  echo "$1 status for hub 1-1 [0424:9514, USB 2.00, 5 ports, ppps]"
  for port in $ports; do
    if [ -e "$HERE/off-$port" ]; then echo "  Port $port: 0000 off"
    elif [ $port = 2 ]; then echo '  Port 2: 0503 power highspeed enable connect [0424:ec00]'
    else echo "  Port $port: 0100 power"; fi
  done
}
show Current
for port in $ports; do
  case "$*" in *'-a on') rm -f "$HERE/off-$port";; *'-a off') touch "$HERE/off-$port";; *) exit 0;; esac
done
echo 'Sent power request'
show New`

const POLL = ['-l 1-1 -p 2']
const POLL_ALL = ['-l 1-1']

/** A request of a client, and what the device gets. */
interface Step {
  readonly name: string
  readonly device: string
  readonly action: string
  /** The state of the reply, or its error. */
  readonly reply: string
  /** Calls of uhubctl, or G-code. */
  readonly sent: readonly string[]
  /** The states of notify_power_changed. */
  readonly changed?: readonly string[]
}

const PORTS: readonly Step[] = [
  { name: 'hub.status', device: 'hub', action: 'status', reply: 'on', sent: POLL },
  { name: 'hub.on', device: 'hub', action: 'on', reply: 'on', sent: POLL },
  {
    name: 'hub.off',
    device: 'hub',
    action: 'off',
    reply: 'off',
    sent: [...POLL, '-l 1-1 -p 2 -a off'],
    changed: ['off'],
  },
  {
    name: 'hub.toggle',
    device: 'hub',
    action: 'toggle',
    reply: 'on',
    sent: [...POLL, '-l 1-1 -p 2 -a on'],
    changed: ['on'],
  },
  { name: 'hubb.on', device: 'hubb', action: 'on', reply: 'on', sent: POLL_ALL },
  {
    name: 'hubb.off',
    device: 'hubb',
    action: 'off',
    reply: 'off',
    sent: [...POLL_ALL, '-l 1-1 -a off'],
    changed: ['off'],
  },
  {
    name: 'hubb.toggle',
    device: 'hubb',
    action: 'toggle',
    reply: 'on',
    sent: [...POLL_ALL, '-l 1-1 -a on'],
    changed: ['on'],
  },
]

const OUTPUTS: readonly Step[] = [
  { name: 'relay.status', device: 'relay', action: 'status', reply: 'off', sent: [] },
  {
    name: 'relay.on',
    device: 'relay',
    action: 'on',
    reply: 'on',
    sent: ['SET_PIN PIN=relay VALUE=1'],
    changed: ['on'],
  },
  { name: 'relay.on_again', device: 'relay', action: 'on', reply: 'on', sent: [] },
  {
    name: 'relay.off',
    device: 'relay',
    action: 'off',
    reply: 'off',
    sent: ['SET_PIN PIN=relay VALUE=0'],
    changed: ['off'],
  },
  { name: 'macro.status', device: 'macro', action: 'status', reply: 'off', sent: [] },
  {
    name: 'macro.on',
    device: 'macro',
    action: 'on',
    reply: 'on',
    sent: ['PWR_MACRO VALUE=1'],
    changed: ['on'],
  },
  { name: 'macro.on_again', device: 'macro', action: 'on', reply: 'on', sent: [] },
  {
    name: 'macro.off',
    device: 'macro',
    action: 'off',
    reply: 'off',
    sent: ['PWR_MACRO VALUE=0'],
    changed: ['off'],
  },
  { name: 'badobj.status', device: 'badobj', action: 'status', reply: 'error', sent: [] },
]

const TASMOTA_POLL = '/cm?user=admin&password=p%40+s%261&cmnd=Power1'

const CONFIGURATION = `
[power hub]
type: uhubctl
location: 1-1
port: 2
[power hubb]
type: uhubctl
location: 1-1
[power relay]
type: klipper_device
object_name: output_pin relay
[power macro]
type: klipper_device
object_name: gcode_macro PWR_MACRO
[power badobj]
type: klipper_device
object_name: output_pin nosuch
`

test('devices without a network act as in the original, and macros and HTTP clients switch devices', async t => {
  using programs = fakePrograms({ uhubctl: UHUBCTL })
  await using stack = new AsyncDisposableStack()
  const klippy = stack.use(await FakeKlippy.start())
  klippy.change('output_pin relay', { value: 0 })
  klippy.change('gcode_macro PWR_MACRO', { value: 0 })
  klippy.answer('gcode/script', ({ script }) => {
    const [, pin, value] = /^(SET_PIN PIN=relay|PWR_MACRO) VALUE=(\d)$/.exec(String(script)) ?? []
    const object = pin === 'PWR_MACRO' ? 'gcode_macro PWR_MACRO' : 'output_pin relay'
    klippy.push(object, { value: Number(value) })
    return {}
  })
  const plug = stack.use(await tasmotaDouble())
  const conf = `${CONFIGURATION}[power tas]\ntype: tasmota\naddress: ${plug.address}\npassword: p@ s&1\n`
  const scene = stack.use(await startScene(conf, { klippySocket: klippy.path, ready: true }))
  const { client, rig } = scene
  await initialised({ ...scene, states: async () => ({ ...(await scene.states()), badobj: 'error' }) })

  const scripts = () =>
    klippy.requests.filter(({ method }) => method === 'gcode/script').map(({ params }) => params.script)
  const changesOf = (device: string, from: number) =>
    client.frames.slice(from).flatMap(({ method, params }) => {
      return method === 'notify_power_changed' && params[0].device === device ? [params[0].status] : []
    })
  for (const [steps, sent] of [
    [PORTS, () => programs.calls()],
    [OUTPUTS, scripts],
  ] as const) {
    for (const step of steps) {
      await t.test(step.name, async () => {
        const [frames, before] = [client.frames.length, sent().length]
        const { result, error } = await scene.act(step.device, step.action)
        assert.equal(result?.[step.device] ?? error?.message, step.reply)
        assert.deepEqual(sent().slice(before), step.sent)
        assert.deepEqual(changesOf(step.device, frames), step.changed ?? [])
      })
    }
  }

  await t.test('badobj.on', async () => {
    const { error } = await scene.act('badobj', 'on')
    assert.deepEqual(error, { code: 400, message: 'Error Toggling Device Power: badobj' })
  })

  plug.take()
  for (const [name, state, commands, changed] of [
    ['remote.set_device_power.on', 'on', ['', '+on'], ['on']],
    ['remote.set_device_power.False', false, ['', '+off'], ['off']],
    ['remote.set_device_power.TOGGLE', 'TOGGLE', ['', '+on'], ['on']],
  ] as const) {
    await t.test(name, async () => {
      const from = client.frames.length
      klippy.call('set_device_power', { device: 'tas', state })
      await client.find(() => changesOf('tas', from).length === changed.length)
      assert.deepEqual(changesOf('tas', from), changed)
      assert.deepEqual(
        plug.take(),
        commands.map(command => TASMOTA_POLL + command),
      )
    })
  }

  await t.test('remote.set_device_power.bogus, remote.unknown_device', async () => {
    klippy.call('set_device_power', { device: 'tas', state: 'bogus' })
    klippy.call('set_device_power', { device: 'zz', state: 'on' })
    assert.deepEqual((await scene.act('tas', 'status')).result, { tas: 'on' })
    assert.deepEqual(plug.take(), [TASMOTA_POLL])
  })

  for (const [name, verb, path, expected] of [
    ['http.device_post', 'POST', 'device?device=tas&action=off', { result: { tas: 'off' } }],
    ['http.device_get', 'GET', 'device?device=tas', { result: { tas: 'off' } }],
    ['http.on', 'POST', 'on?tas&hub', { result: { tas: 'on', hub: 'on' } }],
    [
      'http.no_device',
      'GET',
      'device?device=zz',
      { error: { code: 400, message: 'No valid device named zz' } },
    ],
  ] as const) {
    await t.test(name, async () => {
      const { json } = await sendRequest(rig.port, `/machine/device_power/${path}`, { verb })
      delete json.error?.traceback
      assert.deepEqual(json, expected)
    })
  }
})
