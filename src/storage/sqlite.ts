// One SQLite file: synchronous reads, and one transaction for all writes of a tick. The promise of a write resolves only
// once its commit is on the disk (WAL, synchronous=FULL).
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { ApiError } from '../core/errors.ts'
import type { Registration } from '../core/scope.ts'
import { storageError } from './storage-error.ts'

/** A value for a `?` of a statement. Booleans are 0 and 1. */
export type SqlValue = SQLInputValue
/** One row: column name to value. A read of integers beyond 2^53 fails without `CAST`. */
export type Row = Record<string, SQLOutputValue>

/** Statements that read. */
export interface Reader {
  /** All rows. Throws ApiError. */
  all(sql: string, ...values: SqlValue[]): Row[]
  /** The first row. Throws ApiError. */
  get(sql: string, ...values: SqlValue[]): Row | undefined
}

/** Statements that write; only inside a transaction. */
export interface Writer extends Reader {
  /** `changes` is the number of rows written, `id` the last inserted row's. Throws ApiError. */
  run(sql: string, ...values: SqlValue[]): { readonly changes: number; readonly id: number }
  /** Runs statements without values, such as those that create tables. */
  exec(sql: string): void
}

/** A write that waits for the end of its tick. */
interface QueuedWrite {
  readonly work: (db: Writer) => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

type Outcome = { readonly value: unknown } | { readonly failure: unknown }

/** How a file is opened. */
export interface OpenMode {
  /** Nothing is written, not even the files that readers of a WAL database create next to it. */
  readonly readOnly?: boolean
}

/** The longest wait for another program's lock, in ms; it blocks the whole server. */
const BUSY_MS = 1000
/** The most prepared statements in the cache; only filters and table dumps create more. */
const KEPT_STATEMENTS = 150

/** The class of node:sqlite, loaded on first use. Throws if this Node was built without it. */
export function databaseClass(): typeof DatabaseSync {
  const sqlite = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') & {
    Database?: typeof DatabaseSync
  }
  const found = sqlite?.DatabaseSync ?? sqlite?.Database
  if (!found) throw new Error('This Node.js has no node:sqlite: install 22.16 or later from nodejs.org')
  return found
}

export class Sqlite implements Reader {
  readonly file: string
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #queue: QueuedWrite[] = []
  #refusal: string | null = null
  #onCommit: ((seconds: number) => void) | null = null
  #closed = false

  /** Opens `file`, or creates it; `:memory:` is a database without a file. Throws what node:sqlite throws. */
  constructor(file: string, mode: OpenMode = {}) {
    const Database = databaseClass()
    this.file = file
    this.#db = new Database(file, { readOnly: mode.readOnly ?? false, timeout: BUSY_MS })
  }

  /** The connection, for functions that only node:sqlite has. */
  get connection(): DatabaseSync {
    return this.#db
  }

  /** Why writes are refused, or null. */
  get refusal(): string | null {
    return this.#refusal
  }

  all(sql: string, ...values: SqlValue[]): Row[] {
    return this.#translate(() => this.#prepared(sql).all(...values))
  }

  get(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#translate(() => this.#prepared(sql).get(...values))
  }

  /** Rows one by one, for a file that may be damaged in later rows. Throws what node:sqlite throws. */
  iterate(sql: string): Iterable<Row> {
    return this.#db.prepare(sql).iterate() as Iterable<Row>
  }

  /**
   * Runs `work` in the transaction of this tick, and resolves with its result once it is durable. All writes of one tick
   * are committed together or, when the commit fails, not at all; a `work` that throws rolls back only its own writes.
   * `work` is synchronous and runs after the tick, in the order of the calls. Rejects with what `work` throws, or with
   * ApiError 503 or 507 when nothing can be written.
   */
  write<T>(work: (db: Writer) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const reason = this.#closed ? 'The database is closed' : this.#refusal
      if (reason !== null) return reject(new ApiError(503, reason))
      if (this.#queue.length === 0) setImmediate(() => this.#flush())
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject })
    })
  }

  /**
   * Runs `work`, which only reads, in the order of the calls: after the writes that wait, and at once if none does. It also
   * reads while nothing can be written.
   */
  read<T>(work: () => T): T | Promise<T> {
    return this.#queue.length === 0 ? work() : this.write(work).catch(work)
  }

  /** Runs `work` now in its own transaction; for the start, when no request waits. Throws what it throws. */
  transact<T>(work: (db: Writer) => T): T {
    this.#translate(() => this.#db.exec('BEGIN IMMEDIATE'))
    try {
      const result = work(this.#writer)
      this.#translate(() => this.#db.exec('COMMIT'))
      return result
    } catch (error) {
      this.#rollBack()
      throw error
    }
  }

  /** Calls `listener` with the time of each commit; without one no time is taken. */
  measureCommits(listener: (seconds: number) => void): Registration {
    this.#onCommit = listener
    return {
      remove: () => {
        this.#onCommit = null
      },
    }
  }

  /** Rejects all writes from now on with `reason`. */
  refuseWrites(reason: string): void {
    this.#flush()
    this.#refusal = reason
  }

  /**
   * Rewrites the file without its gaps; sizes are bytes. Takes as long as a copy, and blocks the server. Throws ApiError.
   */
  compact(): { readonly previous_size: number; readonly new_size: number } {
    this.#flush()
    if (this.#refusal !== null) throw new ApiError(503, this.#refusal)
    const previous = this.#size()
    this.#translate(() => this.#db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)'))
    return { previous_size: previous, new_size: this.#size() }
  }

  /** The size of all pages; the file does not contain those in the log. */
  #size(): number {
    const { bytes } =
      this.get('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size') ?? {}
    return Number(bytes)
  }

  /** Commits the queued writes, and closes the file. */
  close(): void {
    if (this.#closed) return
    this.#flush()
    this.#closed = true
    this.#statements.clear()
    this.#db.close()
  }

  readonly #writer: Writer = {
    all: (sql, ...values) => this.all(sql, ...values),
    get: (sql, ...values) => this.get(sql, ...values),
    exec: sql => this.#translate(() => this.#db.exec(sql)),
    run: (sql, ...values) => {
      const { changes, lastInsertRowid } = this.#translate(() => this.#prepared(sql).run(...values))
      return { changes: Number(changes), id: Number(lastInsertRowid) }
    },
  }

  #flush(): void {
    const batch = this.#queue
    if (batch.length === 0) return
    this.#queue = []
    let outcomes: Outcome[]
    const start = this.#onCommit === null ? 0 : performance.now()
    try {
      outcomes = this.transact(() => batch.map(({ work }) => this.#attempt(work)))
    } catch (error) {
      for (const { reject } of batch) reject(error)
      return
    }
    this.#onCommit?.((performance.now() - start) / 1000)
    for (const [index, outcome] of outcomes.entries()) {
      const { resolve, reject } = batch[index]!
      if ('failure' in outcome) reject(outcome.failure)
      else resolve(outcome.value)
    }
  }

  /** Throws if the whole transaction is lost, as on a full disk. */
  #attempt(work: (db: Writer) => unknown): Outcome {
    this.#prepared('SAVEPOINT work').run()
    try {
      const value = work(this.#writer)
      this.#prepared('RELEASE work').run()
      return { value }
    } catch (failure) {
      try {
        this.#db.exec('ROLLBACK TO work; RELEASE work')
      } catch {
        throw failure
      }
      return { failure }
    }
  }

  /** SQLite rolls back some failed transactions itself. */
  #rollBack(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    if (this.#statements.size >= KEPT_STATEMENTS) this.#statements.clear()
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #translate<T>(action: () => T): T {
    try {
      return action()
    } catch (error) {
      throw storageError(error)
    }
  }
}
