// A request with quality of service 2 that the broker sends twice, because it did not see our answer, runs once.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { startRig } from '../../support/rig.ts'
import { mqttSection } from './test-broker.ts'

/** Types of packets of MQTT 3.1.1, in the upper four bits of the first byte. */
const CONNECT = 1
const PUBREC = 5
const PUBREL = 6
const PUBCOMP = 7
const SUBSCRIBE = 8

const TOPIC = 'rig/moonraker/api/request'
const packet = (first: number, ...parts: readonly Buffer[]) => {
  const body = Buffer.concat(parts)
  assert.ok(body.length < 128 * 128)
  const length =
    body.length < 128 ? [body.length] : [(body.length % 128) | 128, Math.floor(body.length / 128)]
  return Buffer.concat([Buffer.from([first, ...length]), body])
}
const number = (value: number) => Buffer.from([value >> 8, value & 255])

function publish(id: number, isDuplicate: boolean, script: string): Buffer {
  const request = { jsonrpc: '2.0', method: 'printer.gcode.script', params: { script }, id: 1 }
  const topic = Buffer.from(TOPIC)
  const text = Buffer.from(JSON.stringify(request))
  return packet(isDuplicate ? 0x3c : 0x34, number(topic.length), topic, number(id), text)
}

/** A broker that leaves the answers to requests to the test. Resolves `subscribed` after the subscriptions. */
class ScriptedBroker implements AsyncDisposable {
  readonly subscribed = Promise.withResolvers<Socket>()
  readonly #received: string[] = []
  readonly #server = createServer(socket => this.#serve(socket))
  #wake = () => {}

  static async start(): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker()
    await once(broker.#server.listen(0, '127.0.0.1'), 'listening')
    return broker
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #serve(socket: Socket): void {
    let input = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      input = Buffer.concat([input, chunk])
      for (;;) {
        const second = input[1] ?? 128
        const header = second < 128 ? 2 : 3
        const length = second < 128 ? second : (second & 127) + (input[2] ?? 127) * 128
        if (input.length < header + length) return
        this.#answer(socket, (input[0] ?? 0) >> 4, input.subarray(header, header + length))
        input = input.subarray(header + length)
      }
    })
  }

  #answer(socket: Socket, type: number, body: Buffer): void {
    if (type === CONNECT) socket.write(Buffer.from([0x20, 2, 0, 0]))
    if (type === SUBSCRIBE) {
      socket.write(packet(0x90, body.subarray(0, 2), Buffer.from([2])))
      this.subscribed.resolve(socket)
    }
    if (type !== PUBREC && type !== PUBCOMP) return
    this.#received.push(`${type === PUBREC ? 'received' : 'complete'} ${body.readUInt16BE()}`)
    this.#wake()
  }

  /** Resolves with the next acknowledgement. */
  async acknowledgement(): Promise<string> {
    while (this.#received.length === 0) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.#received.shift() as string
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    ;(await this.subscribed.promise).destroy()
  }
}

test('a request that the broker repeats runs once', async () => {
  await using broker = await ScriptedBroker.start()
  await using klippy = await FakeKlippy.start()
  await using _rig = await startRig({
    klippySocket: klippy.path,
    ready: true,
    clock: quickClock(20),
    conf: mqttSection(broker.port, 'api_qos: 2'),
  })
  const socket = await broker.subscribed.promise
  socket.write(publish(7, false, 'ONCE'))
  assert.equal(await broker.acknowledgement(), 'received 7')
  socket.write(publish(7, true, 'ONCE'))
  assert.equal(await broker.acknowledgement(), 'received 7')
  for (let times = 0; times < 2; times += 1) {
    socket.write(packet((PUBREL << 4) | 2, number(7)))
    assert.equal(await broker.acknowledgement(), 'complete 7')
  }
  // The id is free again.
  socket.write(publish(7, false, 'NEXT'))
  assert.equal(await broker.acknowledgement(), 'received 7')
  socket.write(packet((PUBREL << 4) | 2, number(7)))
  assert.equal(await broker.acknowledgement(), 'complete 7')
  await klippy.waitFor('gcode/script', 2)
  const scripts = klippy.requests.filter(({ method }) => method === 'gcode/script')
  assert.deepEqual(
    scripts.map(({ params }) => params.script),
    ['ONCE', 'NEXT'],
  )
})
