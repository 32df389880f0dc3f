// The order of events on their way to the engine: how many of them are in flight. The test is the stream that stores them.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import * as library from '@nats-io/transport-node'
import { Session } from '../../../src/components/fleet/engine/session.ts'
import { Outbox } from '../../../src/components/fleet/outbox/outbox.ts'
import { OutboxSender } from '../../../src/components/fleet/outbox/sender.ts'
import { eventSchema, subjects, ulid } from '../../../src/fleet/contract/index.ts'
import { openStorage } from '../../../src/storage/index.ts'
import { skip } from '../../fleet/engine.ts'
import { freePort } from '../../support/free-port.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { killProcess } from '../../support/kill-process.ts'
import { testLog } from '../../support/test-log.ts'

const ID = '0'.repeat(32)
const EVENTS = 5

/** An engine without streams, alone or of a cluster. */
async function startBare(kind: 'alone' | 'cluster'): Promise<{ port: number; child: ChildProcess }> {
  const port = await freePort()
  const cluster = ['--cluster_name', 'fleet', '--cluster', `nats://127.0.0.1:${await freePort()}`]
  const args = ['-a', '127.0.0.1', '-p', String(port), ...(kind === 'cluster' ? cluster : [])]
  const child = spawn('/usr/sbin/nats-server', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  for await (const line of createInterface({ input: child.stderr }))
    if (line.includes('Server is ready')) break
  child.stderr.resume()
  return { port, child }
}

/** A sender with events that wait, and the stream that receives them. */
class Sending implements AsyncDisposable {
  readonly clock = new HandClock()
  readonly #folder = mkdtempSync(join(tmpdir(), 'sender-'))
  readonly #engine: ChildProcess
  readonly #printer: library.NatsConnection
  readonly #stream: library.NatsConnection
  readonly #storage = openStorage({
    folder: this.#folder,
    backupFolder: join(this.#folder, 'backup'),
    clock: this.clock,
    warn: text => assert.fail(text),
  })
  readonly outbox = new Outbox(this.#storage)
  /** Events that have arrived and have no reply yet, and the ids of all that have arrived. */
  readonly waiting: library.Msg[] = []
  readonly arrived: string[] = []
  #notify = () => {}

  private constructor(engine: ChildProcess, printer: library.NatsConnection, stream: library.NatsConnection) {
    this.#engine = engine
    this.#printer = printer
    this.#stream = stream
  }

  static async start(kind: 'alone' | 'cluster'): Promise<Sending> {
    const { port, child } = await startBare(kind)
    const connect = () => library.connect({ servers: `127.0.0.1:${port}` })
    const made = new Sending(child, await connect(), await connect())
    await made.#start()
    return made
  }

  async #start(): Promise<void> {
    this.#stream.subscribe(subjects.events(ID), {
      callback: (_error, message) => {
        this.waiting.push(message)
        this.arrived.push(message.json<{ id: string }>().id)
        this.#notify()
      },
    })
    await this.#stream.flush()
    const sender = new OutboxSender(this.outbox, ID, { clock: this.clock, log: testLog() })
    const events = Array.from({ length: EVENTS }, (_, index) =>
      eventSchema.read({ id: ulid(index + 1), t: 1, boot: 'b', type: 'klippy.state' }, ''),
    )
    await this.outbox.add(...events)
    sender.use(new Session(this.#printer, library, this.clock))
  }

  /** Resolves when so many events have arrived, and the engine has passed on all that was sent. */
  async arrivals(count: number): Promise<number> {
    while (this.arrived.length < count) {
      await new Promise<void>(resolve => {
        this.#notify = resolve
      })
    }
    await this.#printer.flush()
    await this.#stream.flush()
    return this.arrived.length
  }

  /** Replies to the oldest event that waits for it. */
  reply(reply: object): void {
    this.waiting.shift()?.respond(JSON.stringify(reply))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#printer.close()
    await this.#stream.close()
    await killProcess(this.#engine)
    await this.#storage.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

const STORED = { stream: 'FLEET_EVENTS', seq: 1 }

test('an engine that has stored one event receives all others at once', { skip }, async () => {
  await using sending = await Sending.start('alone')
  assert.equal(await sending.arrivals(1), 1)
  sending.reply(STORED)
  assert.equal(await sending.arrivals(EVENTS), EVENTS)
})

test('a cluster receives one event after the other', { skip }, async () => {
  await using sending = await Sending.start('cluster')
  for (let count = 1; count <= EVENTS; count += 1) {
    assert.equal(await sending.arrivals(count), count)
    sending.reply(STORED)
  }
  assert.deepEqual(sending.arrived, sending.arrived.toSorted())
})

test('an event that is refused is sent again before any later one', { skip }, async () => {
  await using sending = await Sending.start('alone')
  await sending.arrivals(1)
  sending.reply({ error: { code: 503, err_code: 10_008, description: 'no leader' } })
  await sending.clock.waitFor(5)
  assert.equal(await sending.arrivals(1), 1)
  sending.clock.pass(5)
  assert.equal(await sending.arrivals(2), 2)
  assert.equal(sending.arrived[1], sending.arrived[0])
  sending.reply(STORED)
  await sending.arrivals(EVENTS + 1)
})
