// The engine's data as the hub has it in memory: buckets, the feeds that follow them, and what starts again after an
// interruption.
import type { NatsConnection } from '@nats-io/transport-node'
import { type Clock, sleep, type Timer } from '../../../core/clock.ts'
import { messageOf as errorText, StartError } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { SerialQueue } from '../../../core/serial-queue.ts'
import {
  jobSchema,
  leaseSchema,
  messageOf,
  printerRecordSchema,
  slotSchema,
  stateSchema,
  subjects,
} from '../../contract/index.ts'
import { accessSchema, StoredAccess } from '../access/stored-access.ts'
import { JobBoard } from '../jobs/job-board.ts'
import { Directory } from '../printers/directory.ts'
import { Bucket, type WriteCounts } from './bucket.ts'
import { Feed, type FeedOptions } from './feed.ts'
import { ensureLayout, type Layout } from './layout.ts'
import { ensureMeta, type Meta } from './meta.ts'

const RETRY_SECONDS = 1
/** Seconds that the engine has to answer at the start: it may end, and start again, after it was connected. */
const OPEN_SECONDS = 60
/** Seconds by which states may be late before they are read again, and before the hub counts as not ready. */
const MAX_LAG = 5
const LAG_CHECK_SECONDS = 1
/** Seconds between two checks whether the engine still feeds this hub. */
const FEED_CHECK_SECONDS = 5

export interface StoreParts {
  readonly connection: NatsConnection
  readonly clock: Clock
  readonly log: Log
}

export class Store {
  readonly #parts: StoreParts
  readonly layout: Layout
  readonly counts: WriteCounts = { conflicts: 0 }
  readonly directory: Directory
  readonly board: JobBoard
  readonly access: StoredAccess
  readonly records
  readonly slots
  readonly lease
  readonly #feeds: readonly Pick<Feed<unknown>, 'check' | 'loaded' | 'start' | 'stop'>[]
  readonly #restarts = new SerialQueue()
  readonly #timers: Timer[] = []
  readonly #lag = new Lag()
  #meta: Meta
  #connected = true
  #stopped = false

  private constructor(parts: StoreParts, layout: Layout, meta: Meta) {
    this.#parts = parts
    this.layout = layout
    this.#meta = meta
    const { buckets } = layout
    this.records = new Bucket(buckets.fleet_printers, printerRecordSchema, this.counts)
    this.slots = new Bucket(buckets.fleet_slots, slotSchema, this.counts)
    this.lease = new Bucket(buckets.fleet_lease, leaseSchema, this.counts)
    this.directory = new Directory(parts.clock)
    this.board = new JobBoard(new Bucket(buckets.fleet_jobs, jobSchema, this.counts))
    this.access = new StoredAccess(new Bucket(buckets.fleet_users, accessSchema, this.counts))
    this.#feeds = this.#createFeeds()
  }

  /** Opens the buckets. Rejects with StartError if that does not succeed within a minute. */
  static async open(parts: StoreParts): Promise<Store> {
    const { connection, clock, log } = parts
    const until = clock.monotonic() + OPEN_SECONDS
    for (;;) {
      try {
        const layout = await ensureLayout(connection)
        return new Store(parts, layout, await ensureMeta(layout.buckets.fleet_meta))
      } catch (error) {
        if (error instanceof StartError) throw error
        const text = `the engine has no storage for the fleet: ${errorText(error)}`
        if (clock.monotonic() > until || connection.isClosed()) throw new StartError(text, { cause: error })
        log.warning(text)
      }
      await sleep(clock, RETRY_SECONDS)
    }
  }

  #createFeeds() {
    const { directory, board, access, layout } = this
    const { clock, log } = this.#parts
    const { jetstream } = layout
    const feed = <T>(options: Omit<FeedOptions<T>, 'jetstream' | 'clock' | 'log'>) =>
      new Feed({ ...options, jetstream, clock, log })
    const ofDirectory = (aspect: 'record' | 'slot' | 'state') => ({
      onStart: () => directory.started(aspect),
      onLoaded: () => directory.loaded(aspect),
    })
    return [
      feed({
        bucket: 'fleet_users',
        schema: accessSchema,
        onStart: () => access.started(),
        onChange: change => access.changed(change),
        onLoaded: () => access.loaded(),
      }),
      feed({
        bucket: 'fleet_printers',
        schema: printerRecordSchema,
        onChange: change => directory.recordChanged(change),
        ...ofDirectory('record'),
      }),
      feed({
        bucket: 'fleet_slots',
        schema: slotSchema,
        onChange: change => directory.slotChanged(change),
        ...ofDirectory('slot'),
      }),
      feed({
        bucket: 'fleet_jobs',
        schema: jobSchema,
        onStart: () => board.started(),
        onChange: change => board.changed(change),
        onLoaded: () => board.loaded(),
      }),
      feed({
        bucket: 'fleet_state',
        schema: stateSchema,
        onChange: change => {
          // Present values are old, and not late: the states of idle printers are up to a heartbeat old.
          if (!change.isPresent) this.#lag.note(clock.now() - change.at / 1000)
          directory.stateChanged(change)
        },
        ...ofDirectory('state'),
      }),
    ]
  }

  /** The id of the engine's data. */
  get epoch(): string {
    return this.#meta.epoch
  }

  /** Signs the addresses of files. */
  get urlKey(): string {
    return this.#meta.urlKey
  }

  /** Whether the connection to the engine is open. */
  get connected(): boolean {
    return this.#connected
  }

  /** Whether everything was read, and states arrive in time. */
  get ready(): boolean {
    return this.#connected && this.#feeds.every(feed => feed.loaded) && this.#lag.seconds <= MAX_LAG
  }

  /** Seconds by which the newest states were late. */
  get lag(): number {
    return this.#lag.seconds
  }

  /** Reads all values, and follows them. Resolves when all feeds run. */
  async start(): Promise<void> {
    const { connection, clock } = this.#parts
    await Promise.all(this.#feeds.map(feed => feed.start()))
    this.#announce()
    this.#timers.push(
      clock.every(LAG_CHECK_SECONDS, () => this.#checkLag()),
      clock.every(FEED_CHECK_SECONDS, () => this.#checkFeeds()),
    )
    void this.#watch(connection)
  }

  /** After each interruption the engine may be another run, without what it kept in memory. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.#connected = false
      if (type === 'reconnect') void this.#restarts.run(() => this.#restart())
    }
  }

  async #restart(): Promise<void> {
    const { connection, clock, log } = this.#parts
    try {
      await ensureLayout(connection)
      this.#meta = await ensureMeta(this.layout.buckets.fleet_meta)
      await Promise.all(this.#feeds.map(feed => feed.start()))
      this.#connected = true
      this.#announce()
      log.info('connected to the engine again')
    } catch (error) {
      if (this.#stopped || connection.isClosed()) return
      log.warning(`the engine's data cannot be read: ${errorText(error)}`)
      this.#timers.push(clock.after(RETRY_SECONDS, () => void this.#restarts.run(() => this.#restart())))
    }
  }

  /** Requests the states of all printers, which the engine keeps in memory only. */
  #announce(): void {
    this.#parts.connection.publish(subjects.all, messageOf({ do: 'announce', epoch: this.epoch }))
  }

  #checkFeeds(): void {
    if (!this.#connected) return
    for (const feed of this.#feeds) void feed.check()
  }

  /** A hub that is late reads the newest states instead of all that wait. */
  #checkLag(): void {
    if (this.#lag.seconds <= MAX_LAG) return
    this.#parts.log.warning(`states arrive ${Math.round(this.#lag.seconds)} s late: all are read again`)
    this.#lag.reset()
    void this.#feeds.at(-1)?.start()
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.stop()
    for (const feed of this.#feeds) feed.stop()
  }
}

/** How late states arrive, measured against the fastest one: the clocks of hub and engine may differ. */
class Lag {
  #fastest = Number.POSITIVE_INFINITY
  seconds = 0

  /** A state arrived `age` seconds after the engine stored it, by two clocks. */
  note(age: number): void {
    this.#fastest = Math.min(this.#fastest, age)
    this.seconds = age - this.#fastest
  }

  /** All present values follow. */
  reset(): void {
    this.seconds = 0
  }
}
