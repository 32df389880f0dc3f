// Backups of the database: made on request and automatically, deleted, and restored.
import { renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock, Timer } from '../core/clock.ts'
import { ApiError, messageOf } from '../core/errors.ts'
import { makeFoldersSync } from '../core/make-folders.ts'
import { SerialQueue } from '../core/serial-queue.ts'
import type { BackupContent } from './backup-files.ts'
import { backupNames, dateStamp, inspectBackup } from './backup-files.ts'
import { copyDurably, freeName, syncPath } from './durable-files.ts'
import { Sqlite } from './sqlite.ts'
import { storageError } from './storage-error.ts'

/** The suffix of the file that replaces the database at the next start. */
export const PENDING_RESTORE = '.restore-pending'

/** The prefix of automatic backups; only they are deleted automatically. */
const AUTOMATIC = 'sqldb-auto-'
/** A server that has just started has more urgent work. */
const FIRST_CHECK_SECONDS = 300
const CHECK_SECONDS = 3600
const DAY_SECONDS = 86_400

/** How automatic backups are made. */
export interface AutomaticBackups {
  /** The age in seconds at which the newest one is too old; a day by default. */
  readonly every?: number
  /** How many to keep; 7 by default. */
  readonly keep?: number
  /** Whether a backup may be made now; otherwise the next check decides, an hour later. */
  readonly mayRun: () => boolean
  /** Receives the reason when a backup failed: a full disk, a damaged database. */
  readonly onFailure: (text: string) => void
}

export class Backups {
  /** The folder of the backups: `<data>/backup/database`. */
  readonly folder: string
  readonly #db: Sqlite
  readonly #file: string
  readonly #clock: Clock
  /** Each operation reads the folder and then changes it. */
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
   * Copies the database to the file `name`, which may exist, by default to a name with the date. Checks the copy, and
   * resolves with its path. Reads and writes continue meanwhile. Rejects with ApiError 400 for an invalid file name, 507
   * on a full disk.
   */
  create(name?: string): Promise<string> {
    return this.#queue.run(() => this.#create(name ?? this.#datedName('sqldb-backup-')))
  }

  /** Deletes a backup and resolves with its path. Rejects with ApiError 400, or 404 for a missing file. */
  delete(name: string): Promise<string> {
    return this.#queue.run(() => {
      const path = this.#existing(name)
      rmSync(path)
      return path
    })
  }

  /**
   * Replaces the database by a backup at the next start, which the caller must request. Backs up the current state
   * before, and refuses all writes afterwards. Rejects with ApiError 400 for a file that is not a valid database, 404
   * for a missing file.
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
      // Before the rename: a checkpoint while closing would make the database newer than the file that replaces it.
      this.#db.get('PRAGMA wal_checkpoint(TRUNCATE)')
      const draft = `${this.#file}.restoring`
      copyDurably(path, draft)
      renameSync(draft, this.#file + PENDING_RESTORE)
      return content
    })
  }

  /** Makes a backup whenever the newest automatic one is too old, and deletes the oldest, until it is stopped. */
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

  /** Resolves when no operation runs. */
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
      makeFoldersSync(this.folder)
      rmSync(draft, { force: true })
      await this.#copyTo(draft)
      leaveWalMode(draft)
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

  /** Copies over a second connection and in one step, so that writes continue and do not disturb the copy. */
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

/** A copy of a database in WAL mode is in WAL mode: each program that reads it would create a log next to it. */
function leaveWalMode(file: string): void {
  const db = new Sqlite(file)
  try {
    db.get('PRAGMA journal_mode = DELETE')
  } finally {
    db.close()
  }
}

/** Copies the database to `file` synchronously; for the start, when no request waits. Throws ApiError. */
export function backupNow(db: Sqlite, file: string): void {
  try {
    rmSync(file, { force: true })
    db.connection.prepare('VACUUM INTO ?').run(file)
    leaveWalMode(file)
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
