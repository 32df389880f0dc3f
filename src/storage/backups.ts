// Copies of the database: made on demand and by themselves, deleted, and restored.
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock, Timer } from '../core/clock.ts'
import { ApiError, messageOf } from '../core/errors.ts'
import { SerialQueue } from '../core/serial-queue.ts'
import type { BackupContent } from './backup-files.ts'
import { backupNames, dateStamp, inspectBackup } from './backup-files.ts'
import { copyDurably, freeName, syncPath } from './durable-files.ts'
import { Sqlite } from './sqlite.ts'
import { storageError } from './storage-error.ts'

/** What stands where a restored database waits for the next start, after the name of the database. */
export const PENDING_RESTORE = '.restore-pending'

/** The names of copies that are made unasked begin so; only they are ever deleted unasked. */
const AUTOMATIC = 'sqldb-auto-'
/** When a server has just started, there is more urgent work. */
const FIRST_CHECK_SECONDS = 300
const CHECK_SECONDS = 3600
const DAY_SECONDS = 86_400

/** How backups are made by themselves. */
export interface AutomaticBackups {
  /** The age in seconds at which the newest one is too old; a day when left out. */
  readonly every?: number
  /** How many to keep; 7 when left out. */
  readonly keep?: number
  /** Copying is put off while this says no, such as during a print. */
  readonly mayRun: () => boolean
  /** Hears why one could not be made: a full disk, or that the database is damaged. */
  readonly onFailure: (text: string) => void
}

export class Backups {
  /** Where they stand: `<data>/backup/database`. */
  readonly folder: string
  readonly #db: Sqlite
  readonly #file: string
  readonly #clock: Clock
  /** The folder is looked at before and changed after. */
  readonly #queue = new SerialQueue()

  /** `file` is the database's path, which `db` need not have open. */
  constructor(db: Sqlite, file: string, folder: string, clock: Clock) {
    this.#db = db
    this.#file = file
    this.folder = folder
    this.#clock = clock
  }

  /** File names, the newest first. */
  list(): string[] {
    return backupNames(this.folder)
  }

  /**
   * Copies the database into the file `name`, over one that is there, or into one named by the date; checks the copy, and resolves with its path.
   * Reads and writes go on meanwhile. Rejects with ApiError 400 for what is no file name, 507 on a full disk.
   */
  create(name?: string): Promise<string> {
    return this.#queue.run(() => this.#create(name ?? this.#datedName('sqldb-backup-')))
  }

  /** Deletes a backup and resolves with its path. Rejects with ApiError 400, or 404 where there is none. */
  delete(name: string): Promise<string> {
    return this.#queue.run(() => {
      const path = this.#existing(name)
      rmSync(path)
      return path
    })
  }

  /**
   * Puts a backup in the place of the database at the next start, which the caller has to bring about. The present
   * state is backed up before, and from here on nothing can be written any more.
   * Rejects with ApiError 400 for a file that is no sound database, 404 where there is none.
   */
  restore(name: string): Promise<BackupContent> {
    return this.#queue.run(async () => {
      const path = this.#existing(name)
      if (this.#db.refusal !== null) throw new ApiError(503, this.#db.refusal)
      let content: BackupContent
      try {
        content = inspectBackup(path)
      } catch (cause) {
        throw new ApiError(400, `Invalid database for restoration, ${messageOf(cause)}`, { cause })
      }
      await this.#create(this.#datedName('sqldb-before-restore-'))
      this.#db.refuseWrites('The database was restored: restart the server, nothing is written until then')
      // Now, as closing would do it later, and the file would look written after what waits beside it.
      this.#db.get('PRAGMA wal_checkpoint(TRUNCATE)')
      const draft = `${this.#file}.restoring`
      copyDurably(path, draft)
      renameSync(draft, this.#file + PENDING_RESTORE)
      return content
    })
  }

  /** Makes a backup whenever the newest automatic one is too old, and deletes the oldest ones, until stopped. */
  startAutomatic(options: AutomaticBackups): Timer {
    const check = () => {
      this.#automatic(options).catch((error: unknown) =>
        options.onFailure(`The automatic backup of the database failed: ${messageOf(error)}`),
      )
    }
    const first = this.#clock.after(FIRST_CHECK_SECONDS, check)
    const others = this.#clock.every(CHECK_SECONDS, check)
    return {
      stop() {
        first.stop()
        others.stop()
      },
    }
  }

  /** Resolves when no copy is being made. */
  settled(): Promise<void> {
    return this.#queue.idle()
  }

  async #automatic({ every = DAY_SECONDS, keep = 7, mayRun }: AutomaticBackups): Promise<void> {
    const stampNow = dateStamp(this.#clock.now())
    const oldest = `${AUTOMATIC}${dateStamp(this.#clock.now() - every)}.db`
    const isFresh = (name: string) => name > oldest && name <= `${AUTOMATIC}${stampNow}.db`
    const automatic = () =>
      this.list()
        .filter(name => name.startsWith(AUTOMATIC))
        .sort()
        .reverse()
    if (!mayRun() || automatic().some(isFresh)) return
    await this.create(`${AUTOMATIC}${stampNow}.db`)
    for (const name of automatic().slice(Math.max(1, keep))) await this.delete(name)
  }

  async #create(name: string): Promise<string> {
    const path = this.#pathOf(name)
    const draft = join(this.folder, `.${name}.partial`)
    try {
      mkdirSync(this.folder, { recursive: true })
      rmSync(draft, { force: true })
      await this.#copyTo(draft)
      leaveLogMode(draft)
      inspectBackup(draft)
      syncPath(draft)
      renameSync(draft, path)
      syncPath(this.folder)
    } catch (error) {
      rmSync(draft, { force: true })
      throw fileError(error)
    }
    return path
  }

  /** Over a connection of its own and in one step, so that writing goes on beside it and does not disturb it. */
  async #copyTo(draft: string): Promise<void> {
    const { backup } = process.getBuiltinModule('node:sqlite')
    const allPages = 2 ** 31 - 1
    if (this.#db.file === ':memory:') {
      await backup(this.#db.connection, draft, { rate: allPages })
      return
    }
    const source = new Sqlite(this.#db.file, { readOnly: true })
    try {
      await backup(source.connection, draft, { rate: allPages })
    } finally {
      source.close()
    }
  }

  #datedName(prefix: string): string {
    return basename(freeName(join(this.folder, prefix + dateStamp(this.#clock.now())), '.db'))
  }

  #existing(name: string): string {
    const path = this.#pathOf(name)
    if (!this.list().includes(name)) throw new ApiError(404, `Backup file ${name} does not exist`)
    return path
  }

  #pathOf(name: string): string {
    const isName = /^[^./\\\0][^/\\\0]*$/.test(name) && !/-(wal|shm|journal)$/.test(name)
    if (!isName || Buffer.byteLength(name) > 200) throw new ApiError(400, `Invalid name ${name}.`)
    return join(this.folder, name)
  }
}

/** A copy of a database in WAL mode says so too, and whoever only looks into it would leave a log beside it. */
function leaveLogMode(file: string): void {
  const db = new Sqlite(file)
  try {
    db.get('PRAGMA journal_mode = DELETE')
  } finally {
    db.close()
  }
}

/** Copies what is in the database now to `file` at once; for the start, when nobody waits. Throws ApiError. */
export function backupNow(db: Sqlite, file: string): void {
  try {
    rmSync(file, { force: true })
    db.connection.prepare('VACUUM INTO ?').run(file)
    leaveLogMode(file)
    syncPath(file)
  } catch (error) {
    rmSync(file, { force: true })
    throw fileError(error)
  }
}

function fileError(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ApiError(507, 'The disk is full: the backup was not made', { cause: error })
  }
  return storageError(error)
}
