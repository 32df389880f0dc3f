// Opens the storage: the tables of the current Moonraker and those of components, in one file.
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import { makeFoldersSync } from '../core/make-folders.ts'
import { dateStamp, openImmutable } from './backup-files.ts'
import { Backups, backupNow } from './backups.ts'
import { freeName } from './durable-files.ts'
import { JobHistory } from './job-history.ts'
import { JobTotals } from './job-totals.ts'
import { importLmdb } from './lmdb-import.ts'
import { hasRecords, readRecord, writeRecord } from './namespace-rows.ts'
import { Namespaces } from './namespaces.ts'
import { openDatabase, takePendingRestore } from './open-database.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import type { Sqlite, Writer } from './sqlite.ts'
import type { Table, TableDefinition } from './table-definition.ts'
import { makeTables, needsMigration, openTable } from './table-definition.ts'
import { authorizedUsers, jobHistory, jobTotals, namespaceStore } from './tables.ts'
import { UserTable } from './users.ts'

/** The version of the namespace store's encoding that this server writes; the current Moonraker's. */
const DATABASE_VERSION = 2

/** The folders of the storage. */
export interface StorageOptions {
  /** `<data>/database` */
  readonly folder: string
  /** `<data>/backup/database` */
  readonly backupFolder: string
  readonly clock: Clock
  /** Receives warnings for the person who runs the server, at the start and later. */
  readonly warn: (text: string) => void
}

/** Everything that the server stores. */
export interface Storage {
  /** For components with their own tables. */
  readonly db: Sqlite
  readonly namespaces: Namespaces
  readonly jobs: JobHistory
  readonly totals: JobTotals
  readonly users: UserTable
  readonly backups: Backups
  /** Creates or updates a table of a component; at the start only. Throws ApiError. */
  table(definition: TableDefinition): Table
  /** Waits for running writes, and closes the file. */
  close(): Promise<void>
}

/** The name of the database. */
export const DATABASE_FILE = 'moonraker-sql.db'
/** The database of Moonraker until 2024, in the same folder. */
export const OLD_DATABASE_FILE = 'data.mdb'

/**
 * Opens the storage: checks and repairs the file, imports the data of older versions, and creates missing tables. Throws
 * StartError when another program has locked the file.
 */
export function openStorage(options: StorageOptions): Storage {
  const file = join(options.folder, DATABASE_FILE)
  const files = { ...options, file }
  const db = openDatabase(files)
  const store = { ...namespaceStore, migrate: (writer: Writer) => importOldDatabase(writer, options) }
  prepareTables(db, [store, authorizedUsers, jobHistory, jobTotals], options)
  const namespaces = new Namespaces(db, options.warn)
  markVersion(db, namespaces, options.warn)
  const backups = new Backups(db, file, options.backupFolder, options.clock)
  return {
    db,
    namespaces,
    backups,
    jobs: new JobHistory(db, openTable(db, jobHistory)),
    totals: new JobTotals(db, openTable(db, jobTotals)),
    users: new UserTable(db, openTable(db, authorizedUsers)),
    table(definition) {
      prepareTables(db, [definition], options)
      return openTable(db, definition)
    },
    async close() {
      await backups.settled()
      db.close()
      takePendingRestore(files)
    },
  }
}

/**
 * Reads the version of a database that another server may use (0 before it has one), without creating files next to it. `supported` is whether
 * this server knows the version. Throws what node:sqlite throws.
 */
export function inspectVersion(file: string): { readonly version: number; readonly supported: boolean } {
  const db = openImmutable(file)
  try {
    const record = readRecord(db, 'database', 'database_version')
    const version = Number(record === undefined ? 0 : decodeRecord(record))
    return { version, supported: version <= DATABASE_VERSION }
  } finally {
    db.close()
  }
}

function prepareTables(db: Sqlite, definitions: readonly TableDefinition[], options: StorageOptions): void {
  const { backupFolder, clock, warn } = options
  if (db.refusal === null && needsMigration(db, definitions)) {
    makeFoldersSync(backupFolder)
    backupNow(db, freeName(join(backupFolder, `sqldb-before-update-${dateStamp(clock.now())}`), '.db'))
  }
  for (const text of db.transact(writer => makeTables(writer, definitions))) warn(text)
}

/** Only into an empty store, so that it happens once. */
function importOldDatabase(db: Writer, { folder, warn }: StorageOptions): void {
  const old = join(folder, OLD_DATABASE_FILE)
  if (hasRecords(db) || !existsSync(old)) return
  try {
    const damages = importLmdb(db, old)
    for (const text of damages)
      warn(`The old database ${basename(old)} is damaged, a part of it was not imported: ${text}`)
  } catch (error) {
    warn(
      `The old database ${basename(old)} could not be imported: ${messageOf(error)}. The file is unchanged`,
    )
  }
}

function markVersion(db: Sqlite, namespaces: Namespaces, warn: (text: string) => void): void {
  const found = namespaces.find('database', 'database_version')
  if (typeof found === 'number' && found > DATABASE_VERSION) {
    warn(
      `The database has version ${found}, from a newer server; this server supports ${DATABASE_VERSION}. Data that it ` +
        'does not know stays unchanged. Update this server, or restore an older backup.',
    )
  } else if (found !== DATABASE_VERSION && db.refusal === null) {
    db.transact(writer => writeRecord(writer, 'database', 'database_version', encodeRecord(DATABASE_VERSION)))
  }
}
