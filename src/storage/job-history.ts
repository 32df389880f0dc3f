// The history of print jobs: one row each, with the metadata of the file at that time.
import { jsonCell, jsonOf } from './cells.ts'
import type { Row, Sqlite, SqlValue, Writer } from './sqlite.ts'
import type { Table } from './table-definition.ts'
import { INSTANCE } from './tables.ts'

/** A value that a component or sensor recorded during a job (API document, "History APIs"). */
export interface AuxiliaryField {
  readonly provider: string
  readonly name: string
  readonly value: unknown
  readonly description: string
  readonly units: string | null
}

/** A job without its number. Times are seconds since 1970, durations seconds, filament mm. */
export interface NewJob {
  readonly user: string
  readonly filename: string
  /** in_progress, completed, cancelled, error, klippy_shutdown, klippy_disconnect, interrupted, server_exit. */
  readonly status: string
  readonly start_time: number
  /** Null while it runs. */
  readonly end_time: number | null
  readonly print_duration: number
  readonly total_duration: number
  readonly filament_used: number
  readonly metadata: Readonly<Record<string, unknown>>
  readonly auxiliary_data: readonly AuxiliaryField[]
}

export interface Job extends NewJob {
  readonly job_id: number
}

/** Which jobs to list. */
export interface JobFilter {
  /** Jobs to skip; 0 by default. */
  readonly start?: number
  /** The most jobs; 50 by default, 0 or less for all. */
  readonly limit?: number
  /** Only jobs that ended before this time. */
  readonly before?: number
  /** Only jobs that started after this time. */
  readonly since?: number
  /** By number; the newest first by default. */
  readonly order?: 'asc' | 'desc'
}

/** A job's number in the form of the API: six or more hexadecimal digits. */
export function jobIdText(id: number): string {
  return id.toString(16).toUpperCase().padStart(6, '0')
}

/** The number for such a text; null for any other text. */
export function jobIdNumber(text: string): number | null {
  return /^[0-9A-Fa-f]{1,13}$/.test(text) ? Number.parseInt(text, 16) : null
}

/** The columns of a job, in the order of the values below. */
const FIELDS = [
  'user',
  'filename',
  'status',
  'start_time',
  'end_time',
  'print_duration',
  'total_duration',
  'filament_used',
  'metadata',
  'auxiliary_data',
] as const

function cellOf(field: (typeof FIELDS)[number], value: unknown): SqlValue {
  return field === 'metadata' || field === 'auxiliary_data' ? jsonCell(value) : (value as SqlValue)
}

/** Writes of the same tick are one transaction: a finished job and its totals, for example. */
export class JobHistory {
  readonly #db: Sqlite
  readonly #table: Table

  constructor(db: Sqlite, table: Table) {
    this.#db = db
    this.#table = table
  }

  /** Adds a job and resolves with its number: one more than the highest number so far. */
  add(job: NewJob): Promise<number> {
    const values = FIELDS.map(field => cellOf(field, job[field]))
    const marks = FIELDS.map(() => '?').join(', ')
    const sql = `INSERT INTO ${this.#table.name} (${FIELDS.join(', ')}, instance_id) VALUES (${marks}, ?)`
    return this.#db.write(db => db.run(sql, ...values, INSTANCE).id)
  }

  /** Changes the given fields of a job. Resolves with false for an unknown job. */
  update(id: number, changes: Partial<NewJob>): Promise<boolean> {
    const fields = FIELDS.filter(field => changes[field] !== undefined)
    if (fields.length === 0) return Promise.resolve(this.get(id) !== undefined)
    const values = fields.map(field => cellOf(field, changes[field]))
    const sql = `UPDATE ${this.#table.name} SET ${fields.map(f => `${f} = ?`).join(', ')} WHERE job_id = ?`
    return this.#db.write(db => db.run(sql, ...values, id).changes > 0)
  }

  get(id: number): Job | undefined {
    const row = this.#db.get(`SELECT ${this.#table.columns} FROM ${this.#table.name} WHERE job_id = ?`, id)
    return row && jobOf(row)
  }

  list(filter: JobFilter = {}): Job[] {
    const { where, values } = conditions(filter)
    const order = filter.order === 'asc' ? 'ASC' : 'DESC'
    const limit = filter.limit ?? 50
    const { name, columns } = this.#table
    const ids = `SELECT job_id FROM ${name} WHERE ${where} ORDER BY job_id ${order} LIMIT ? OFFSET ?`
    const rows = this.#db.all(
      `SELECT ${columns} FROM ${name} WHERE job_id IN (${ids}) ORDER BY job_id ${order}`,
      ...values,
      limit > 0 ? Math.floor(limit) : -1,
      Math.max(0, Math.floor(filter.start ?? 0)),
    )
    return rows.map(jobOf)
  }

  /** The number of jobs in the filter's time range; ignores `start` and `limit`. */
  count(filter: JobFilter = {}): number {
    const { where, values } = conditions(filter)
    return Number(this.#db.get(`SELECT count(*) AS n FROM ${this.#table.name} WHERE ${where}`, ...values)?.n)
  }

  /** Sets the status of all running jobs, after a crash. Resolves with their numbers. */
  closeOpen(status: string): Promise<number[]> {
    return this.#db.write(db => {
      const { name } = this.#table
      const ids = numbers(db, `SELECT job_id FROM ${name} WHERE status = 'in_progress' ORDER BY job_id`)
      if (ids.length > 0) db.run(`UPDATE ${name} SET status = ? WHERE status = 'in_progress'`, status)
      return ids
    })
  }

  /** Resolves with false for an unknown job. */
  delete(id: number): Promise<boolean> {
    return this.#db.write(db => db.run(`DELETE FROM ${this.#table.name} WHERE job_id = ?`, id).changes > 0)
  }

  /** Deletes every job and resolves with their numbers. */
  deleteAll(): Promise<number[]> {
    return this.#db.write(db => {
      const { name } = this.#table
      const ids = numbers(db, `SELECT job_id FROM ${name} WHERE instance_id = ? ORDER BY job_id`, INSTANCE)
      db.run(`DELETE FROM ${name} WHERE instance_id = ?`, INSTANCE)
      return ids
    })
  }
}

function conditions(filter: JobFilter): { where: string; values: SqlValue[] } {
  const parts = ['instance_id = ?']
  const values: SqlValue[] = [INSTANCE]
  if (filter.before !== undefined) {
    parts.push('end_time < ?')
    values.push(filter.before)
  }
  if (filter.since !== undefined) {
    parts.push('start_time > ?')
    values.push(filter.since)
  }
  return { where: parts.join(' AND '), values }
}

function numbers(db: Writer, sql: string, ...values: SqlValue[]): number[] {
  return db.all(sql, ...values).map(row => Number(row.job_id))
}

function jobOf(row: Row): Job {
  return {
    job_id: Number(row.job_id),
    user: String(row.user ?? 'No User'),
    filename: String(row.filename ?? ''),
    status: String(row.status ?? 'error'),
    start_time: Number(row.start_time ?? 0),
    end_time: row.end_time === null ? null : Number(row.end_time),
    print_duration: Number(row.print_duration ?? 0),
    total_duration: Number(row.total_duration ?? 0),
    filament_used: Number(row.filament_used ?? 0),
    metadata: json(row.metadata, {}),
    auxiliary_data: json(row.auxiliary_data, []),
  }
}

function json<T>(cell: Row[string] | undefined, otherwise: T): T {
  const value = jsonOf(cell) ?? otherwise
  return Array.isArray(value) === Array.isArray(otherwise) ? (value as T) : otherwise
}
