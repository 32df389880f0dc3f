// Opens the database file so that the server can start in each state of it: intact, damaged, read-only, missing, or on a
// full disk. A damaged file is kept under another name, and replaced by the newest good backup.
import {
  closeSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { messageOf, StartError } from '../core/errors.ts'
import { makeDurableSync } from '../core/make-durable.ts'
import { makeFoldersSync } from '../core/make-folders.ts'
import { backupNames, damageOf, dateStamp, newestGoodBackup, openImmutable } from './backup-files.ts'
import { PENDING_RESTORE } from './backups.ts'
import { copyDurably, freeName, renameDurably } from './durable-files.ts'
import type { Salvage } from './salvage.ts'
import { salvage } from './salvage.ts'
import { Sqlite } from './sqlite.ts'
import { isBusy, isDamage } from './storage-error.ts'
import { makeTables } from './table-definition.ts'

/** The database and its backups, and where warnings about them go. */
export interface DatabaseFiles {
  readonly file: string
  readonly backupFolder: string
  readonly clock: Clock
  readonly warn: (text: string) => void
}

/** The files that SQLite creates next to an open database. */
const COMPANIONS = ['-wal', '-shm', '-journal'] as const

/** A file with damaged content, and the copy that was kept of it. */
interface Damaged {
  readonly reason: string
  readonly aside: string
}

/**
 * The open database. If the file cannot be written, its content is loaded into memory and writes are refused. Throws
 * StartError when another program has locked the file.
 */
export function openDatabase(files: DatabaseFiles): Sqlite {
  const { file } = files
  try {
    makeFoldersSync(dirname(file))
    takePendingRestore(files)
    renameOrphanLogs(files)
    const opened = openFile(files)
    return opened instanceof Sqlite ? opened : replaceDamaged(files, opened)
  } catch (error) {
    if (isBusy(error)) {
      throw new StartError(`${file} is in use by another program: stop it, there can be only one server`)
    }
    return openInMemory(files, error)
  }
}

/** Replaces the database by a backup that a client chose, unless the database was written since. */
export function takePendingRestore({ file, warn }: Pick<DatabaseFiles, 'file' | 'warn'>): void {
  const pending = file + PENDING_RESTORE
  if (!existsSync(pending)) return
  const written = [file, `${file}-wal`].map(path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
  if (Math.max(...written) > statSync(pending).mtimeMs) {
    warn(
      'A backup of the database was to be restored, but the database was written since: it was not restored',
    )
    rmSync(pending)
    return
  }
  replaceFile(pending, file)
}

/** Removes the log of the old file first: SQLite would apply it to the new file. */
function replaceFile(from: string, file: string): void {
  for (const companion of COMPANIONS) rmSync(file + companion, { force: true })
  renameDurably(from, file)
}

/** SQLite would apply a log without its database to the next database of that name. */
function renameOrphanLogs({ file, clock, warn }: DatabaseFiles): void {
  if (existsSync(file)) return
  for (const companion of COMPANIONS) {
    if (!existsSync(file + companion)) continue
    const aside = freeName(`${file}.broken-${dateStamp(clock.now())}`) + companion
    renameSync(file + companion, aside)
    warn(`The database is missing, but its log is there; the log was renamed to ${basename(aside)}`)
  }
}

function openFile(files: DatabaseFiles): Sqlite | Damaged {
  const wasThere = existsSync(files.file)
  const db = new Sqlite(files.file)
  try {
    const reason = damageOf(db) ?? (wasThere ? emptiness(files, db) : null)
    if (reason !== null) return setAside(files, db, reason)
    prepare(db)
    return db
  } catch (error) {
    if (isDamage(error)) return setAside(files, db, causeOf(error))
    db.close()
    throw error
  }
}

/** Throws if the file cannot be written. */
function prepare(db: Sqlite): void {
  const mode = db.get('PRAGMA journal_mode = WAL')?.journal_mode
  if (mode !== 'wal') throw new Error(`its journal mode stays ${String(mode)}`)
  db.connection.exec(
    'PRAGMA synchronous = FULL; PRAGMA cache_size = -1000; PRAGMA journal_size_limit = 4194304',
  )
  db.transact(() => {})
}

/** A crash during the first start leaves a file without tables; if there are backups, the file had content once. */
function emptiness({ backupFolder, warn }: DatabaseFiles, db: Sqlite): string | null {
  if (db.get('SELECT 1 FROM sqlite_master') !== undefined) return null
  if (backupNames(backupFolder).length > 0) return 'it is empty'
  warn('The database file was empty, and there is no backup: a new database was created')
  return null
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function causeOf(error: unknown): string {
  return messageOf((error as { cause?: unknown }).cause ?? error)
}

/** Copies the file before it is closed, since closing writes the log into it. */
function setAside({ file, clock }: DatabaseFiles, db: Sqlite, reason: string): Damaged {
  const aside = freeName(`${file}.broken-${dateStamp(clock.now())}`)
  try {
    copyDurably(file, aside)
    for (const companion of ['-wal', '-journal']) {
      if (sizeOf(file + companion) > 0) copyDurably(file + companion, aside + companion)
    }
  } finally {
    db.close()
  }
  return { reason, aside }
}

function replaceDamaged(files: DatabaseFiles, { reason, aside }: Damaged): Sqlite {
  const { file, backupFolder, warn } = files
  const draft = `${file}.restoring`
  removeWithCompanions(draft)
  const damagedBackups: string[] = []
  const backup = newestGoodBackup(backupFolder, (name, why) => damagedBackups.push(`${name} (${why})`))
  if (backup !== null) copyDurably(join(backupFolder, backup), draft)
  const saved = salvageInto(draft, aside, `${file}.reading`)
  makeDurableSync(draft)
  replaceFile(draft, file)
  warn(damageReport({ reason, aside, backup, damagedBackups, saved }))
  const opened = openFile(files)
  if (opened instanceof Sqlite) return opened
  throw new Error(`the restored database is damaged too: ${opened.reason}`)
}

/** Reads a copy, since opening changes even a damaged file. */
function salvageInto(draft: string, aside: string, copy: string): Salvage {
  removeWithCompanions(copy)
  const target = new Sqlite(draft)
  try {
    // An empty file would count as damaged.
    target.transact(db => makeTables(db, []))
    copyDurably(aside, copy)
    for (const companion of ['-wal', '-journal']) {
      if (existsSync(aside + companion)) copyDurably(aside + companion, copy + companion)
    }
    padToLength(copy)
    const source = new Sqlite(copy)
    try {
      return salvage(source, target)
    } finally {
      source.close()
    }
  } finally {
    target.close()
    removeWithCompanions(copy)
  }
}

/** A size above this in the header means that the header is damaged. */
const MAX_BYTES = 4 * 1024 ** 3

/**
 * SQLite refuses to read a file that is shorter than the size in its header (file format, "In-header database size").
 * Pages of zeros replace the missing ones, so that only their content is lost.
 */
function padToLength(file: string): void {
  const head = Buffer.alloc(100)
  const handle = openSync(file, 'r')
  const got = readSync(handle, head)
  closeSync(handle)
  if (got < head.length || head.toString('latin1', 0, 15) !== 'SQLite format 3') return
  const pageSize = head.readUInt16BE(16) === 1 ? 65_536 : head.readUInt16BE(16)
  const length = head.readUInt32BE(28) * pageSize
  if (length > sizeOf(file) && length <= MAX_BYTES) truncateSync(file, length)
}

function removeWithCompanions(path: string): void {
  for (const ending of ['', ...COMPANIONS]) rmSync(path + ending, { force: true })
}

function damageReport(
  what: Damaged & { backup: string | null; damagedBackups: string[]; saved: Salvage },
): string {
  const { reason, aside, backup, damagedBackups, saved } = what
  const from =
    backup === null ? 'There is no good backup.' : `The newest good backup, ${backup}, was restored.`
  const skipped = damagedBackups.length > 0 ? ` Other damaged backups: ${damagedBackups.join(', ')}.` : ''
  const lost = saved.damaged.length > 0 ? ` Incomplete tables: ${saved.damaged.join(', ')}.` : ''
  const read = `${saved.rows} rows of the damaged file were readable and were kept.`
  return (
    `The database was damaged (${reason}); the damaged file was kept as ${basename(aside)}. ${from}${skipped} ${read}${lost} ` +
    'Check the settings, users and history, and the disk: such damage often means a failing SD card.'
  )
}

function openInMemory({ file, warn }: DatabaseFiles, cause: unknown): Sqlite {
  const db = new Sqlite(':memory:')
  const reason = causeOf(cause)
  let unread = ''
  try {
    if (existsSync(file)) unread = readInto(db, file)
  } catch (error) {
    unread = ` It cannot be read either: ${messageOf(error)}.`
  }
  warn(
    `The database file ${basename(file)} cannot be written (${reason}): its content was read into memory, and ` +
      `changes are lost at the next start.${unread} Check the permissions of the file and its folder and the space on the ` +
      'disk, then restart the server.',
  )
  db.refuseWrites(`The database cannot be written (${reason}), so nothing can be changed`)
  return db
}

function readInto(db: Sqlite, file: string): string {
  const source = openReadable(file)
  try {
    const { damaged } = salvage(source, db)
    return damaged.length > 0 ? ` Incomplete tables: ${damaged.join(', ')}.` : ''
  } finally {
    source.close()
  }
}

/** Opens the file with its log if possible, otherwise without. */
function openReadable(file: string): Sqlite {
  const source = new Sqlite(file, { readOnly: true })
  try {
    source.get('SELECT 1 FROM sqlite_master')
    return source
  } catch {
    source.close()
    return openImmutable(file)
  }
}
