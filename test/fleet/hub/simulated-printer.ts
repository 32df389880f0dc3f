// A printer of the fleet that exists in the engine only: it writes its state, takes offers and "prints" them, by the rules
// of the contract. It records each start, so that tests can look for second ones.
import { type Authenticator, connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { certificateCheck } from '../../../src/core/certificate-names.ts'
import {
  commandSchema,
  type EventType,
  type FleetEvent,
  firstSlot,
  HEADERS,
  messageOf,
  nextSlot,
  type PrinterState,
  type Readiness,
  readMessage,
  type Slot,
  type SlotStep,
  type Stored,
  slotSchema,
  subjects,
  ulid,
  type Write,
} from '../../../src/fleet/contract/index.ts'
import { type Journal, SimulatedOutbox } from './simulated-outbox.ts'

export interface SimulatedPrinterOptions {
  readonly id: string
  readonly url: string
  /** The CA certificate of the engine, in PEM; null without TLS. */
  readonly ca: string | null
  /** Shows the engine who the printer is. */
  readonly authenticator: Authenticator
  readonly epoch: string
  /** Milliseconds that a print takes. */
  readonly printTime: number
  /** What it does with an offer. */
  readonly answer: 'accept' | 'refuse' | 'ignore'
  /** Milliseconds until it answers an offer. */
  readonly delay: number
  readonly state: Partial<PrinterState>
  /** Null for a printer whose process is not killed. */
  readonly journal: Journal | null
}

/** Milliseconds between two states without a change. */
const HEARTBEAT = 5000

const DEFAULTS = { ca: null, printTime: 20, answer: 'accept', delay: 0, state: {}, journal: null } as const

export type Options = Partial<SimulatedPrinterOptions> &
  Pick<SimulatedPrinterOptions, 'id' | 'url' | 'authenticator' | 'epoch'>

export class SimulatedPrinter {
  readonly id: string
  /** `JOB attempt` of each print that was started. */
  readonly starts: string[] = []
  /** Commands that it received. */
  readonly commands: string[] = []
  /** The time of its newest state. */
  stateAt = 0
  #options: SimulatedPrinterOptions
  #connection: NatsConnection | null = null
  #lastFence = 0
  #seq = 0
  #job: { readonly id: string; cancelled: boolean } | null = null
  readonly #boot = ulid(Date.now())
  #heartbeat: NodeJS.Timeout | undefined
  #later: NodeJS.Timeout | undefined
  #busy = false
  #again = false
  readonly #outbox: SimulatedOutbox

  constructor(options: Options) {
    this.#options = { ...DEFAULTS, ...options }
    this.id = options.id
    this.#outbox = new SimulatedOutbox(options.id, this.#options.journal)
    for (const event of this.events) if (event.type === 'job.started') this.#noteStart(event)
  }

  /** Events of its jobs, in their order. */
  get events(): readonly FleetEvent[] {
    return this.#outbox.events
  }

  /** Resolves when the engine has stored all events. */
  sent(): Promise<void> {
    return this.#outbox.sent()
  }

  /** What it does from now on. */
  set(options: Partial<SimulatedPrinterOptions>): void {
    this.#options = { ...this.#options, ...options }
    this.writeState()
  }

  get connection(): NatsConnection {
    if (this.#connection === null) throw new Error('not connected')
    return this.#connection
  }

  async start(): Promise<void> {
    const { id, url, ca, authenticator } = this.#options
    const tls = { ca: ca ?? '', checkServerIdentity: certificateCheck(url.split(',')) }
    this.#connection = await connect({
      servers: url.split(',').map(server => server.replace(/^(nats|tls):\/\//, '')),
      ...(ca !== null && { tls }),
      authenticator,
      inboxPrefix: subjects.inbox(id),
      reconnectTimeWait: 100,
      maxReconnectAttempts: -1,
    })
    this.#subscribe(this.#connection)
    void this.#follow(this.#connection)
    this.#heartbeat = setInterval(() => this.writeState(), HEARTBEAT)
    this.#outbox.use(this.#connection)
    await this.#arrive()
  }

  /** What it does after each connect: the engine may have lost its slot, and its state. */
  async #arrive(): Promise<void> {
    if ((await this.#readSlot()) === null) await this.#write(firstSlot(this.#ready))
    this.writeState()
    void this.#act()
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'reconnect') void this.#arriveAgain(connection)
    }
  }

  /** The engine may not have all of its data yet. */
  async #arriveAgain(connection: NatsConnection): Promise<void> {
    while (this.#connection === connection) {
      const isDone = await this.#arrive().then(
        () => true,
        () => false,
      )
      if (isDone) return
      await pause(500)
    }
  }

  #subscribe(connection: NatsConnection): void {
    connection.subscribe(subjects.key('fleet_slots', this.id), { callback: () => this.#hinted() })
    connection.subscribe(subjects.all, { callback: () => this.writeState() })
    connection.subscribe(subjects.commands(this.id), {
      callback: (_error, message) => {
        const reading = readMessage(commandSchema, message.data)
        if (reading.kind !== 'message') return
        const { do: name, id, if: condition } = reading.value
        this.commands.push(name)
        const isOther = condition.job !== undefined && condition.job !== this.#job?.id
        if (name === 'cancel' && !isOther && this.#job !== null) this.#job.cancelled = true
        const error = { code: 409, message: 'the job is another by now' }
        message.respond(messageOf(isOther ? { id, ok: false, error } : { id, ok: true, result: name }))
      },
    })
  }

  get #ready(): Readiness {
    return { plate: 'clear', epoch: this.#options.epoch, blocked: null }
  }

  /** Writes its newest state. */
  writeState(): void {
    if (this.#connection === null || this.#connection.isClosed()) return
    this.#seq += 1
    this.stateAt = Date.now()
    const state: PrinterState = {
      boot: this.#boot,
      seq: this.#seq,
      t: this.stateAt,
      et: null,
      next_s: 30,
      link: 'open',
      klippy: 'ready',
      sw: 'simulated',
      api: '1.5.0',
      caps: ['dispatch'],
      epoch: this.#options.epoch,
      plate: 'clear',
      slot_rev: 0,
      job: this.#job && {
        id: this.#job.id,
        file: 'part.gcode',
        state: 'printing',
        progress: 0.5,
        print_s: 1,
        left_s: 1,
        layer: null,
        layers: null,
      },
      temp: { extruder: [20, 0] },
      err: null,
      off: false,
      labels: {},
      nozzle: 0.4,
      size: [220, 220, 250],
      ...this.#options.state,
    }
    this.#connection.publish(subjects.key('fleet_state', this.id), messageOf(state))
  }

  async #readSlot(): Promise<Stored<Slot> | null> {
    const reply = await this.connection.request(subjects.directGet('fleet_slots', this.id)).catch(() => null)
    const revision = Number(reply?.headers?.get(HEADERS.revision) ?? 0)
    if (reply === null || revision === 0) return null
    const reading = readMessage(slotSchema, reply.data)
    return reading.kind === 'message' ? { value: reading.value, revision } : null
  }

  async #write({ value, expected }: Write<Slot>): Promise<number | null> {
    const guard = headers()
    guard.set(HEADERS.expectedRevision, String(expected))
    const reply = await this.connection.request(subjects.key('fleet_slots', this.id), messageOf(value), {
      headers: guard,
      timeout: 5000,
    })
    const { seq, error } = reply.json<{ seq?: number; error?: unknown }>()
    return error === undefined ? (seq ?? null) : null
  }

  async #step(stored: Stored<Slot>, step: SlotStep): Promise<Stored<Slot> | null> {
    const write = nextSlot(stored, step)
    const revision = write === null ? null : await this.#write(write)
    return revision === null || write === null ? null : { value: write.value, revision }
  }

  /** In a cluster, the first read may come from a copy that is behind. */
  #hinted(): void {
    void this.#act()
    clearTimeout(this.#later)
    this.#later = setTimeout(() => void this.#act(), 200)
  }

  /** Reads its slot, and acts on it; once more if another write came meanwhile. */
  async #act(): Promise<void> {
    if (this.#busy) {
      this.#again = true
      return
    }
    this.#busy = true
    try {
      do {
        this.#again = false
        await this.#handleOffer()
      } while (this.#again)
    } catch {
      // The connection is interrupted or closed; the next hint tries again.
    } finally {
      this.#busy = false
    }
  }

  async #handleOffer(): Promise<void> {
    const slot = await this.#readSlot()
    const { answer, delay, epoch } = this.#options
    if (answer === 'ignore') return
    // A person has moved the slot on.
    if (slot?.value.state === 'blocked') await this.#step(slot, { do: 'idle', ready: this.#ready })
    if (slot !== null && ['accepted', 'printing', 'finished'].includes(slot.value.state))
      return this.#recover(slot)
    if (slot === null || slot.value.state !== 'offered') return
    if (delay > 0) await pause(delay)
    const isStale = slot.value.epoch !== epoch || slot.revision <= this.#lastFence
    if (answer === 'refuse' || isStale) {
      await this.#step(slot, { do: 'refuse', why: isStale ? 'stale' : 'not now', ready: this.#ready })
      return
    }
    const accepted = await this.#step(slot, { do: 'accept' })
    if (accepted === null) return
    const started = this.#report('job.started', accepted.value)
    this.#noteStart(started)
    await this.#print(accepted, started)
  }

  #noteStart({ job, attempt, fence }: FleetEvent): void {
    this.starts.push(`${job} ${attempt}`)
    this.#lastFence = fence ?? 0
  }

  /** Prints until the end of a print that was started now, or by a process that was killed. */
  async #print(slot: Stored<Slot>, { t }: FleetEvent): Promise<void> {
    const running = { id: slot.value.job ?? '', cancelled: false }
    this.#job = running
    this.writeState()
    await this.#step(slot, { do: 'print' }).catch(() => null)
    while (Date.now() < t + this.#options.printTime && !running.cancelled && this.#connection !== null)
      await pause(Math.min(20, this.#options.printTime))
    this.#job = null
    this.writeState()
    const outcome = running.cancelled ? 'cancelled' : 'done'
    if (this.#eventOf('job.finished', slot.value) === undefined)
      this.#report('job.finished', slot.value, { outcome, started: true })
    await this.#finish(slot.value, outcome)
  }

  #eventOf(type: EventType, { job, attempt }: Pick<Slot, 'job' | 'attempt'>): FleetEvent | undefined {
    return this.events.find(event => event.type === type && event.job === job && event.attempt === attempt)
  }

  /** Records an event, and sends it. */
  #report(type: EventType, { job, attempt, fence }: Slot, data: FleetEvent['data'] = {}): FleetEvent {
    const t = Date.now()
    const event = { id: ulid(t), t, boot: this.#boot, type, job, attempt, fence, data }
    this.#outbox.add(event)
    return event
  }

  /** The reply to its acceptance was lost, or to what followed; or the process was killed meanwhile. */
  async #recover(slot: Stored<Slot>): Promise<void> {
    if (slot.value.state === 'finished') return this.#finish(slot.value, 'done')
    const started = this.#eventOf('job.started', slot.value)
    if (started !== undefined) return this.#print(slot, started)
    await this.#step(slot, { do: 'release', outcome: 'not_started', why: null, ready: this.#ready })
  }

  /** Writes the end of a print to the slot, again after each interruption, and takes offers again. */
  async #finish({ job, attempt }: Slot, outcome: 'cancelled' | 'done'): Promise<void> {
    while (this.#connection !== null) {
      const slot = await this.#readSlot()
      if (slot !== null && (slot.value.job !== job || slot.value.attempt !== attempt)) return
      const finished =
        slot && (await this.#step(slot, { do: 'finish', outcome, why: null }).catch(() => null))
      this.writeState()
      const ready = { do: 'idle', ready: this.#ready } as const
      if (finished && (await this.#step(finished, ready).catch(() => null))) return
      if (slot?.value.state === 'finished' && (await this.#step(slot, ready).catch(() => null))) return
      await pause(100)
    }
  }

  /** Accepts the offer in its slot; resolves with whether the engine took it. */
  async accept(): Promise<boolean> {
    const slot = await this.#readSlot()
    return slot !== null && (await this.#step(slot, { do: 'accept' })) !== null
  }

  /** Ends what it accepted, without a print. */
  async free(): Promise<void> {
    const slot = await this.#readSlot()
    if (slot !== null)
      await this.#step(slot, { do: 'release', outcome: 'not_started', why: null, ready: this.#ready })
  }

  async stop(): Promise<void> {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#later)
    this.#outbox.use(null)
    await this.#connection?.close()
    this.#connection = null
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
