// Imports the namespaces of an old `data.mdb` into a new database.

import type { LmdbRecord } from './lmdb.ts'
import { readLmdb } from './lmdb.ts'
import { NAMESPACE_TABLE } from './namespace-rows.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import type { Writer } from './sqlite.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Copies every readable record of `file`; both files encode values in the same way. Returns a warning for each namespace
 * or record that could not be read. Throws Error if nothing can be read.
 */
export function importLmdb(db: Writer, file: string): string[] {
  const damages: string[] = []
  for (const record of readLmdb(file, text => damages.push(text))) {
    const named = namesOf(record)
    if (!named) {
      damages.push(`a record with the key ${record.key.toString('hex')} has no readable name or no value`)
      continue
    }
    for (const [namespace, key, value] of placesOf(named.namespace, named.key, record.value)) {
      db.run(
        `INSERT OR REPLACE INTO ${NAMESPACE_TABLE} (namespace, key, value) VALUES (?, ?, ?)`,
        namespace,
        key,
        value,
      )
    }
  }
  return damages
}

function namesOf({ database, key, value }: LmdbRecord): { namespace: string; key: string } | null {
  if (key.length === 0 || value.length === 0) return null
  try {
    return { namespace: utf8.decode(database), key: utf8.decode(key) }
  } catch {
    return null
  }
}

type Place = readonly [namespace: string, key: string, value: Uint8Array]

/** Moonraker stored facts about the database below the namespace `moonraker`; now they have their own namespace. */
function placesOf(namespace: string, key: string, value: Uint8Array): Place[] {
  if (namespace !== 'moonraker') return [[namespace, key, value]]
  if (key === 'database_version') return [['database', key, value]]
  if (key !== 'database') return [[namespace, key, value]]
  let about: unknown
  try {
    about = decodeRecord(value, true)
  } catch {
    return [[namespace, key, value]]
  }
  if (typeof about !== 'object' || about === null || Array.isArray(about)) return [[namespace, key, value]]
  return Object.entries(about)
    .filter(([, item]) => item !== null)
    .map(([field, item]) => ['database', field, encodeRecord(item)] as const)
}
