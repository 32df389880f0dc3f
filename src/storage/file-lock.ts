// A lock between processes, which the kernel takes back when its process ends.
import type { DatabaseSync } from 'node:sqlite'
import { databaseClass } from './sqlite.ts'

/** SQLITE_BUSY */
const BUSY = 5

/**
 * An exclusive lock of an empty SQLite file, since Node.js has no other locks of files. It also excludes other locks of
 * the same process. The file stays when the lock is released: to remove it would let two processes lock different files.
 */
export class FileLock {
  readonly #db: DatabaseSync | null

  private constructor(db: DatabaseSync | null) {
    this.#db = db
  }

  /**
   * Takes the lock of `file`, without waiting; null if another one holds it. Where no file can be created or locked, the
   * lock protects nothing: what the caller changes next fails there too, or the file system is of one machine only.
   */
  static take(file: string): FileLock | null {
    let db: DatabaseSync | null = null
    try {
      const Database = databaseClass()
      db = new Database(file, { timeout: 0 })
      // Without a journal, which would be a second file.
      db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
      return new FileLock(db)
    } catch (error) {
      db?.close()
      return (error as { errcode?: number }).errcode === BUSY ? null : new FileLock(null)
    }
  }

  release(): void {
    this.#db?.close()
  }
}
