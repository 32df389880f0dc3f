// Which files of the fleet are kept, and when each was last used.
import type { Sqlite, Storage, TableDefinition } from '../../../storage/index.ts'

const TABLE: TableDefinition = {
  name: 'fleet_files',
  version: 1,
  columns: [
    ['path', 'TEXT', 'PRIMARY KEY NOT NULL'],
    ['sha256', 'TEXT', 'NOT NULL'],
    ['size', 'INTEGER', 'NOT NULL'],
    ['modified', 'REAL', 'NOT NULL'],
    ['used', 'REAL', 'NOT NULL'],
  ],
}

/** A file that is kept. `path` is below the gcodes root; `size` and `modified` (ms) show whether it was changed since. */
export interface CachedFile {
  readonly path: string
  readonly sha256: string
  readonly size: number
  readonly modified: number
  /** Seconds since the epoch. */
  readonly used: number
}

export class FileCache {
  readonly #db: Sqlite

  constructor(storage: Storage) {
    this.#db = storage.db
    storage.table(TABLE)
  }

  find(path: string): CachedFile | undefined {
    return this.#all('WHERE path = ?', path)[0]
  }

  oldestFirst(): CachedFile[] {
    return this.#all('ORDER BY used')
  }

  /** The size of all files. */
  get bytes(): number {
    return Number(this.#db.get(`SELECT coalesce(sum(size), 0) AS n FROM ${TABLE.name}`)?.n)
  }

  async put({ path, sha256, size, modified, used }: CachedFile): Promise<void> {
    const sql = `INSERT OR REPLACE INTO ${TABLE.name} (path, sha256, size, modified, used) VALUES (?, ?, ?, ?, ?)`
    await this.#db.write(db => db.run(sql, path, sha256, size, modified, used))
  }

  async remove(path: string): Promise<void> {
    await this.#db.write(db => db.run(`DELETE FROM ${TABLE.name} WHERE path = ?`, path))
  }

  #all(condition: string, ...values: string[]): CachedFile[] {
    const rows = this.#db.all(
      `SELECT path, sha256, size, modified, used FROM ${TABLE.name} ${condition}`,
      ...values,
    )
    return rows.map(row => ({
      path: String(row.path),
      sha256: String(row.sha256),
      size: Number(row.size),
      modified: Number(row.modified),
      used: Number(row.used),
    }))
  }
}
