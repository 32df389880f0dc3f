// Failed logins in the database, so that a restart does not forget them.
import type { Row, Storage, TableDefinition } from '../../storage/index.ts'

const TABLE: TableDefinition = {
  name: 'login_failures',
  version: 1,
  columns: [
    ['key', 'TEXT', 'PRIMARY KEY NOT NULL'],
    ['count', 'INTEGER', 'NOT NULL'],
    ['until', 'REAL', 'NOT NULL'],
  ],
}

/** The failed logins of one address or one user name. */
export interface StoredFailures {
  readonly count: number
  /** Seconds since the epoch. */
  readonly until: number
}

export class LoginFailures {
  readonly #storage: Storage
  /** Keys with a row. */
  readonly #stored = new Set<string>()

  constructor(storage: Storage) {
    this.#storage = storage
    storage.table(TABLE)
  }

  /** All failures by key, sorted by their end. */
  load(): [key: string, failures: StoredFailures][] {
    const rows = this.#storage.db.all(`SELECT key, count, until FROM ${TABLE.name} ORDER BY until`)
    return rows.map(({ key, count, until }: Row) => {
      this.#stored.add(String(key))
      return [String(key), { count: Number(count), until: Number(until) }]
    })
  }

  /** Stores the failures of the keys; undefined removes a key. Rejects with ApiError. */
  async save(changes: ReadonlyMap<string, StoredFailures | undefined>): Promise<void> {
    const needed = [...changes].filter(([key, failures]) => failures !== undefined || this.#stored.has(key))
    if (needed.length === 0) return
    await this.#storage.db.write(db => {
      for (const [key, failures] of needed) {
        if (failures === undefined) db.run(`DELETE FROM ${TABLE.name} WHERE key = ?`, key)
        else {
          const { count, until } = failures
          db.run(`REPLACE INTO ${TABLE.name} (key, count, until) VALUES (?, ?, ?)`, key, count, until)
        }
      }
    })
    for (const [key, failures] of needed) {
      if (failures === undefined) this.#stored.delete(key)
      else this.#stored.add(key)
    }
  }
}
