// What the printer itself knows of its fleet and must not forget: the job that it holds, the last fence, maintenance.
import type { FleetEvent, JobFile, Outcome } from '../../fleet/contract/index.ts'
import type { Sqlite, Storage, TableDefinition } from '../../storage/index.ts'
import type { Outbox } from './outbox/outbox.ts'

const TABLE: TableDefinition = {
  name: 'fleet_facts',
  version: 1,
  columns: [
    ['name', 'TEXT', 'PRIMARY KEY NOT NULL'],
    ['value', 'TEXT', 'NOT NULL'],
  ],
}

/**
 * How far a job is. Each phase is durable before the act that follows it:
 * `accepting` before the slot is written, `accepted` before the file is fetched, `starting` before Klippy receives the
 * print, `printing` when it has started, `ended` until the slot is written.
 */
export type Phase = 'accepting' | 'accepted' | 'starting' | 'printing' | 'ended'

/** The job of the fleet that the printer holds. */
export interface HeldJob {
  readonly job: string
  readonly attempt: number
  readonly fence: number
  readonly file: JobFile
  readonly url: string
  readonly phase: Phase
  /** Below the gcodes root; null until the file was fetched. */
  readonly path: string | null
  /** Klippy before the start: its process, and the file that it had loaded. */
  readonly before: { readonly process: number | null; readonly filename: string } | null
  readonly end: {
    readonly outcome: Outcome
    readonly why: string | null
    /** Whether the plate may have something on it. */
    readonly started: boolean
  } | null
  /** A person has moved the slot on: the printer only finishes what it prints. */
  readonly isAbandoned: boolean
}

/** The values. */
export interface FactValues {
  readonly held: HeldJob | null
  /** The last fence, and the epoch in which it was one. */
  readonly fence: { readonly epoch: string; readonly last: number }
  readonly maintenance: boolean
}

const NONE: FactValues = { held: null, fence: { epoch: '', last: 0 }, maintenance: false }

export class Facts {
  readonly #db: Sqlite
  readonly #outbox: Outbox
  #values: FactValues = NONE

  constructor(storage: Storage, outbox: Outbox) {
    this.#db = storage.db
    this.#outbox = outbox
    storage.table(TABLE)
    for (const { name, value } of this.#db.all(`SELECT name, value FROM ${TABLE.name}`)) {
      this.#values = { ...this.#values, [String(name)]: JSON.parse(String(value)) }
    }
  }

  get held(): HeldJob | null {
    return this.#values.held
  }

  get maintenance(): boolean {
    return this.#values.maintenance
  }

  /** The last fence of this epoch; 0 before the first one. */
  lastFence(epoch: string): number {
    const { fence } = this.#values
    return fence.epoch === epoch ? fence.last : 0
  }

  /**
   * Stores values and events in the transaction of this tick. The values count at once, and are durable when the promise
   * resolves. Rejects with ApiError when nothing can be written; then the values are as before.
   */
  async write(changes: Partial<FactValues>, events: readonly FleetEvent[] = []): Promise<void> {
    const before = this.#values
    this.#values = { ...before, ...changes }
    try {
      await this.#db.write(db => {
        for (const [name, value] of Object.entries(changes)) {
          db.run(
            `INSERT INTO ${TABLE.name} (name, value) VALUES (?, ?)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
            name,
            JSON.stringify(value),
          )
        }
        this.#outbox.insert(db, events)
      })
    } catch (error) {
      this.#values = before
      throw error
    }
  }

  /** Changes the job that is held, if it still is this one. */
  async change(
    held: HeldJob,
    changes: Partial<HeldJob>,
    events: readonly FleetEvent[] = [],
  ): Promise<boolean> {
    if (this.held?.fence !== held.fence) return false
    await this.write({ held: { ...this.held, ...changes } }, events)
    return true
  }
}
