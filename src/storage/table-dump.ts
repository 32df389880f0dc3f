// Whole tables, for the debug endpoints.
import { ApiError } from '../core/errors.ts'
import { exactInteger, parseStored } from '../core/exact-json.ts'
import { decodeRecord } from './record.ts'
import type { Reader, Row } from './sqlite.ts'
import { tableNames } from './table-definition.ts'

/**
 * All rows of a table with their `rowid`, records and JSON columns decoded; a cell that cannot be decoded is null.
 * Throws ApiError 404 for an unknown table.
 */
export function dumpTable(db: Reader, table: string): Record<string, unknown>[] {
  if (!tableNames(db).includes(table)) throw new ApiError(404, `Table name '${table}' does not exist`)
  const types = new Map<string, string>()
  for (const { name, type } of db.all('SELECT name, type FROM pragma_table_info(?)', table)) {
    types.set(String(name), String(type))
  }
  // Integers come as text, as JavaScript's numbers cannot hold all of them.
  const cells = [...types].map(([name, type]) => {
    const column = `"${name.replaceAll('"', '""')}"`
    return /^INT/i.test(type) ? `CAST(${column} AS TEXT) AS ${column}` : column
  })
  const rows = db.all(`SELECT rowid, ${cells.join(', ')} FROM "${table.replaceAll('"', '""')}"`)
  return rows.map(row =>
    Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, shown(cell, types.get(name) ?? '')])),
  )
}

function shown(cell: Row[string], type: string): unknown {
  if (cell instanceof Uint8Array) {
    try {
      return type === 'record' ? decodeRecord(cell) : parseStored(Buffer.from(cell).toString())
    } catch {
      return null
    }
  }
  return /^INT/i.test(type) && typeof cell === 'string' ? exactInteger(cell) : cell
}
