// The stored queue: a row for each job, and one record for the state that survives a restart.
import { isPlainObject } from '../../schema/index.ts'
import type { Storage, TableDefinition, Writer } from '../../storage/index.ts'

/** A queued job. */
export interface QueuedJob {
  /** Sixteen hexadecimal digits. */
  readonly id: string
  /** Jobs are ordered by it; the numbers themselves mean nothing. */
  readonly position: number
  /** Below the gcodes root. */
  readonly filename: string
  /** The user who queued it; null for the server itself. */
  readonly user: string | null
  readonly note: string | null
  /** Seconds since the epoch. */
  readonly timeAdded: number
}

/** The state that survives a restart. */
export interface QueueFacts {
  /** The next job starts when the current print is complete. */
  readonly ready: boolean
  /** A user paused the queue. */
  readonly pausedByUser: boolean
  /** A user confirmed that the plate is clear, and no print has started since. */
  readonly plateClear: boolean
  /** The job whose print was last requested, until it is known whether it started. */
  readonly starting: string | null
  /** The file that Klipper had loaded before that. */
  readonly startingAfter: string | null
}

/** The changes of one transaction. */
export interface QueueChange {
  readonly remove?: readonly string[] | 'all'
  /** New and changed jobs. */
  readonly put?: readonly QueuedJob[]
  readonly facts?: QueueFacts
}

const TABLE: TableDefinition = {
  name: 'job_queue',
  version: 1,
  columns: [
    ['job_id', 'TEXT', 'PRIMARY KEY NOT NULL'],
    ['position', 'REAL', 'NOT NULL'],
    ['filename', 'TEXT', 'NOT NULL'],
    ['user', 'TEXT'],
    ['note', 'TEXT'],
    ['time_added', 'REAL', 'NOT NULL'],
  ],
}

const NAMESPACE = 'moonraker'
const KEY = 'job_queue'

export class QueueStore {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Creates the table if necessary, and reads everything. */
  load(): { readonly jobs: QueuedJob[]; readonly facts: QueueFacts } {
    const { name, columns } = this.#storage.table(TABLE)
    const rows = this.#storage.db.all(`SELECT ${columns} FROM ${name} ORDER BY position`)
    const jobs = rows.map(row => ({
      id: String(row.job_id),
      position: Number(row.position),
      filename: String(row.filename),
      user: textOrNull(row.user),
      note: textOrNull(row.note),
      timeAdded: Number(row.time_added),
    }))
    return { jobs, facts: factsOf(this.#storage.namespaces.find(NAMESPACE, KEY)) }
  }

  /** Resolves once the change is on the disk. Rejects with ApiError 503 or 507, without any change. */
  async write({ remove = [], put = [], facts }: QueueChange): Promise<void> {
    const { db, namespaces } = this.#storage
    const writes: Promise<void>[] = []
    if (remove === 'all' || remove.length > 0 || put.length > 0) {
      writes.push(db.write(writer => writeJobs(writer, remove, put)))
    }
    // In the same tick, and so in the same transaction.
    if (facts !== undefined) writes.push(namespaces.post(NAMESPACE, KEY, { ...facts }))
    await Promise.all(writes)
  }
}

function writeJobs(db: Writer, remove: readonly string[] | 'all', put: readonly QueuedJob[]): void {
  if (remove === 'all') db.run(`DELETE FROM ${TABLE.name}`)
  else for (const id of remove) db.run(`DELETE FROM ${TABLE.name} WHERE job_id = ?`, id)
  for (const { id, position, filename, user, note, timeAdded } of put) {
    db.run(
      `INSERT INTO ${TABLE.name} (job_id, position, filename, user, note, time_added) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (job_id) DO UPDATE SET position = excluded.position, note = excluded.note`,
      id,
      position,
      filename,
      user,
      note,
      timeAdded,
    )
  }
}

/** Without stored facts no print was started from the queue: the plate is as the user left it. */
function factsOf(value: unknown): QueueFacts {
  const known = isPlainObject(value) ? value : {}
  return {
    ready: known.ready === true,
    pausedByUser: known.pausedByUser === true,
    plateClear: known.plateClear !== false,
    starting: textOrNull(known.starting),
    startingAfter: textOrNull(known.startingAfter),
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
