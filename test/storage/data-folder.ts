// A data folder with a database; it is removed with its test.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Storage } from '../../src/storage/index.ts'
import { openStorage } from '../../src/storage/index.ts'

/** The content of a file of another program, which is compressed in `fixtures`. */
export function fixture(name: string): Buffer {
  return gunzipSync(readFileSync(new URL(`fixtures/${name}.gz`, import.meta.url)))
}

export class DataFolder implements AsyncDisposable {
  readonly path: string
  readonly database: string
  readonly backups: string
  /** The database file. */
  readonly file: string
  /** Warnings of the storage, oldest first. */
  readonly warnings: string[] = []
  readonly #open: Storage[] = []

  constructor(root = tmpdir()) {
    this.path = mkdtempSync(join(root, 'storage-'))
    this.database = join(this.path, 'database')
    this.backups = join(this.path, 'backup', 'database')
    this.file = join(this.database, 'moonraker-sql.db')
    mkdirSync(this.database)
  }

  /** Puts a file into the database's folder. */
  put(name: string, content: Uint8Array): string {
    const path = join(this.database, name)
    writeFileSync(path, content)
    return path
  }

  open(clock: Clock = systemClock): Storage {
    const storage = openStorage({
      folder: this.database,
      backupFolder: this.backups,
      clock,
      warn: text => this.warnings.push(text),
    })
    this.#open.push(storage)
    return storage
  }

  /** The names of the files in the database's folder. */
  names(): string[] {
    return readdirSync(this.database).sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const storage of this.#open) await storage.close()
    rmSync(this.path, { recursive: true, force: true })
  }
}
