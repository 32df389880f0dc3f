// [wled NAME]: the messages that strips receive, the states that clients see, and strips that fail.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { CERTIFICATE, KEY } from '../../transports/http/certificate.ts'
import { FakeWled } from './fake-wled.ts'

const INITIAL = { on: true, tt: 0, bri: 255, seg: { bri: 255, i: [0, 4, [128, 102, 77, 51]] } }
const LIGHTS = { strip: 'lights', chain_count: 4, error: null }
const COLOUR = { ...LIGHTS, status: 'on', preset: -1, brightness: 255, intensity: -1, speed: -1 }

/** A server with the strips `lights`, which shows a colour, and `pre`, which shows preset 3. */
class Scene implements AsyncDisposable {
  readonly lights: FakeWled
  readonly pre: FakeWled
  readonly klippy: FakeKlippy
  readonly rig: Rig
  readonly client: WebClient

  private constructor(lights: FakeWled, pre: FakeWled, klippy: FakeKlippy, rig: Rig, client: WebClient) {
    this.lights = lights
    this.pre = pre
    this.klippy = klippy
    this.rig = rig
    this.client = client
  }

  /** `timeout` is that of an attempt, in seconds. */
  static async start(
    prepare: (lights: FakeWled, pre: FakeWled) => void = () => {},
    timeout = 2,
  ): Promise<Scene> {
    const [lights, pre, klippy] = await Promise.all([FakeWled.start(), FakeWled.start(), FakeKlippy.start()])
    prepare(lights, pre)
    const rig = await startRig({
      klippySocket: klippy.path,
      ready: true,
      clock: quickClock(),
      conf:
        `[wled lights]\ntype: http\naddress: 127.0.0.1\nport: ${lights.port}\nchain_count: 4\ntimeout: ${timeout}\n` +
        'initial_red: 0.5\ninitial_green: 0.4\ninitial_blue: 0.3\ninitial_white: 0.2\n' +
        `[wled pre]\ntype: http\naddress: 127.0.0.1\nport: ${pre.port}\ninitial_preset: 3\n`,
    })
    const client = await WebClient.open(rig.url)
    const scene = new Scene(lights, pre, klippy, rig, client)
    for (const wled of [lights, pre]) if (wled.failure === null) await wled.received(2)
    return scene
  }

  async call(method: string, params: Record<string, unknown> = {}): Promise<Frame> {
    return this.client.call(`machine.wled.${method}`, params)
  }

  /** Changes the strip `lights`; returns its state. */
  async change(params: Record<string, unknown>): Promise<Frame> {
    return (await this.call('post_strip', { strip: 'lights', ...params })).result.lights
  }

  /** The commands that `lights` received since the last call. */
  commands(): unknown[] {
    return this.lights.commands.splice(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    await this.rig[Symbol.asyncDispose]()
    await Promise.all([this.lights.close(), this.pre.close()])
    await this.klippy[Symbol.asyncDispose]()
  }
}

test('strips get their initial state when the server starts', async () => {
  await using scene = await Scene.start()
  assert.deepEqual(scene.commands(), [{ v: true }, INITIAL])
  assert.deepEqual(scene.pre.commands, [{ v: true }, { on: true, ps: 3 }])
  const { result } = await scene.call('strips')
  assert.deepEqual(result.strips.lights, COLOUR)
  assert.deepEqual(Object.keys(result.strips), ['lights', 'pre'])
  assert.equal(result.strips.pre.preset, 3)
})

test('switches one strip, with presets and looks', async () => {
  await using scene = await Scene.start()
  scene.commands()
  const unknown = { brightness: -1, intensity: -1, speed: -1 }
  assert.deepEqual(await scene.change({ action: 'OFF' }), { ...COLOUR, status: 'off' })
  assert.deepEqual(await scene.change({ action: 'control', brightness: 50 }), { ...COLOUR, status: 'off' })
  assert.deepEqual(await scene.change({ action: 'toggle', preset: 5 }), { ...COLOUR, preset: 5, ...unknown })
  const look = { brightness: 99, intensity: 10, speed: 20 }
  assert.deepEqual(await scene.change({ action: 'on', preset: 4, ...look }), {
    ...COLOUR,
    preset: 4,
    ...look,
  })
  const tooMuch = { brightness: 300, intensity: 300, speed: -2 }
  assert.deepEqual(await scene.change({ action: 'control', ...tooMuch }), { ...COLOUR, preset: 4, ...look })
  assert.equal((await scene.change({ action: 'control', brightness: 0, intensity: 7 })).intensity, 7)
  assert.deepEqual(await scene.change({ action: 'on' }), COLOUR)
  assert.deepEqual(await scene.change({ action: 'control', brightness: 77, intensity: 5 }), {
    ...COLOUR,
    brightness: 77,
  })
  assert.equal((await scene.change({ action: 'toggle' })).status, 'off')
  assert.deepEqual(scene.commands(), [
    { on: false },
    { on: true, ps: 5 },
    { on: true, ps: 4 },
    { tt: 0, seg: { bri: 99, ix: 10, sx: 20 }, bri: 99 },
    { tt: 0, seg: { ix: 7 } },
    INITIAL,
    { tt: 0, bri: 77 },
    { on: false },
  ])
})

test('switches several strips, and notifies of each change', async () => {
  await using scene = await Scene.start()
  const { result } = await scene.call('off', { lights: null, pre: null, zz: null })
  assert.equal(result.lights.status, 'off')
  assert.equal(result.pre.status, 'off')
  assert.deepEqual(result.zz, { error: 'strip_not_found' })
  assert.equal((await scene.call('toggle', { lights: null })).result.lights.status, 'on')
  assert.equal((await scene.call('on', { lights: null })).result.lights.status, 'on')
  const changes = scene.client.frames
    .filter(({ method, params }) => method === 'notify_wled_changed' && params[0].strip === 'lights')
    .map(({ params }) => params[0].status)
  assert.deepEqual(changes.slice(-2), ['off', 'on'])
})

test('refuses unknown strips and actions', async () => {
  await using scene = await Scene.start()
  const messageOf = async (method: string, params: Record<string, unknown>) =>
    (await scene.call(method, params)).error
  assert.deepEqual(await messageOf('get_strip', { strip: 'zz' }), {
    code: 400,
    message: 'No valid strip named zz',
  })
  assert.deepEqual(await messageOf('post_strip', { strip: 'lights', action: 'blink' }), {
    code: 400,
    message: "Invalid requested action 'blink'",
  })
  assert.deepEqual(await messageOf('status', {}), { code: 400, message: 'No arguments provided' })
})

test('reads what another client of the strip changed', async () => {
  await using scene = await Scene.start()
  scene.lights.state = { on: true, bri: 10, ps: 7, seg: [{ ix: 11, sx: 12 }] }
  const read = { ...LIGHTS, status: 'on', preset: 7, brightness: 10, intensity: 11, speed: 12 }
  assert.deepEqual((await scene.call('get_strip', { strip: 'lights' })).result.lights, read)
  scene.lights.state = { on: 'what', seg: null }
  assert.deepEqual((await scene.call('status', { lights: null })).result.lights, {
    ...read,
    status: 'off',
    preset: -1,
  })
})

test('macros switch and colour strips', async () => {
  await using scene = await Scene.start()
  scene.commands()
  const macro = async (method: string, params: Record<string, unknown>, count: number) => {
    scene.klippy.call(method, { strip: 'lights', ...params })
    await scene.lights.received(count)
    return scene.commands()
  }
  const pixels = (i: unknown) => ({ on: true, tt: 0, bri: 255, seg: { bri: 255, i } })
  const all = [255, 128, 64, 26]
  const colour = { red: 1, green: 0.5, blue: 0.25, white: 0.1 }
  assert.deepEqual(await macro('set_wled', colour, 1), [pixels([0, 4, all])])
  assert.deepEqual(await macro('set_wled', { red: 0.2, index: 2 }, 1), [pixels([1, [51, 0, 0, 0]])])
  await macro('set_wled', { green: 1, index: 1, transmit: 0 }, 0)
  const list = [[0, 255, 0, 0], [0, 0, 255, 0], all, all]
  assert.deepEqual(await macro('set_wled', { blue: 1, index: 2 }, 1), [pixels(list)])
  assert.deepEqual(await macro('set_wled_state', { state: 'off' }, 1), [{ on: false }])
  const red = [[255, 0, 0, 0], [0, 0, 255, 0], all, all]
  assert.deepEqual(await macro('set_wled', { red: 1, index: 1 }, 1), [pixels(red)])
  assert.deepEqual(await macro('set_wled_state', { state: true, preset: 1, brightness: 200 }, 2), [
    { on: true, ps: 1 },
    { tt: 0, seg: { bri: 200 }, bri: 200 },
  ])
  assert.deepEqual(await macro('set_wled_state', { preset: 6 }, 1), [{ on: true, ps: 6 }])
  for (const params of [{}, { state: 'what' }, { strip: 'zz', state: 'on' }]) {
    scene.klippy.call('set_wled_state', { strip: 'lights', ...params })
  }
  for (const index of [0, 5]) scene.klippy.call('set_wled', { strip: 'lights', index })
  assert.deepEqual(await macro('set_wled_state', { speed: 33 }, 1), [{ tt: 0, seg: { sx: 33 } }])
  assert.ok(scene.rig.log.some(line => line.includes("no strip named 'zz'")))
  assert.ok(scene.rig.log.some(line => line.includes('has the LEDs 1 to 4, not 5')))
})

for (const [title, failure] of [
  ['hangs', 'hang'],
  ['ends the connection', 'drop'],
  ['returns an error', { status: 500, body: 'x' }],
  ['returns text', { status: 200, body: 'x' }],
  ['refuses', { status: 200, body: '{"error":1}' }],
  ['returns a list', { status: 200, body: '[]' }],
  ['returns 10 MB', { status: 200, body: ' '.repeat(10_000_000) }],
] as const) {
  test(`a strip that ${title} is an error, and affects no other strip`, async () => {
    await using scene = await Scene.start(undefined, failure === 'hang' ? 0.2 : 2)
    scene.commands()
    scene.lights.failure = failure
    const { result } = await scene.call('off', { lights: null, pre: null })
    assert.equal(result.pre.status, 'off')
    assert.equal(result.pre.error, null)
    assert.equal(result.lights.status, 'on')
    assert.equal(typeof result.lights.error, 'string')
    assert.equal(scene.commands().length, 3)
    const { error } = await scene.call('post_strip', { strip: 'lights', action: 'off' })
    assert.equal(error.code, 502)
    assert.match(error.message, /^Strip lights: /)
    assert.equal((await scene.call('strips')).result.strips.lights.error, error.message.slice(14))
    scene.lights.failure = null
    assert.deepEqual(await scene.change({ action: 'off' }), { ...COLOUR, status: 'off' })
  })
}

test('a strip that cannot be reached at the start gets its initial state later', async () => {
  await using scene = await Scene.start(lights => {
    lights.failure = 'drop'
  })
  await scene.lights.received(3)
  assert.equal((await scene.call('strips')).result.strips.lights.status, 'off')
  scene.lights.failure = null
  scene.commands()
  await scene.client.find(
    ({ method, params }) =>
      method === 'notify_wled_changed' && params[0].status === 'on' && params[0].strip === 'lights',
  )
  assert.deepEqual(scene.commands().at(-1), INITIAL)
})

test('a strip that a user has switched is not set to its initial state', async () => {
  await using scene = await Scene.start((lights, pre) => {
    lights.failure = 'drop'
    pre.failure = 'drop'
  })
  await Promise.all([scene.lights.received(3), scene.pre.received(3)])
  scene.lights.failure = null
  scene.pre.failure = null
  assert.equal((await scene.change({ action: 'on', preset: 9 })).preset, 9)
  // The other strip is set to its initial state at the same time.
  await scene.client.find(
    ({ method, params }) =>
      method === 'notify_wled_changed' && params[0].strip === 'pre' && params[0].status === 'on',
  )
  await scene.call('status', { lights: null })
  assert.deepEqual(scene.commands().at(-1), { on: true, ps: 9 })
})

test('a strip over HTTPS needs a valid certificate', async () => {
  let requests = 0
  const server = createServer({ cert: CERTIFICATE, key: KEY }, (_request, response) => {
    requests += 1
    response.end('{"success":true}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await using rig = await startRig({
    printer: 'none',
    clock: quickClock(),
    conf: `[wled case]\ntype: http\nprotocol: https\naddress: localhost\nport: ${port}\n`,
  })
  using client = await WebClient.open(rig.url)
  const { error } = await client.call('machine.wled.post_strip', { strip: 'case', action: 'on' })
  assert.match(error.message, /^Strip case: .*self-signed certificate/)
  assert.equal(requests, 0)
  server.close()
})

test('a section that cannot be used is left out, with a warning', async () => {
  const conf =
    '[wled bad]\ntype: parallel\n[wled no]\ntype: http\n[wled old]\ntype: http\naddress: 127.0.0.1\nport: 1\ncolor_order: GRB\n' +
    '[wled light]\ntype: http\naddress: a\ninitial_red: 1.5\n[wled long]\ntype: http\naddress: a\nchain_count: 0\n' +
    '[wled slow]\ntype: http\naddress: a\ntimeout: 0\n[wled plain]\ntype: http\naddress: a\nprotocol: ftp\n' +
    '[wled number]\ntype: http\naddress: a\nport: 70000\n[wled preset]\ntype: http\naddress: a\ninitial_preset: -2\n'
  await using rig = await startRig({ printer: 'none', conf })
  using client = await WebClient.open(rig.url)
  const { result } = await client.call('machine.wled.strips')
  assert.deepEqual(Object.keys(result.strips), ['old'])
  const { warnings } = (await client.call('server.info')).result
  for (const word of [
    '[wled bad]',
    '[wled no]',
    'color_order',
    '"initial_red: 1.5"',
    '"chain_count: 0"',
    '"timeout: 0"',
    '"protocol: ftp"',
    '"port: 70000"',
    '"initial_preset: -2"',
  ]) {
    assert.ok(
      warnings.some((text: string) => text.includes(word)),
      `${word}: ${warnings.join('\n')}`,
    )
  }
})
