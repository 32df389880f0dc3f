// Power devices: the requests that the original sent to each kind of device, and its replies to clients.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Clock } from '../../src/core/clock.ts'
import { HttpDouble, type Received } from '../components/power/http-double.ts'
import { KasaDouble } from '../components/power/kasa-double.ts'
import { quickClock } from '../support/quick-clock.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

/** A request to a device, and what the device replied. */
interface Sent {
  readonly device: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly status?: number
  readonly type?: string
  readonly answer?: string
  readonly drops?: true
  /** In place of an HTTP request: a command for a TP-Link plug. */
  readonly json?: string
}

interface PowerExchange {
  readonly name: string
  readonly method: string
  readonly params: unknown
  readonly reply: { readonly result?: unknown; readonly error?: unknown }
  /** The notifications; left out where the recording lacks what happened before. */
  readonly changed?: readonly (readonly [device: string, status: string])[]
  readonly sent: readonly Sent[]
}

const { init, exchanges } = JSON.parse(
  readFileSync(new URL('../fixtures/power-recording.json', import.meta.url), 'utf8'),
) as { readonly init: readonly Sent[]; readonly exchanges: readonly PowerExchange[] }

/** Notifications that the original does not send: those of the state after a command that failed. */
const FURTHER: Readonly<Record<string, PowerExchange['changed']>> = {
  'tp.err.on': [['tp', 'error']],
  'hue.error_answer': [['hue', 'error']],
}

/** Devices that serve many clients: this server keeps its connection to them between two reads, the original does not. */
const KEPT: readonly string[] = ['homeassistant', 'homeseer', 'hue', 'smartthings']

/** A device that gives the recorded replies, each to the recorded request. */
class RecordedDevice {
  readonly double: HttpDouble
  readonly plug: KasaDouble
  readonly #expected: Sent[] = []
  readonly unexpected: string[] = []
  /** The request to whose connection the device has just put an end. */
  #dropped: Sent | null = null

  private constructor(double: HttpDouble, plug: KasaDouble) {
    this.double = double
    this.plug = plug
    plug.answer = command => {
      const index = this.#expected.findIndex(({ json }) => json === command)
      const [sent] = index === -1 ? [] : this.#expected.splice(index, 1)
      if (sent === undefined) this.unexpected.push(command)
      return sent?.answer ?? 'drop'
    }
    double.answer = request => {
      const index = this.#expected.findIndex(sent => matches(sent, request))
      const sent = this.#expected[index]
      const dropped = this.#dropped
      this.#dropped = sent?.drops ? sent : null
      // A kept connection that ends may have been too old: the request is sent once more, over a new one.
      if (sent === undefined && dropped !== null && mayKeep(dropped) && matches(dropped, request))
        return 'drop'
      if (sent === undefined) {
        this.unexpected.push(`${request.method} ${request.path} ${request.body}`)
        return 'drop'
      }
      this.#expected.splice(index, 1)
      if (sent.drops) return 'drop'
      return {
        text: sent.answer ?? '',
        status: sent.status ?? 200,
        headers: { 'Content-Type': sent.type ?? 'text/plain' },
      }
    }
  }

  static async start(): Promise<RecordedDevice> {
    return new RecordedDevice(await HttpDouble.start(() => 'drop'), await KasaDouble.start(() => 'drop'))
  }

  expect(sent: Sent): void {
    this.#expected.push(sent)
  }

  /** What does not agree with the recording, since the last call. */
  problems(): string[] {
    const missing = this.#expected
      .splice(0)
      .map(({ method, path, json }) => `missing: ${json ?? `${method} ${path}`}`)
    return [...missing, ...this.unexpected.splice(0).map(text => `unexpected: ${text}`)]
  }
}

/** Whether this server keeps its connection for the request. */
function mayKeep({ device, method }: Sent): boolean {
  return KEPT.includes(device) && method === 'GET'
}

function matches(sent: Sent, { method, path, headers, body }: Received): boolean {
  const sameHeaders = Object.entries(sent.headers).every(
    ([name, value]) => (mayKeep(sent) && name === 'Connection') || headers[name.toLowerCase()] === value,
  )
  return method === sent.method && path === sent.path && body === sent.body && sameHeaders
}

/** The sections that were recorded. */
function configuration(at: (device: string) => string, plugAt: (device: string) => number): string {
  return `
[power tas]
type: tasmota
address: ${at('tasmota')}
password: p@ s&1

[power tas2]
type: tasmota
address: ${at('tasmota')}
output_id: 2
timer: 3

[power tas1]
type: tasmota
address: ${at('tasmota_single')}

[power she]
type: shelly
address: ${at('shelly')}

[power she1]
type: shelly
address: ${at('shelly_auth')}
user: u
password: p w
output_id: 1
timer: 4

[power hs]
type: homeseer
address: ${at('homeseer').replace(/:.*/, '')}
port: ${at('homeseer').replace(/.*:/, '')}
device: 12
user: hsu
password: hsp

[power ha]
type: homeassistant
address: ${at('homeassistant').replace(/:.*/, '')}
port: ${at('homeassistant').replace(/.*:/, '')}
device: switch.printer
token: HATOKEN

[power lox]
type: loxonev1
address: ${at('loxonev1')}
output_id: my plug

[power st]
type: smartthings
address: ${at('smartthings')}
protocol: http
token: STTOKEN
device: dev-1

[power hue]
type: hue
address: ${at('hue').replace(/:.*/, '')}
port: ${at('hue').replace(/.*:/, '')}
user: hueuser
device_id: 3

[power hueg]
type: hue
address: ${at('hue').replace(/:.*/, '')}
port: ${at('hue').replace(/.*:/, '')}
user: hueuser
device_id: 1
device_type: group

[power tp]
type: tplink_smartplug
address: 127.0.0.1
port: ${plugAt('tplink_smartplug')}

[power tpk]
type: tplink_smartplug
address: 127.0.0.1
port: ${plugAt('tplink_multi')}
output_id: 1

[power tpold]
type: tplink_smartplug
address: 127.0.0.1/2
port: ${plugAt('tplink_multi')}

[power tpt]
type: tplink_smartplug
address: 127.0.0.1
port: ${plugAt('tplink_smartplug')}
timer: 3

[power gen]
type: http
on_url: http://${at('http')}/on
off_url: http://${at('http')}/off
status_url: http://${at('http')}/status
response_template: {http_request.last_response().json().state}

[power gen2]
type: http
on_url: http://${at('http')}/api/x
off_url: http://${at('http')}/api/x
status_url: http://${at('http')}/api/x
user: gu
password: gp
request_template:
  {% do http_request.set_method("POST") %}
  {% do http_request.add_header("X-Cmd", command) %}
  {% do http_request.set_body({"turn": command}) %}
  {% do async_sleep(0.1) %}
  {% do http_request.send() %}
response_template:
  {% set response = http_request.last_response() %}
  {% do response.raise_for_status() %}
  {response.json()["result"]}

[power gen3]
type: http
on_url: http://${at('http')}/text/on
off_url: http://${at('http')}/text/off
status_url: http://${at('http')}/text/status
response_template: {http_request.last_response().text}
`
}

/**
 * Time passes quickly, but a device that failed is not read again, since the recording contains no such request, and no
 * request ends early on a busy machine.
 */
function clockWithoutRetries(): Clock {
  const clock = quickClock(10)
  return { ...clock, after: (seconds, task) => clock.after(seconds >= 5 ? 3600 : seconds, task) }
}

test('power devices get the requests of the original, and clients its replies', async t => {
  const names = [...new Set([...init, ...exchanges.flatMap(({ sent }) => sent)].map(({ device }) => device))]
  const devices = new Map<string, RecordedDevice>()
  await using stack = new AsyncDisposableStack()
  for (const name of names) {
    const device = await RecordedDevice.start()
    stack.use(device.double)
    stack.use(device.plug)
    devices.set(name, device)
  }
  const problems = () => [...devices.values()].flatMap(device => device.problems())
  const expect = (sent: readonly Sent[]) => {
    for (const each of sent) devices.get(each.device)?.expect(each)
  }
  expect(init)
  await using rig = await startRig({
    printer: 'none',
    clock: clockWithoutRetries(),
    conf: configuration(
      name => devices.get(name)!.double.address,
      name => devices.get(name)!.plug.port,
    ),
  })
  using client = await WebClient.open(rig.url)
  await initialised(client)
  assert.deepEqual(problems(), [], 'the requests at the start')
  for (const { name, method, params, reply, changed, sent } of exchanges) {
    await t.test(name, async () => {
      expect(sent)
      const from = client.frames.length
      const { result, error } = await client.call(method, params)
      assert.deepEqual(error === undefined ? { result } : { error }, reply)
      assert.deepEqual(problems(), [])
      if (changed === undefined) return
      const notified = client.frames.slice(from).filter(frame => frame.method === 'notify_power_changed')
      assert.deepEqual(
        byDevice(notified.map(({ params: [{ device, status }] }) => [device, status])),
        byDevice(FURTHER[name] ?? changed),
      )
    })
  }
})

/** The devices of a batch work in parallel: the order of their changes is by chance, that of each device's own is not. */
function byDevice(changes: NonNullable<PowerExchange['changed']>): PowerExchange['changed'] {
  return changes.toSorted(([a], [b]) => (a === b ? 0 : a < b ? -1 : 1))
}

/** Resolves when every device has replied. */
async function initialised(client: WebClient): Promise<void> {
  for (let seen = 1; ; seen += 1) {
    const { result } = await client.call('machine.device_power.devices')
    if (result.devices.every(({ status }: { status: string }) => status !== 'init')) return
    await client.notified('notify_power_changed', seen)
  }
}
