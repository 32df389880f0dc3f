// LED strips: the messages that the original sent to them, and its replies to clients.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FakeWled } from '../components/wled/fake-wled.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { FakeSerialDevice, noPseudoTerminals } from '../support/fake-serial-device.ts'
import { quickClock } from '../support/quick-clock.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

/** A call of a client, or of a macro (`remote`). */
interface Call {
  readonly method?: string
  readonly remote?: string
  readonly params: Readonly<Record<string, unknown>>
  readonly sent: readonly (readonly [strip: string, message: string])[]
}

interface StripExchange extends Call {
  readonly name: string
  /** Calls that the recording lacks: they bring the strip into the state that the reply shows. */
  readonly before?: readonly Call[]
  readonly reply?: { readonly result?: Readonly<Record<string, StripState>>; readonly error?: unknown }
}

interface StripState {
  readonly status: string
  readonly preset: number
  readonly brightness: number
}

const exchanges: readonly StripExchange[] = JSON.parse(
  readFileSync(new URL('../fixtures/wled-recording.json', import.meta.url), 'utf8'),
)

/** Where the server sends other messages than the original: see docs/differences.md. */
const DIFFERENT: Readonly<Record<string, (sent: Call['sent']) => Call['sent']>> = {
  'lights.gcode.set_from_off': sent => sent.slice(1),
  'ser.gcode.set_from_off': sent => sent.slice(1),
  'ser.gcode.state_true_preset': sent => sent.toReversed(),
  'pre.gcode.set_index': () => [],
}

/** The original replied with what it had sent last; the server reads the strip. */
const READING = /\.(get|status)$/

const skip = await noPseudoTerminals()

/** A strip, as the exchanges see it. */
interface RecordedStrip extends AsyncDisposable {
  /** Resolves with the messages since the last call, once there are as many as expected. */
  received(expected: readonly string[]): Promise<string[]>
  /** From now on the strip replies with this state when it is read. */
  show?(state: StripState): void
}

function overHttp(wled: FakeWled): RecordedStrip {
  return {
    async received(expected) {
      await wled.received(expected.length)
      return wled.commands.splice(0).map(command => JSON.stringify(command))
    },
    show({ status, preset, brightness }) {
      wled.state = { on: status === 'on', ps: preset, bri: brightness }
    },
    [Symbol.asyncDispose]: () => wled[Symbol.asyncDispose](),
  }
}

function overSerial(device: FakeSerialDevice): RecordedStrip {
  return {
    async received(expected) {
      const text = expected.join('')
      const bytes = String(await device.bytes(text.length))
      return bytes === text ? [...expected] : [bytes]
    },
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  }
}

test('strips get the messages of the original, and clients its replies', { skip }, async t => {
  await using stack = new AsyncDisposableStack()
  const [lights, pre] = [stack.use(await FakeWled.start()), stack.use(await FakeWled.start())]
  const port = stack.use(await FakeSerialDevice.start())
  const klippy = stack.use(await FakeKlippy.start())
  const strips = { lights: overHttp(lights), pre: overHttp(pre), ser: overSerial(port) }
  const stripOf = (name: string) => strips[name as keyof typeof strips]
  const rig = stack.use(
    await startRig({
      klippySocket: klippy.path,
      ready: true,
      clock: quickClock(20),
      conf: `[wled lights]
type: http
address: 127.0.0.1
port: ${lights.port}
chain_count: 4
initial_red: 0.5
initial_green: 0.4
initial_blue: 0.3
initial_white: 0.2
[wled pre]
type: http
address: 127.0.0.1
port: ${pre.port}
initial_preset: 3
[wled ser]
type: serial
serial: ${port.path}
chain_count: 2
`,
    }),
  )
  using client = await WebClient.open(rig.url)
  const expectSent = async (sent: Call['sent']) => {
    for (const [name, strip] of Object.entries(strips)) {
      const expected = sent.filter(([to]) => to === name).map(([, message]) => message)
      assert.deepEqual(await strip.received(expected), expected)
    }
  }
  const colour = (count: number, leds: string) =>
    `{"on":true,"tt":0,"bri":255,"seg":{"bri":255,"i":[0,${count},[${leds}]]}}`
  await expectSent([
    ['lights', '{"v":true}'],
    ['lights', colour(4, '128,102,77,51')],
    ['pre', '{"v":true}'],
    ['pre', '{"on":true,"ps":3}'],
    ['ser', '{"v":true}'],
    ['ser', colour(2, '128,128,128,128')],
  ])
  const run = async ({ method, remote, params }: Call) => {
    if (remote !== undefined) return klippy.call(remote, params)
    return client.call(method as string, params)
  }
  for (const { before = [], name, reply, sent, ...call } of exchanges) {
    await t.test(name, async () => {
      for (const each of before) {
        await run(each)
        await expectSent(each.sent)
      }
      const isRead = READING.test(name)
      const [strip, state] = Object.entries(reply?.result ?? {})[0] ?? []
      if (isRead && strip !== undefined && state !== undefined) stripOf(strip).show?.(state)
      const { result, error } = (await run({ ...call, sent })) ?? {}
      if (reply !== undefined) assert.deepEqual(error === undefined ? { result } : { error }, reply)
      const isSerialRead = isRead && strip === 'ser'
      await expectSent(isSerialRead ? [['ser', '{"v":true}']] : (DIFFERENT[name]?.(sent) ?? sent))
    })
  }
})
