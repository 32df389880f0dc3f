// Broker, power device and Spoolman go away and come back, again and again, while the virtual printer prints: the state is
// right soon after, nothing is subscribed twice, nothing grows, and nothing that was accepted is lost.
// KILL_ROUNDS=100 runs more rounds, on the real clock, and limits the time until the state is right.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { mqttSection, TestBroker } from '../components/mqtt/test-broker.ts'
import { HttpDouble } from '../components/power/http-double.ts'
import { FakeSpoolman } from '../components/spoolman/fake-spoolman.ts'
import { quickClock } from '../support/quick-clock.ts'
import { type Rig, startRig } from '../support/rig.ts'
import { type Frame, WebClient } from '../support/web-client.ts'

const LONG_ROUNDS = process.env.KILL_ROUNDS
const ROUNDS = Number(LONG_ROUNDS ?? 3)
/** Seconds until everything must be right again. */
const LIMIT = 5
/** Timers, sockets and requests that may differ between two rounds. */
const SPREAD = 10

/** A print of hours that extrudes all the time. */
const PRINT = [
  'G28',
  'M109 S200',
  'M83',
  'G1 X10 Z0.2 F6000',
  ...Array.from({ length: 20_000 }, (_, index) => `G1 X${index % 2 === 0 ? 110 : 10} E5 F600`),
]

class Scene implements AsyncDisposable {
  readonly broker: TestBroker
  readonly plug: HttpDouble
  readonly spoolman: FakeSpoolman
  readonly rig: Rig
  readonly client: WebClient

  private constructor(
    broker: TestBroker,
    plug: HttpDouble,
    spoolman: FakeSpoolman,
    rig: Rig,
    client: WebClient,
  ) {
    this.broker = broker
    this.plug = plug
    this.spoolman = spoolman
    this.rig = rig
    this.client = client
  }

  static async start(): Promise<Scene> {
    const [broker, plug, spoolman] = await Promise.all([
      TestBroker.start(),
      HttpDouble.start(() => ({ json: { POWER1: 'ON' } })),
      FakeSpoolman.start(),
    ])
    const rig = await startRig({
      clock: LONG_ROUNDS === undefined ? quickClock(20) : systemClock,
      speed: 100,
      conf:
        mqttSection(broker.port, 'status_objects:\n  print_stats') +
        `[power plug]\ntype: tasmota\naddress: ${plug.address}\npoll_interval: 1\n` +
        `[spoolman]\nserver: ${spoolman.url}\nsync_rate: 1\n`,
    })
    const client = await WebClient.open(rig.url)
    return new Scene(broker, plug, spoolman, rig, client)
  }

  async call(method: string, params: object = {}): Promise<Frame> {
    const { result, error } = await this.client.call(method, params)
    assert.equal(error, undefined, `${method}: ${error?.message}`)
    return result
  }

  /** Resolves when `isRight` accepts the reply to a call, which is repeated after each notification. */
  async until(method: string, params: object, isRight: (reply: Frame) => boolean): Promise<void> {
    while (!isRight(await this.call(method, params))) {
      const from = this.client.frames.length
      await this.client.find((_frame, index) => index >= from)
    }
    this.client.frames.length = 0
  }

  /** Resolves when the server has the state of a power device and of Spoolman. */
  async shows(plug: string, isConnected: boolean): Promise<void> {
    await this.until('machine.device_power.devices', {}, ({ devices }) => devices[0].status === plug)
    await this.until(
      'server.spoolman.status',
      {},
      ({ spoolman_connected }) => spoolman_connected === isConnected,
    )
  }

  async pause(): Promise<void> {
    await Promise.all([this.broker.pause(), this.plug.pause(), this.spoolman.close()])
  }

  async resume(): Promise<void> {
    await Promise.all([this.broker.resume(), this.plug.resume(), this.spoolman.listen()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    await this.rig[Symbol.asyncDispose]()
    await Promise.all([
      this.broker[Symbol.asyncDispose](),
      this.plug[Symbol.asyncDispose](),
      this.spoolman.close(),
    ])
  }
}

/** One outage. Resolves with the seconds until everything was right again. */
async function outage(scene: Scene, round: number): Promise<number> {
  const { broker } = scene
  await scene.pause()
  await scene.shows('error', false)
  const [subscribed, published] = [broker.subscribed.length, broker.published.length]
  const accepted = scene.call('server.mqtt.publish', { topic: 'kept', payload: round, qos: 1, timeout: 60 })
  const start = performance.now()
  await scene.resume()
  const requests = 'rig/moonraker/api/request'
  await broker.until(() => broker.subscribed.slice(subscribed).flat().includes(requests))
  await broker.publish(requests, JSON.stringify({ jsonrpc: '2.0', method: 'server.files.roots', id: round }))
  await broker.next('rig/moonraker/api/response', published)
  await scene.shows('on', true)
  await accepted
  const seconds = (performance.now() - start) / 1000
  const now = broker.published.slice(published)
  assert.deepEqual(
    now.filter(({ topic }) => topic === 'kept').map(({ payload }) => payload),
    [`${round}`],
  )
  assert.equal(now.filter(({ topic }) => topic === 'rig/moonraker/api/response').length, 1, 'one reply')
  const topics = broker.subscribed.slice(subscribed).flat()
  assert.equal(new Set(topics).size, topics.length, `subscribed twice: ${topics.join()}`)
  return seconds
}

test('outages during a print', async t => {
  await using scene = await Scene.start()
  writeFileSync(join(scene.rig.paths.gcodes, 'long.gcode'), PRINT.join('\n'))
  await scene.shows('on', true)
  await scene.call('server.spoolman.post_spool_id', { spool_id: 1 })
  await scene.until('server.files.list', {}, files => files.length === 1)
  await scene.call('printer.print.start', { filename: 'long.gcode' })
  await scene.spoolman.until(() => scene.spoolman.used(1) > 0)
  const times = [await outage(scene, 0)]
  const before = process.getActiveResourcesInfo().length
  for (let round = 1; round < ROUNDS; round += 1) times.push(await outage(scene, round))
  const after = process.getActiveResourcesInfo().length
  t.diagnostic(`${ROUNDS} outages, right again after ${Math.max(...times).toFixed(2)} s at most`)
  if (LONG_ROUNDS !== undefined) assert.ok(Math.max(...times) < LIMIT, times.join())
  assert.ok(after <= before + SPREAD, `${after} resources, ${before} before`)

  const { status } = await scene.call('printer.objects.query', { objects: { print_stats: null } })
  assert.equal(status.print_stats.state, 'printing')
  await scene.call('printer.print.cancel')
  const { status: end } = await scene.call('printer.objects.query', { objects: { print_stats: null } })
  const used = end.print_stats.filament_used
  await scene.spoolman.until(() => scene.spoolman.used(1) >= used - 0.01)
  await scene.until('server.spoolman.status', {}, ({ pending_reports }) => pending_reports.length === 0)
  assert.ok(
    Math.abs(scene.spoolman.used(1) - used) < 0.01,
    `${scene.spoolman.used(1)} of ${used} mm are reported`,
  )
})
