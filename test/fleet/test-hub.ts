// A hub as the printer sees it, made of the functions of the contract: it offers jobs, serves files and sends commands.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import {
  type Command,
  eventSchema,
  type FleetEvent,
  HEADERS,
  messageOf,
  nextSlot,
  type Offer,
  type PrinterState,
  type Reply,
  readMessage,
  replySchema,
  type Slot,
  type SlotStep,
  type Stored,
  slotSchema,
  stateSchema,
  subjects,
  ulid,
  type Write,
} from '../../src/fleet/contract/index.ts'
import type { Schema } from '../../src/schema/index.ts'
import type { Engine, Peer } from './engine.ts'

/** The id of the engine's data in tests. */
export const EPOCH = 'epoch-1'
/** Milliseconds after which a wait for the printer fails. */
const TIMEOUT = 60_000

type Handler = (req: IncomingMessage, res: ServerResponse) => void

export class TestHub implements AsyncDisposable {
  readonly id: string
  readonly events: FleetEvent[] = []
  readonly states: PrinterState[] = []
  readonly slots: Slot[] = []
  readonly #peer: Peer
  readonly #server: Server
  readonly #files = new Map<string, Buffer>()
  readonly #waiting = new Set<() => void>()
  #foundSlots = 0
  /** Requests for files, as method, path and range. */
  readonly requests: string[] = []
  /** Replaces the reply to the next requests for files. */
  readonly replies: Handler[] = []

  private constructor(id: string, peer: Peer, server: Server) {
    this.id = id
    this.#peer = peer
    this.#server = server
    const follow = <T>(subject: string, schema: Schema<T>, all: T[]) =>
      this.connection.subscribe(subject, {
        callback: (_error, { data }) => {
          const reading = readMessage(schema, data)
          if (reading.kind === 'newer') return
          assert.equal(reading.kind, 'message', `${subject}: ${JSON.stringify(reading)}`)
          all.push(reading.value)
          for (const check of this.#waiting) check()
        },
      })
    follow(subjects.events(id), eventSchema, this.events)
    follow(subjects.key('fleet_state', id), stateSchema, this.states)
    follow(subjects.key('fleet_slots', id), slotSchema, this.slots)
  }

  static async start(engine: Engine, id: string): Promise<TestHub> {
    const server = createServer((req, res) => hub.#serve(req, res)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const hub: TestHub = new TestHub(id, await engine.hub(), server)
    await hub.connection.flush()
    return hub
  }

  get connection(): NatsConnection {
    return this.#peer.connection
  }

  /** Where files are served. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** A file that printers can fetch. */
  file(content: string, name = 'part.gcode') {
    const bytes = Buffer.from(content)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    this.#files.set(`/${sha256}`, bytes)
    return { sha256, size: bytes.length, name }
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    this.requests.push(`${req.method} ${req.url} ${req.headers.range ?? ''}`.trim())
    const handler = this.replies.shift()
    if (handler === undefined) this.#send(req, res)
    else handler(req, res)
  }

  #send(req: IncomingMessage, res: ServerResponse): void {
    const bytes = this.#files.get(req.url ?? '')
    if (bytes === undefined) return void res.writeHead(404).end()
    const from = Number(/^bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1] ?? 0)
    const etag = `"${req.url}"`
    const isRange = from > 0 && req.headers['if-range'] === etag
    res
      .writeHead(isRange ? 206 : 200, {
        ETag: etag,
        'Content-Length': bytes.length - (isRange ? from : 0),
        ...(isRange && { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
      })
      .end(bytes.subarray(isRange ? from : 0))
  }

  async slot(): Promise<Stored<Slot>> {
    const reply = await this.connection.request(subjects.directGet('fleet_slots', this.id), '', {
      timeout: TIMEOUT,
    })
    const reading = readMessage(slotSchema, reply.data)
    assert.equal(reading.kind, 'message', `${reply.headers?.code} ${JSON.stringify(reading)}`)
    return { value: reading.value, revision: Number(reply.headers?.get(HEADERS.revision)) }
  }

  write({ value, expected }: Write<Slot>): Promise<number> {
    return this.writeRaw(messageOf(value), expected)
  }

  async writeRaw(payload: string, expected: number): Promise<number> {
    const head = headers()
    head.set(HEADERS.expectedRevision, String(expected))
    const subject = subjects.key('fleet_slots', this.id)
    const reply = await this.connection.request(subject, payload, {
      headers: head,
      timeout: TIMEOUT,
    })
    const { seq } = reply.json<{ seq?: number }>()
    assert.ok(seq, reply.string())
    return seq
  }

  /** Makes a step of the slot; resolves with its revision. */
  async step(step: SlotStep): Promise<number> {
    const write = nextSlot(await this.slot(), step)
    assert.ok(write, `the slot has no step ${step.do}`)
    return this.write(write)
  }

  /** Offers a job; resolves with it. */
  async offer(
    file: Offer['file'],
    changes: Partial<Offer> = {},
  ): Promise<Offer & { readonly fence: number }> {
    const offer: Offer = {
      job: ulid(Date.now()),
      attempt: 1,
      file,
      url: `${this.url}/${file.sha256}`,
      until: Date.now() + 60_000,
      epoch: EPOCH,
      ...changes,
    }
    return { ...offer, fence: await this.step({ do: 'offer', offer }) }
  }

  /** Sends a command; resolves with the reply. */
  async command(name: string, changes: Partial<Command> = {}): Promise<Reply> {
    const now = Date.now()
    const as = { user: 'ann', role: 'operator' } as const
    const command = { id: ulid(now), do: name, args: {}, as, issued: now, expires: now + 10_000, ...changes }
    return this.raw(messageOf(command))
  }

  async raw(payload: string): Promise<Reply> {
    const reply = await this.connection.request(subjects.commands(this.id), payload, { timeout: TIMEOUT })
    const reading = readMessage(replySchema, reply.data)
    assert.equal(reading.kind, 'message', reply.string())
    return reading.value
  }

  /** Resolves with the first message in `all` that `test` accepts, now or later. */
  async until<T>(all: readonly T[], test: (value: T) => boolean, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const check = () => {
      const found = all.find(test)
      if (found !== undefined) resolve(found)
    }
    const timer = setTimeout(
      () => reject(new Error(`${what}; the last of ${all.length} is ${JSON.stringify(all.at(-1))}`)),
      TIMEOUT,
    )
    this.#waiting.add(check)
    check()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(check)
    }
  }

  event(type: string, job?: string): Promise<FleetEvent> {
    return this.until(
      this.events,
      event => event.type === type && (job === undefined || event.job === job),
      type,
    )
  }

  /** Resolves with the event with which the job ends. */
  end(job: string): Promise<FleetEvent> {
    const isEnd = (event: FleetEvent) => /^job\.(finished|failed)$/.test(event.type) && event.job === job
    return this.until(this.events, isEnd, 'the end of the job')
  }

  /** Resolves when `test` does with true, which is tried every 50 ms. */
  async polled(test: () => Promise<boolean>): Promise<void> {
    for (const start = Date.now(); !(await test()); await delay(50)) {
      assert.ok(Date.now() - start < TIMEOUT, 'in time')
    }
  }

  /** Resolves with the next slot, after the last one that was found, that has this state and passes `test`. */
  async slotIn(state: Slot['state'], test: (slot: Slot) => boolean = () => true): Promise<Slot> {
    const from = this.#foundSlots
    const isNext = (slot: Slot) => this.slots.indexOf(slot) >= from && slot.state === state && test(slot)
    const found = await this.until(this.slots, isNext, `slot ${state}`)
    this.#foundSlots = this.slots.indexOf(found) + 1
    return found
  }

  /** Whether the slot takes an offer now. */
  async isFree(): Promise<boolean> {
    return (await this.slot().catch(() => null))?.value.state === 'free'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]()
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
