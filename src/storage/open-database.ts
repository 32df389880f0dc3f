// Opens the database file so that the server can start whatever state it is in: sound, damaged, read-only,
// absent, or on a full disk. A damaged file is set aside, never deleted, and the newest good backup takes its place.
import {
  closeSync,
  existsSync,
  mkdirSync,
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
import { backupNames, damageOf, dateStamp, newestGoodBackup, openStandingStill } from './backup-files.ts'
import { PENDING_RESTORE } from './backups.ts'
import { copyDurably, freeName, renameDurably } from './durable-files.ts'
import type { Salvage } from './salvage.ts'
import { salvage } from './salvage.ts'
import { Sqlite } from './sqlite.ts'
import { isBusy, isDamage } from './storage-error.ts'
import { makeTables } from './table-definition.ts'

/** Where the database and its backups stand, and who hears of what was wrong with them. */
export interface DatabaseFiles {
  readonly file: string
  readonly backupFolder: string
  readonly clock: Clock
  readonly warn: (text: string) => void
}

/** What SQLite keeps beside a file that is open. */
const COMPANIONS = ['-wal', '-shm', '-journal'] as const

/** A file whose content is at fault, and the name under which a copy of it was kept. */
interface Damaged {
  readonly reason: string
  readonly aside: string
}

/**
 * The open database. Where the file cannot be written, its content stands in memory and writes are refused.
 * Throws StartError when another program holds the file.
 */
export function openDatabase(files: DatabaseFiles): Sqlite {
  const { file } = files
  try {
    mkdirSync(dirname(file), { recursive: true })
    takePendingRestore(files)
    setOrphansAside(files)
    const opened = openFile(files)
    return opened instanceof Sqlite ? opened : replaceDamaged(files, opened)
  } catch (error) {
    if (isBusy(error)) {
      throw new StartError(`${file} is in use by another program: stop it, there can be only one server`)
    }
    return openInMemory(files, error)
  }
}

/** Puts a backup that was asked for in the place of the database, unless that was written since. */
export function takePendingRestore({ file, warn }: Pick<DatabaseFiles, 'file' | 'warn'>): void {
  const pending = file + PENDING_RESTORE
  if (!existsSync(pending)) return
  const written = [file, `${file}-wal`].map(path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
  if (Math.max(...written) > statSync(pending).mtimeMs) {
    warn(
      'A backup of the database waited to be restored, but the database was written since: it was not restored',
    )
    rmSync(pending)
    return
  }
  replaceFile(pending, file)
}

/** The old file's log must be gone first: SQLite would lay it over the new file. */
function replaceFile(from: string, file: string): void {
  for (const companion of COMPANIONS) rmSync(file + companion, { force: true })
  renameDurably(from, file)
}

/** A log without its database would be laid over whatever file comes in its place. */
function setOrphansAside({ file, clock, warn }: DatabaseFiles): void {
  if (existsSync(file)) return
  for (const companion of COMPANIONS) {
    if (!existsSync(file + companion)) continue
    const aside = freeName(`${file}.broken-${dateStamp(clock.now())}`) + companion
    renameSync(file + companion, aside)
    warn(`The database is gone, but its log was still there; it was set aside as ${basename(aside)}`)
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

/** Throws where the file cannot be written. */
function prepare(db: Sqlite): void {
  const mode = db.get('PRAGMA journal_mode = WAL')?.journal_mode
  if (mode !== 'wal') throw new Error(`its journal mode stays ${String(mode)}`)
  db.connection.exec(
    'PRAGMA synchronous = FULL; PRAGMA cache_size = -1000; PRAGMA journal_size_limit = 4194304',
  )
  db.transact(() => {})
}

/** A file without tables is what a crash in the very first start leaves; where backups are, it had content once. */
function emptiness({ backupFolder, warn }: DatabaseFiles, db: Sqlite): string | null {
  if (db.get('SELECT 1 FROM sqlite_master') !== undefined) return null
  if (backupNames(backupFolder).length > 0) return 'it is empty'
  warn('The database file was empty, and there is no backup: a new database was begun')
  return null
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function causeOf(error: unknown): string {
  return messageOf((error as { cause?: unknown }).cause ?? error)
}

/** Copies before it closes the file, as closing writes the log into it. */
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
  const unfit: string[] = []
  const backup = newestGoodBackup(backupFolder, (name, why) => unfit.push(`${name} (${why})`))
  if (backup !== null) copyDurably(join(backupFolder, backup), draft)
  const saved = salvageInto(draft, aside, `${file}.reading`)
  makeDurableSync(draft)
  replaceFile(draft, file)
  warn(damageReport({ reason, aside, backup, unfit, saved }))
  const opened = openFile(files)
  if (opened instanceof Sqlite) return opened
  throw new Error(`what was restored is damaged too: ${opened.reason}`)
}

/** Reads a copy, as opening even a damaged file changes it. */
function salvageInto(draft: string, aside: string, copy: string): Salvage {
  removeWithCompanions(copy)
  const target = new Sqlite(draft)
  try {
    // So that the file is not empty, which would count as damage.
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

/** More than this is no size that a file was cut off from, but a damaged head. */
const MAX_BYTES = 4 * 1024 ** 3

/**
 * SQLite reads nothing at all of a file that is shorter than its head says (file format, "In-header database size"):
 * what was cut off becomes pages of zeros, which cost only what stood there.
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

function damageReport(what: Damaged & { backup: string | null; unfit: string[]; saved: Salvage }): string {
  const { reason, aside, backup, unfit, saved } = what
  const from =
    backup === null ? 'There is no good backup.' : `The newest good backup, ${backup}, was restored.`
  const skipped = unfit.length > 0 ? ` Backups that are damaged too: ${unfit.join(', ')}.` : ''
  const lost = saved.damaged.length > 0 ? ` Something is missing of: ${saved.damaged.join(', ')}.` : ''
  const read = `${saved.rows} rows could still be read from the damaged file and were kept.`
  return (
    `The database was damaged (${reason}) and set aside as ${basename(aside)}. ${from}${skipped} ${read}${lost} ` +
    'Look through the settings, users and history, and check the disk: such damage often means a failing SD card.'
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
      `nothing that changes is kept.${unread} Check the rights of the file and its folder and the space on the ` +
      'disk, then restart the server.',
  )
  db.refuseWrites(`The database cannot be written (${reason}), so nothing can be changed`)
  return db
}

function readInto(db: Sqlite, file: string): string {
  const source = openReadable(file)
  try {
    const { damaged } = salvage(source, db)
    return damaged.length > 0 ? ` Something is missing of: ${damaged.join(', ')}.` : ''
  } finally {
    source.close()
  }
}

/** With its log where that can be had, else as the file stands. */
function openReadable(file: string): Sqlite {
  const source = new Sqlite(file, { readOnly: true })
  try {
    source.get('SELECT 1 FROM sqlite_master')
    return source
  } catch {
    source.close()
    return openStandingStill(file)
  }
}
