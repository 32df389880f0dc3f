// The totals of all jobs: the server's own (provider `history`), and those of auxiliary fields.
import type { Sqlite, Writer } from './sqlite.ts'
import type { Table } from './table-definition.ts'
import { INSTANCE } from './tables.ts'

/** One total: the sum of a field, its maximum, or both. */
export interface Total {
  readonly provider: string
  readonly field: string
  readonly maximum: number | null
  readonly total: number | null
}

export class JobTotals {
  readonly #db: Sqlite
  readonly #table: Table

  constructor(db: Sqlite, table: Table) {
    this.#db = db
    this.#table = table
  }

  list(): Total[] {
    const rows = this.#db.all(
      `SELECT ${this.#table.columns} FROM ${this.#table.name} ORDER BY provider, field`,
    )
    return rows.map(({ provider, field, maximum, total }) => ({
      provider: String(provider),
      field: String(field),
      maximum: numberOrNull(maximum),
      total: numberOrNull(total),
    }))
  }

  /** Replaces the totals of the same provider and field; the others stay. */
  put(totals: readonly Total[]): Promise<void> {
    return this.#db.write(db => this.#insert(db, totals))
  }

  /** Replaces all totals. */
  reset(totals: readonly Total[]): Promise<void> {
    return this.#db.write(db => {
      db.run(`DELETE FROM ${this.#table.name} WHERE instance_id = ?`, INSTANCE)
      this.#insert(db, totals)
    })
  }

  #insert(db: Writer, totals: readonly Total[]): void {
    for (const { provider, field, maximum, total } of totals) {
      db.run(
        `INSERT INTO ${this.#table.name} (provider, field, maximum, total, instance_id) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (provider, field, instance_id)
         DO UPDATE SET maximum = excluded.maximum, total = excluded.total`,
        provider,
        field,
        maximum,
        total,
        INSTANCE,
      )
    }
  }
}

function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value)
}
