// [wled NAME] of type serial: the bytes that a controller receives on its serial port, and what it replies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { FakeSerialDevice, noPseudoTerminals } from '../../support/fake-serial-device.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'

const skip = await noPseudoTerminals()
const STATE_REQUEST = '{"v":true}'
const INITIAL = '{"on":true,"tt":0,"bri":255,"seg":{"bri":255,"i":[0,2,[128,128,128,128]]}}'

class Scene implements AsyncDisposable {
  readonly device: FakeSerialDevice
  readonly klippy: FakeKlippy
  readonly rig: Rig
  readonly client: WebClient

  private constructor(device: FakeSerialDevice, klippy: FakeKlippy, rig: Rig, client: WebClient) {
    this.device = device
    this.klippy = klippy
    this.rig = rig
    this.client = client
  }

  /** `reply` is what the controller sends whenever its state is requested; '' for nothing. */
  static async start(reply: string, prepare: (device: FakeSerialDevice) => void = () => {}): Promise<Scene> {
    const [device, klippy] = await Promise.all([FakeSerialDevice.start(), FakeKlippy.start()])
    device.onData(bytes => {
      if (bytes.includes(STATE_REQUEST)) device.send(reply)
    })
    prepare(device)
    const rig = await startRig({
      klippySocket: klippy.path,
      ready: true,
      clock: quickClock(20),
      conf: `[wled desk]\ntype: serial\nserial: ${device.path}\nchain_count: 2\nbaud: 500000\n`,
    })
    return new Scene(device, klippy, rig, await WebClient.open(rig.url))
  }

  /** What the controller receives next. */
  async received(text: string): Promise<void> {
    assert.equal(String(await this.device.bytes(text.length)), text)
  }

  call(method: string, params: Record<string, unknown> = {}): Promise<Frame> {
    return this.client.call(`machine.wled.${method}`, { strip: 'desk', ...params })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    await this.rig[Symbol.asyncDispose]()
    await this.device[Symbol.asyncDispose]()
    await this.klippy[Symbol.asyncDispose]()
  }
}

test('a strip on a serial port takes commands in their order, and is read', { skip }, async () => {
  const state = { on: true, bri: 9, ps: 4, seg: [{ ix: 5, sx: 6 }] }
  await using scene = await Scene.start(
    `Ada\n{"x":\n[]\n${JSON.stringify({ state, info: { ver: '0.15' } })}\n`,
  )
  await scene.received(STATE_REQUEST + INITIAL)
  assert.equal(scene.device.baud, 500_000)
  const { result } = await scene.call('post_strip', { action: 'on', preset: 3, brightness: 50 })
  assert.deepEqual([result.desk.preset, result.desk.brightness], [3, 50])
  await scene.received('{"on":true,"ps":3}{"tt":0,"seg":{"bri":50},"bri":50}')
  scene.klippy.call('set_wled', { strip: 'desk', red: 1 })
  await scene.received('{"on":true,"tt":0,"bri":255,"seg":{"bri":255,"i":[0,2,[255,0,0,0]]}}')
  assert.deepEqual((await scene.call('get_strip')).result.desk, {
    strip: 'desk',
    status: 'on',
    chain_count: 2,
    preset: 4,
    brightness: 9,
    intensity: 5,
    speed: 6,
    error: null,
  })
})

test('a controller that never replies takes commands', { skip }, async () => {
  await using scene = await Scene.start('')
  await scene.received(STATE_REQUEST + INITIAL)
  const { result } = await scene.call('get_strip')
  assert.deepEqual([result.desk.status, result.desk.error], ['on', null])
})

test('a controller that was unplugged is an error, until it is back', { skip }, async () => {
  await using scene = await Scene.start('{"state":{"on":true}}\n')
  await scene.received(STATE_REQUEST + INITIAL)
  scene.device.unplug()
  let error: Frame
  do ({ error } = await scene.call('post_strip', { action: 'off' }))
  while (error === undefined)
  assert.equal(error.code, 502)
  assert.match(error.message, /^Strip desk: .* (was closed|does not exist)/)
  scene.device.plugIn()
  do ({ error } = await scene.call('post_strip', { action: 'off' }))
  while (error !== undefined)
  await scene.received('{"on":false}')
})

test('a controller that stops replying is an error', { skip }, async () => {
  await using scene = await Scene.start('{"state":{"on":true}}\n')
  await scene.received(STATE_REQUEST + INITIAL)
  scene.device.onData(() => {})
  assert.equal((await scene.call('get_strip')).error.message, 'Strip desk: does not reply')
  assert.equal((await scene.call('strips')).result.strips.desk.error, 'does not reply')
})

test('a controller that is plugged in later gets the initial state', { skip }, async () => {
  await using scene = await Scene.start('', device => device.unplug())
  scene.device.plugIn()
  await scene.received(STATE_REQUEST + INITIAL)
})
