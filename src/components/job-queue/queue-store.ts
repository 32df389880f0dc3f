// The queue on the disk: a row for each job, and one record for what has to be known after a restart.
import { isPlainObject } from '../../schema/index.ts'
import type { Storage, TableDefinition, Writer } from '../../storage/index.ts'

/** A job that waits. */
export interface QueuedJob {
  /** Sixteen hexadecimal digits. */
  readonly id: string
  /** Jobs are ordered by it; the numbers themselves mean nothing. */
  readonly position: number
  /** Below the gcodes root. */
  readonly filename: string
  /** Who queued it; null for the server itself. */
  readonly user: string | null
  readonly note: string | null
  /** Seconds since the epoch. */
  readonly timeAdded: number
}

/** What outlives the server beside the jobs. */
export interface QueueFacts {
  /** The next job begins when the present print is complete. */
  readonly ready: boolean
  /** A person has paused the queue. */
  readonly pausedByUser: boolean
  /** A person has seen that nothing lies on the plate, and no print has begun since. */
  readonly plateClear: boolean
  /** The job that Klipper was last told to print, until it is known whether it does. */
  readonly starting: string | null
  /** The file that Klipper had before that. */
  readonly startingAfter: string | null
}

/** What is written in one transaction. */
export interface QueueChange {
  readonly remove?: readonly string[] | 'all'
  /** New jobs, and those that changed. */
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

  /** Makes the table where there is none, and reads everything. */
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

  /** Resolves once the change is on the disk. Rejects with ApiError 503 or 507, and nothing is changed. */
  async write({ remove = [], put = [], facts }: QueueChange): Promise<void> {
    const { db, namespaces } = this.#storage
    const writes: Promise<void>[] = []
    if (remove === 'all' || remove.length > 0 || put.length > 0) {
      writes.push(db.write(writer => writeJobs(writer, remove, put)))
    }
    // Asked for in the same tick, and so in the same transaction.
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

/** A database that knows nothing of a queue has never begun a print from it: the plate is as the person left it. */
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
