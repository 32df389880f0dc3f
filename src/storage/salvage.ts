// Copies all readable rows of a damaged or read-only database into another one.

import { decodeRecord } from './record.ts'
import type { Row, Sqlite, SqlValue } from './sqlite.ts'
import { tableNames } from './table-definition.ts'

/** The result. */
export interface Salvage {
  /** The number of copied rows. */
  readonly rows: number
  /** Tables that could be read completely. */
  readonly whole: string[]
  /** Tables that are incomplete. */
  readonly damaged: string[]
}

interface SourceColumn {
  readonly name: string
  readonly type: string
}

/**
 * Copies the tables of `source` into `target`. A table that can be read completely replaces the one in `target`.
 * From an incomplete table, it copies the readable rows whose values have the declared types, and replaces rows of the
 * same key.
 */
export function salvage(source: Sqlite, target: Sqlite): Salvage {
  const result = { rows: 0, whole: [] as string[], damaged: [] as string[] }
  for (const { name, sql } of tablesOf(source)) {
    const columns = columnsOf(source, name)
    const saved = columns.length > 0 ? copyTable(source, target, name, sql, columns) : null
    result.rows += saved?.rows ?? 0
    const kind = saved?.isWhole ? result.whole : result.damaged
    kind.push(name)
  }
  return result
}

function tablesOf(source: Sqlite): { name: string; sql: string }[] {
  try {
    return source
      .all("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE %'")
      .map(({ name, sql }) => ({ name: String(name), sql: String(sql) }))
      .filter(({ name }) => !name.startsWith('sqlite_'))
  } catch {
    return []
  }
}

function columnsOf(source: Sqlite, table: string): SourceColumn[] {
  try {
    const rows = source.all('SELECT name, type FROM pragma_table_info(?)', table)
    return rows.map(({ name, type }) => ({ name: String(name), type: String(type).toUpperCase() }))
  } catch {
    return []
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

function copyTable(
  source: Sqlite,
  target: Sqlite,
  table: string,
  sql: string,
  columns: readonly SourceColumn[],
): { rows: number; isWhole: boolean } | null {
  try {
    const isWhole = readRows(source, table, columns, () => {})
    let rows = 0
    const names = columns.map(({ name }) => quoted(name)).join(', ')
    const insert = `INSERT OR REPLACE INTO ${quoted(table)} (${names}) VALUES (${columns.map(() => '?').join(', ')})`
    target.transact(db => {
      if (!tableNames(db).includes(table)) db.exec(sql)
      if (isWhole) db.run(`DELETE FROM ${quoted(table)}`)
      readRows(source, table, columns, values => {
        // The server did not write a row that violates a constraint of its table.
        try {
          rows += db.run(insert, ...values).changes
        } catch {}
      })
    })
    return { rows, isWhole }
  } catch {
    return null
  }
}

/** Calls `onRow` for each readable row; skips damaged rows in growing steps. Returns whether all rows were readable. */
function readRows(
  source: Sqlite,
  table: string,
  columns: readonly SourceColumn[],
  onRow: (values: SqlValue[]) => void,
): boolean {
  const names = columns.map(({ name }) => quoted(name)).join(', ')
  let isWhole = true
  let last = -1
  let distance = 0
  while (last + distance < Number.MAX_SAFE_INTEGER) {
    const from = last + distance
    try {
      const rows = source.iterate(
        `SELECT rowid AS "rowid ", ${names} FROM ${quoted(table)} NOT INDEXED WHERE rowid > ${from} ORDER BY rowid`,
      )
      for (const row of rows) {
        last = Number(row['rowid '])
        distance = 0
        if (columns.every(({ name, type }) => fits(type, row[name])))
          onRow(columns.map(({ name }) => row[name]!))
        else isWhole = false
      }
      return isWhole
    } catch {
      isWhole = false
      distance = distance === 0 ? 1 : distance * 2
    }
  }
  return false
}

/** Whether the server writes such a value into a column of that declared type. */
function fits(type: string, value: Row[string] | undefined): boolean {
  if (value === null) return true
  switch (type) {
    case 'TEXT':
      return typeof value === 'string'
    case 'REAL':
    case 'INT':
    case 'INTEGER':
      return typeof value === 'number' || typeof value === 'bigint'
    case 'RECORD':
    case 'PYJSON':
      return value instanceof Uint8Array && isRecord(value)
  }
  return true
}

function isRecord(bytes: Uint8Array): boolean {
  try {
    decodeRecord(bytes)
    return true
  } catch {
    return false
  }
}
