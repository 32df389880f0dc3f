// The table of users: users with a login, and the user whose password is the API key.
import { jsonCell, jsonOf, textOrNull } from './cells.ts'
import type { Row, Sqlite, SqlValue } from './sqlite.ts'
import type { Table } from './table-definition.ts'

/** A user as stored in the database. */
export interface User {
  readonly username: string
  /** PBKDF2-HMAC-SHA256 with 100,000 rounds, in hexadecimal; for the API key's user the key itself. */
  readonly password: string
  /** Seconds since 1970. */
  readonly created_on: number
  /** Hexadecimal. */
  readonly salt: string
  /** `moonraker` or `ldap`. */
  readonly source: string
  /** The seed of the key that signs the user's tokens, in hexadecimal; null without a login. */
  readonly jwt_secret: string | null
  readonly jwk_id: string | null
  readonly groups: readonly string[]
}

export class UserTable {
  readonly #db: Sqlite
  readonly #table: Table

  constructor(db: Sqlite, table: Table) {
    this.#db = db
    this.#table = table
  }

  list(): User[] {
    return this.#db.all(`SELECT ${this.#table.columns} FROM ${this.#table.name} ORDER BY rowid`).map(userOf)
  }

  get(username: string): User | undefined {
    const row = this.#db.get(
      `SELECT ${this.#table.columns} FROM ${this.#table.name} WHERE username = ?`,
      username,
    )
    return row && userOf(row)
  }

  /** Adds or replaces a user. */
  put(user: User): Promise<void> {
    const values: SqlValue[] = [
      user.username,
      user.password,
      user.created_on,
      user.salt,
      user.source,
      user.jwt_secret,
      user.jwk_id,
      jsonCell(user.groups),
    ]
    return this.#db.write(db => {
      db.run(
        `INSERT INTO ${this.#table.name}
           (username, password, created_on, salt, source, jwt_secret, jwk_id, groups)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (username) DO UPDATE SET
           password = excluded.password, created_on = excluded.created_on, salt = excluded.salt,
           source = excluded.source, jwt_secret = excluded.jwt_secret, jwk_id = excluded.jwk_id,
           groups = excluded.groups`,
        ...values,
      )
    })
  }

  /** Resolves with false for an unknown user. */
  delete(username: string): Promise<boolean> {
    return this.#db.write(
      db => db.run(`DELETE FROM ${this.#table.name} WHERE username = ?`, username).changes > 0,
    )
  }
}

function userOf(row: Row): User {
  return {
    username: String(row.username),
    password: String(row.password ?? ''),
    created_on: Number(row.created_on ?? 0),
    salt: String(row.salt ?? ''),
    source: String(row.source ?? 'moonraker'),
    jwt_secret: textOrNull(row.jwt_secret),
    jwk_id: textOrNull(row.jwk_id),
    groups: groupsOf(row.groups),
  }
}

/** Groups that cannot be read grant no rights. */
function groupsOf(cell: Row[string] | undefined): string[] {
  if (cell === null || cell === undefined) return ['admin']
  const groups = jsonOf(cell)
  return Array.isArray(groups) ? groups.filter(group => typeof group === 'string') : []
}
