// Events that the engine has not acknowledged: stored in the transaction of what they report, and sent in order.
import { type FleetEvent, isJobEvent, messageOf } from '../../../fleet/contract/index.ts'
import type { Reader, Sqlite, Storage, TableDefinition, Writer } from '../../../storage/index.ts'

/** Events that may wait. Beyond that the oldest telemetry is dropped; events of jobs never are. */
const MAX_EVENTS = 100_000

const TABLE: TableDefinition = {
  name: 'fleet_outbox',
  version: 1,
  columns: [
    ['seq', 'INTEGER', 'PRIMARY KEY AUTOINCREMENT'],
    ['id', 'TEXT', 'NOT NULL'],
    ['job', 'TEXT'],
    ['is_telemetry', 'INTEGER', 'NOT NULL'],
    ['payload', 'TEXT', 'NOT NULL'],
  ],
  indexes: [
    'CREATE INDEX IF NOT EXISTS fleet_outbox_telemetry ON fleet_outbox (seq) WHERE is_telemetry = 1',
    'CREATE INDEX IF NOT EXISTS fleet_outbox_job ON fleet_outbox (job) WHERE job IS NOT NULL',
  ],
}

/** An event that waits. */
export interface OutboxRow {
  readonly seq: number
  readonly id: string
  readonly payload: string
}

export class Outbox {
  readonly #db: Sqlite
  readonly #maxEvents: number
  /** Called when an event was stored. */
  onStored: () => void = () => {}

  constructor(storage: Storage, maxEvents = MAX_EVENTS) {
    this.#db = storage.db
    this.#maxEvents = maxEvents
    storage.table(TABLE)
  }

  /** Events that wait. */
  get length(): number {
    return lengthOf(this.#db)
  }

  /** Stores events in the transaction of `db`. */
  insert(db: Writer, events: readonly FleetEvent[]): void {
    let length = events.length === 0 ? 0 : lengthOf(db)
    for (const event of events) {
      const isTelemetry = isJobEvent(event.type) ? 0 : 1
      if (length >= this.#maxEvents) length -= dropTelemetry(db)
      db.run(
        `INSERT INTO ${TABLE.name} (id, job, is_telemetry, payload) VALUES (?, ?, ?, ?)`,
        event.id,
        event.job,
        isTelemetry,
        messageOf(event),
      )
      length += 1
    }
    if (events.length > 0) setImmediate(() => this.onStored())
  }

  /** Stores events in the transaction of this tick. */
  async add(...events: FleetEvent[]): Promise<void> {
    await this.#db.write(db => this.insert(db, events))
  }

  /** The oldest events after `seq`. */
  after(seq: number, limit: number): OutboxRow[] {
    const rows = this.#db.all(
      `SELECT seq, id, payload FROM ${TABLE.name} WHERE seq > ? ORDER BY seq LIMIT ?`,
      seq,
      limit,
    )
    return rows.map(row => ({ seq: Number(row.seq), id: String(row.id), payload: String(row.payload) }))
  }

  /** The engine has stored an event. */
  async remove(seq: number): Promise<void> {
    await this.#db.write(db => db.run(`DELETE FROM ${TABLE.name} WHERE seq = ?`, seq))
  }

  /** Whether an event of this job waits. */
  hasEventsOf(job: string): boolean {
    return this.#db.get(`SELECT 1 FROM ${TABLE.name} WHERE job = ? LIMIT 1`, job) !== undefined
  }
}

function lengthOf(db: Reader): number {
  return Number(db.get(`SELECT count(*) AS n FROM ${TABLE.name}`)?.n)
}

/** Returns how many events were dropped. */
function dropTelemetry(db: Writer): number {
  const oldest = `SELECT min(seq) FROM ${TABLE.name} WHERE is_telemetry = 1`
  return db.run(`DELETE FROM ${TABLE.name} WHERE seq = (${oldest})`).changes
}
