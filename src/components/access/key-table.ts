// The named API keys of a printer's server, in its database.
import { ROLES } from '../../api/endpoint.ts'
import type { Row, Storage, TableDefinition } from '../../storage/index.ts'
import type { KeyStore, NamedKey } from './named-keys.ts'

const TABLE: TableDefinition = {
  name: 'named_api_keys',
  version: 1,
  columns: [
    ['name', 'TEXT', 'PRIMARY KEY NOT NULL'],
    ['hash', 'TEXT', 'NOT NULL'],
    ['role', 'TEXT', 'NOT NULL'],
    ['created_on', 'REAL', 'NOT NULL'],
    ['expires_on', 'REAL'],
  ],
}

/** The table, which is created if it is not there. */
export function keyTable(storage: Storage): KeyStore {
  const { name: table, columns } = storage.table(TABLE)
  return {
    all: () =>
      storage.db
        .all(`SELECT ${columns} FROM ${table} ORDER BY rowid`)
        .map(row => [String(row.hash), keyFrom(row)]),
    async add(hash, { name, role, created_on, expires_on }) {
      await storage.db.write(db =>
        db.run(
          `INSERT INTO ${table} (name, hash, role, created_on, expires_on) VALUES (?, ?, ?, ?, ?)`,
          name,
          hash,
          role,
          created_on,
          expires_on,
        ),
      )
    },
    async delete(hash) {
      await storage.db.write(db => db.run(`DELETE FROM ${table} WHERE hash = ?`, hash))
    },
  }
}

function keyFrom({ name, role, created_on, expires_on }: Row): NamedKey {
  return {
    name: String(name),
    role: ROLES.find(known => known === role) ?? 'viewer',
    created_on: Number(created_on),
    expires_on: expires_on === null || expires_on === undefined ? null : Number(expires_on),
  }
}
