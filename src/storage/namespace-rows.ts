// The rows of the namespace table: one record for each first-level key of a namespace.

import { decodeRecord } from './record.ts'
import type { Reader, Writer } from './sqlite.ts'

export const NAMESPACE_TABLE = 'namespace_store'

/** Old versions of Node cut text of a TEXT column at a NUL character, which names from Moonraker may contain. */
function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : ''
}

/** The names of all namespaces with records. */
export function listNamespaces(db: Reader): string[] {
  const rows = db.all(
    `WITH RECURSIVE found(name) AS (
       SELECT min(namespace) FROM ${NAMESPACE_TABLE}
       UNION ALL
       SELECT (SELECT min(namespace) FROM ${NAMESPACE_TABLE} WHERE namespace > name) FROM found WHERE name NOTNULL
     ) SELECT CAST(name AS BLOB) AS name FROM found WHERE name NOTNULL`,
  )
  return rows.map(row => textOf(row.name))
}

/** The bytes of one record, or undefined. */
export function readRecord(db: Reader, namespace: string, key: string): Uint8Array | undefined {
  const row = db.get(`SELECT value FROM ${NAMESPACE_TABLE} WHERE namespace = ? AND key = ?`, namespace, key)
  return row && bytesOf(row.value)
}

/** The JSON texts of those records that are objects, in one query. */
export function readTexts(db: Reader, namespace: string, keys: readonly string[]): Map<string, string> {
  const rows = db.all(
    `SELECT key, CAST(value AS TEXT) AS text FROM ${NAMESPACE_TABLE}
     WHERE namespace = ? AND key IN (SELECT value FROM json_each(?)) AND substr(value, 1, 1) = x'7b'`,
    namespace,
    JSON.stringify(keys),
  )
  return new Map(rows.map(({ key, text }) => [String(key), String(text)]))
}

/** A record is a blob; text means that a person edited the file. */
function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value))
}

/**
 * All records of a namespace, by key. A record that cannot be decoded is left out; `onUnreadable` receives its key.
 */
export function readNamespace(
  db: Reader,
  namespace: string,
  onUnreadable: (key: string) => void = () => {},
): Map<string, unknown> {
  const rows = db.all(
    `SELECT CAST(key AS BLOB) AS key, value FROM ${NAMESPACE_TABLE} WHERE namespace = ?`,
    namespace,
  )
  const values = new Map<string, unknown>()
  for (const row of rows) {
    const key = textOf(row.key)
    try {
      values.set(key, decodeRecord(bytesOf(row.value)))
    } catch {
      onUnreadable(key)
    }
  }
  return values
}

/** The keys of a namespace. */
export function readKeys(db: Reader, namespace: string): string[] {
  const rows = db.all(
    `SELECT CAST(key AS BLOB) AS key FROM ${NAMESPACE_TABLE} WHERE namespace = ?`,
    namespace,
  )
  return rows.map(row => textOf(row.key))
}

/** Whether the namespace has a record. */
export function hasNamespace(db: Reader, namespace: string): boolean {
  return db.get(`SELECT 1 FROM ${NAMESPACE_TABLE} WHERE namespace = ? LIMIT 1`, namespace) !== undefined
}

/** Adds or replaces a record. */
export function writeRecord(db: Writer, namespace: string, key: string, value: Uint8Array): void {
  db.run(
    `INSERT INTO ${NAMESPACE_TABLE} (namespace, key, value) VALUES (?, ?, ?)
     ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value`,
    namespace,
    key,
    value,
  )
}

/** Returns whether the record existed. */
export function deleteRecord(db: Writer, namespace: string, key: string): boolean {
  return db.run(`DELETE FROM ${NAMESPACE_TABLE} WHERE namespace = ? AND key = ?`, namespace, key).changes > 0
}

export function clearNamespace(db: Writer, namespace: string): void {
  db.run(`DELETE FROM ${NAMESPACE_TABLE} WHERE namespace = ?`, namespace)
}

/** Whether any namespace has a record. */
export function hasRecords(db: Reader): boolean {
  return db.get(`SELECT 1 FROM ${NAMESPACE_TABLE} LIMIT 1`) !== undefined
}
