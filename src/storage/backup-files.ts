// The folder of backups: names, dates, and whether a file can be restored.
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf } from '../core/errors.ts'
import { listNamespaces, NAMESPACE_TABLE } from './namespace-rows.ts'
import { Sqlite } from './sqlite.ts'
import { tableNames } from './table-definition.ts'

/** The content of a backup, as `server.database.restore` returns it. */
export interface BackupContent {
  readonly restored_tables: string[]
  readonly restored_namespaces: string[]
}

/** `20261231-235959` in local time, for the names of backups. `seconds` since 1970. */
export function dateStamp(seconds: number): string {
  const date = new Date(seconds * 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`
  return `${day}-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`
}

/** The backups in `folder`, the newest first; an empty list without the folder. */
export function backupNames(folder: string): string[] {
  return dated(folder)
    .sort((a, b) => b.time - a.time || (a.name < b.name ? 1 : -1))
    .map(({ name }) => name)
}

function dated(folder: string): { name: string; time: number }[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    return []
  }
  return names.flatMap(name => {
    if (name.startsWith('.') || /-(wal|shm|journal)$/.test(name)) return []
    const entry = lstatSync(join(folder, name), { throwIfNoEntry: false })
    return entry?.isFile() ? [{ name, time: entry.mtimeMs }] : []
  })
}

/** Opens a file that no program writes, without creating files next to it. Throws what node:sqlite throws. */
export function openImmutable(file: string): Sqlite {
  return new Sqlite(`${pathToFileURL(file).href}?immutable=1`, { readOnly: true })
}

/** The first error in the structure of an open database, or null. Reads the whole file. */
export function damageOf(db: Sqlite): string | null {
  const [first] = db.all('PRAGMA quick_check(1)')
  const text = String(first?.quick_check ?? 'the check returned nothing')
  return text === 'ok' ? null : text.replace(/^\*\*\*.*\*\*\*\n/, '')
}

/** The content of a backup. Throws Error with the reason if the file cannot be restored. */
export function inspectBackup(file: string): BackupContent {
  let db: Sqlite | undefined
  try {
    db = openImmutable(file)
    const damage = damageOf(db)
    if (damage !== null) throw new Error(damage)
    const tables = tableNames(db)
    if (!tables.includes(NAMESPACE_TABLE)) throw new Error(`missing table '${NAMESPACE_TABLE}'`)
    return { restored_tables: tables, restored_namespaces: listNamespaces(db) }
  } finally {
    db?.close()
  }
}

/** The newest backup that passes its check, or null. `onDamaged` receives each newer one with the reason. */
export function newestGoodBackup(
  folder: string,
  onDamaged: (name: string, why: string) => void,
): string | null {
  for (const name of backupNames(folder)) {
    try {
      inspectBackup(join(folder, name))
      return name
    } catch (error) {
      onDamaged(name, messageOf(error))
    }
  }
  return null
}
