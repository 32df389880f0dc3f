// Tables and their registration: `table_registry` contains each table's version and the text that created it. Moonraker
// compares them with its own at every start.
import type { Reader, Writer } from './sqlite.ts'

/** One column: its name, its declared type, and its constraints. */
export type Column = readonly [name: string, type: string, rest?: string]

/** A table that the server uses. */
export interface TableDefinition {
  readonly name: string
  /** Increases with each change; the first is 1. */
  readonly version: number
  readonly columns: readonly Column[]
  /** A key of several columns; a single column has it as a constraint. */
  readonly primaryKey?: readonly string[]
  /** Statements that create indexes; run at every start, therefore with IF NOT EXISTS. */
  readonly indexes?: readonly string[]
  /** Updates the content from version `from`; 0 is a new table. */
  readonly migrate?: (db: Writer, from: number) => void
}

/** A table of the open file. */
export interface Table {
  readonly name: string
  /** The known columns for SELECT, with NULL in place of one that the file lacks. */
  readonly columns: string
}

const REGISTRY: TableDefinition = {
  name: 'table_registry',
  version: 1,
  columns: [
    ['name', 'TEXT', 'NOT NULL PRIMARY KEY'],
    ['prototype', 'TEXT', 'NOT NULL'],
    ['version', 'INT'],
  ],
}

/** The text that creates the table in Moonraker, which compares it character by character. */
export function prototypeOf(definition: TableDefinition): string {
  const lines = definition.columns.map(column => column.filter(Boolean).join(' '))
  if (definition.primaryKey) lines.push(`PRIMARY KEY (${definition.primaryKey.join(', ')})`)
  return `${definition.name} (\n${lines.map(line => `    ${line}`).join(',\n')}\n)`
}

/** The names of all tables in the file. */
export function tableNames(db: Reader): string[] {
  return db
    .all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .map(row => String(row.name))
}

/** The names of a table's columns. */
export function columnNames(db: Reader, table: string): string[] {
  return db.all('SELECT name FROM pragma_table_info(?)', table).map(row => String(row.name))
}

function registeredVersion(db: Reader, name: string): number {
  return Number(db.get('SELECT version FROM table_registry WHERE name = ?', name)?.version ?? 0)
}

/** Whether `makeTables` would change or move existing data, rather than add to it. */
export function needsMigration(db: Reader, definitions: readonly TableDefinition[]): boolean {
  const present = new Set(tableNames(db))
  const isRegistered = present.has(REGISTRY.name)
  return definitions.some(({ name, version, migrate }) => {
    if (!present.has(name)) return migrate !== undefined && present.size > (isRegistered ? 1 : 0)
    return (isRegistered ? registeredVersion(db, name) : 0) < version
  })
}

/**
 * Creates missing tables and updates the others, in their order. Returns warnings about tables of newer versions: they
 * are used as far as their columns allow.
 */
export function makeTables(db: Writer, definitions: readonly TableDefinition[]): string[] {
  const present = new Set(tableNames(db))
  if (!present.has(REGISTRY.name)) db.exec(`CREATE TABLE ${prototypeOf(REGISTRY)}`)
  const warnings: string[] = []
  for (const definition of definitions) {
    const { name, version } = definition
    const isNew = !present.has(name)
    if (isNew) db.exec(`CREATE TABLE ${prototypeOf(definition)}`)
    const found = isNew ? 0 : registeredVersion(db, name)
    if (found < version) {
      definition.migrate?.(db, found)
      register(db, definition)
    } else if (found > version) warnings.push(newerTable(db, definition, found))
    if (found <= version) for (const index of definition.indexes ?? []) db.exec(index)
  }
  return warnings
}

function register(db: Writer, definition: TableDefinition): void {
  db.run(
    `INSERT INTO table_registry (name, prototype, version) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET prototype = excluded.prototype, version = excluded.version`,
    definition.name,
    prototypeOf(definition),
    definition.version,
  )
}

function newerTable(db: Reader, definition: TableDefinition, found: number): string {
  const { name, version, columns } = definition
  const present = new Set(columnNames(db, name))
  const missing = columns.map(([column]) => column).filter(column => !present.has(column))
  const lost = missing.length > 0 ? ` It has no ${missing.join(', ')}, so nothing can be written to it.` : ''
  return (
    `The database table '${name}' has version ${found}, from a newer server; this server supports ${version} ` +
    `and uses the columns that it knows.${lost} Update this server, or restore an older backup.`
  )
}

/** The table as it is in this file. */
export function openTable(db: Reader, { name, columns }: TableDefinition): Table {
  const present = new Set(columnNames(db, name))
  const selected = columns.map(([column]) => (present.has(column) ? column : `NULL AS ${column}`))
  return { name, columns: selected.join(', ') }
}
