// Tables and their registration: each table's version and the text it was made from stand in `table_registry`,
// where Moonraker compares them with its own at every start.
import type { Reader, Writer } from './sqlite.ts'

/** One column: its name, its declared type, and what follows that. */
export type Column = readonly [name: string, type: string, rest?: string]

/** A table that the server uses. */
export interface TableDefinition {
  readonly name: string
  /** Counts up with each change; 1 is the first. */
  readonly version: number
  readonly columns: readonly Column[]
  /** Of more than one column; a single one says it in its own line. */
  readonly primaryKey?: readonly string[]
  /** Statements that make indexes; run at every start, so they say IF NOT EXISTS. */
  readonly indexes?: readonly string[]
  /** Brings the content from version `from` here; 0 is a table that was just made. */
  readonly migrate?: (db: Writer, from: number) => void
}

/** What the opened file knows of a table. */
export interface Table {
  readonly name: string
  /** For SELECT: the columns we know, NULL in place of one that the file does not have. */
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

/** The text that Moonraker makes the table from and compares, to the blank. */
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

/** The names of the columns that a table has. */
export function columnNames(db: Reader, table: string): string[] {
  return db.all('SELECT name FROM pragma_table_info(?)', table).map(row => String(row.name))
}

function registeredVersion(db: Reader, name: string): number {
  return Number(db.get('SELECT version FROM table_registry WHERE name = ?', name)?.version ?? 0)
}

/** True when `makeTables` would change or move what is in the file already, rather than add to it. */
export function needsMigration(db: Reader, definitions: readonly TableDefinition[]): boolean {
  const present = new Set(tableNames(db))
  const isRegistered = present.has(REGISTRY.name)
  return definitions.some(({ name, version, migrate }) => {
    if (!present.has(name)) return migrate !== undefined && present.size > (isRegistered ? 1 : 0)
    return (isRegistered ? registeredVersion(db, name) : 0) < version
  })
}

/**
 * Makes the tables that are missing and brings the others up to date, in the order given.
 * Returns warnings about tables that are newer than known: they are used as far as their columns allow.
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
    `The database table '${name}' is of version ${found}, written by a newer server; this one knows ${version} ` +
    `and uses what it understands.${lost} Update this server, or restore a backup from before.`
  )
}

/** The table as this file has it. */
export function openTable(db: Reader, { name, columns }: TableDefinition): Table {
  const present = new Set(columnNames(db, name))
  const selected = columns.map(([column]) => (present.has(column) ? column : `NULL AS ${column}`))
  return { name, columns: selected.join(', ') }
}
