// Against the MQTT 3.1.1 listener of nats-server, a broker with an implementation of its own.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { connectAsync, type MqttClient } from 'mqtt'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { freePort } from '../../support/free-port.ts'
import { killProcess } from '../../support/kill-process.ts'
import { absent, programPath } from '../../support/program.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { mqttSection } from './test-broker.ts'

const PROGRAM = programPath('nats-server') ?? ''
const skip = absent('nats-server')

class NatsServer implements AsyncDisposable {
  readonly port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'nats-'))
  #process: ChildProcess | null = null

  private constructor(port: number) {
    this.port = port
  }

  static async start(): Promise<NatsServer> {
    const broker = new NatsServer(await freePort())
    // Its MQTT stores messages by its JetStream.
    const lines = [
      'listen: 127.0.0.1:-1',
      'server_name: rig',
      `jetstream { store_dir: "${broker.#folder}" }`,
      `mqtt { listen: 127.0.0.1:${broker.port} }`,
    ]
    writeFileSync(join(broker.#folder, 'nats.conf'), lines.join('\n'))
    await broker.run()
    return broker
  }

  /** Resolves when it accepts connections. */
  async run(): Promise<void> {
    const child = spawn(PROGRAM, ['-c', join(this.#folder, 'nats.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.includes('Server is ready')) break
    }
    child.stderr.resume()
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    await killProcess(child)
  }

  /** A client of the broker that subscribes to `topic`, and the messages that it gets. */
  async judge(topic: string): Promise<Judge> {
    const client = await connectAsync(`mqtt://127.0.0.1:${this.port}`, { protocolVersion: 4 })
    const judge = new Judge(client)
    await client.subscribeAsync(topic, { qos: 1 })
    return judge
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

class Judge implements AsyncDisposable {
  readonly client: MqttClient
  readonly #messages: string[] = []
  #wake = () => {}

  constructor(client: MqttClient) {
    this.client = client
    client.on('message', (_topic, payload) => {
      this.#messages.push(payload.toString())
      this.#wake()
    })
  }

  /** Resolves with the next message that `isWanted` accepts. */
  async message(isWanted: (text: string) => boolean = () => true): Promise<string> {
    for (;;) {
      const text = this.#messages.shift()
      if (text !== undefined && isWanted(text)) return text
      if (text !== undefined) continue
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync(true)
  }
}

/** Sends a request until it is replied: the server may subscribe later than `replies`. */
async function reply(replies: Judge, id: number): Promise<string> {
  const request = JSON.stringify({ jsonrpc: '2.0', method: 'server.files.roots', id })
  const send = () => void replies.client.publishAsync('rig/moonraker/api/request', request, { qos: 1 })
  const timer = setInterval(send, 50)
  try {
    return await replies.message()
  } finally {
    clearInterval(timer)
  }
}

for (const qos of [0, 1]) {
  test(`requests, status and single messages with quality of service ${qos}`, { skip }, async () => {
    await using broker = await NatsServer.start()
    await using klippy = await FakeKlippy.start()
    await using rig = await startRig({
      klippySocket: klippy.path,
      ready: true,
      conf: mqttSection(broker.port, `default_qos: ${qos}\nstatus_objects:\n  toolhead`),
    })
    await using online = await broker.judge('rig/moonraker/status')
    assert.equal(await online.message(), '{"server":"online"}')
    await using replies = await broker.judge('rig/moonraker/api/response')
    assert.equal(JSON.parse(await reply(replies, 7)).id, 7)
    await using status = await broker.judge('rig/klipper/status')
    klippy.push('toolhead', { homed_axes: 'xyz' })
    const text = await status.message(each => each.includes('homed_axes'))
    assert.deepEqual(JSON.parse(text).status, { toolhead: { homed_axes: 'xyz' } })
    using client = await WebClient.open(rig.url)
    await using single = await broker.judge('some/topic')
    const waits = client.call('server.mqtt.subscribe', { topic: 'other/topic' })
    assert.deepEqual(
      (await client.call('server.mqtt.publish', { topic: 'some/topic', payload: { a: 1 }, qos })).result,
      {
        topic: 'some/topic',
      },
    )
    assert.equal(await single.message(), '{"a":1}')
    await single.client.publishAsync('other/topic', '[2]', { qos: 1, retain: true })
    assert.deepEqual((await waits).result, { topic: 'other/topic', payload: [2] })
  })
}

test('the server connects again after the broker was killed', { skip }, async () => {
  await using broker = await NatsServer.start()
  await using _rig = await startRig({
    printer: 'none',
    conf: mqttSection(broker.port),
    clock: quickClock(20),
  })
  for (let times = 0; times < 2; times += 1) {
    {
      await using online = await broker.judge('rig/moonraker/status')
      assert.equal(await online.message(text => text.includes('online')), '{"server":"online"}')
      await using replies = await broker.judge('rig/moonraker/api/response')
      assert.equal(JSON.parse(await reply(replies, times)).id, times)
    }
    await broker.kill()
    await broker.run()
  }
})
