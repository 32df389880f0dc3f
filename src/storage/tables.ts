// The tables of a Moonraker database with their columns, and the migration of the namespaces in which older versions stored
// the same data.
import { randomBytes } from 'node:crypto'
import { isExactNumber } from '../core/exact-json.ts'
import { jsonCell, textOrNull } from './cells.ts'
import { clearNamespace, NAMESPACE_TABLE, readNamespace } from './namespace-rows.ts'
import type { SqlValue, Writer } from './sqlite.ts'
import type { TableDefinition } from './table-definition.ts'

/** The user of requests with the API key; its password is the key. */
export const API_KEY_USER = '_API_KEY_USER_'
/** The instance of all rows; Moonraker has no other value yet. */
export const INSTANCE = 'default'

/** Key and value of every namespace. */
export const namespaceStore: TableDefinition = {
  name: NAMESPACE_TABLE,
  version: 1,
  columns: [
    ['namespace', 'TEXT', 'NOT NULL'],
    ['key', 'TEXT', 'NOT NULL'],
    ['value', 'record', 'NOT NULL'],
  ],
  primaryKey: ['namespace', 'key'],
}

export const authorizedUsers: TableDefinition = {
  name: 'authorized_users',
  version: 1,
  columns: [
    ['username', 'TEXT', 'PRIMARY KEY NOT NULL'],
    ['password', 'TEXT', 'NOT NULL'],
    ['created_on', 'REAL', 'NOT NULL'],
    ['salt', 'TEXT', 'NOT NULL'],
    ['source', 'TEXT', 'NOT NULL'],
    ['jwt_secret', 'TEXT'],
    ['jwk_id', 'TEXT'],
    ['groups', 'pyjson'],
  ],
  migrate: usersFromNamespace,
}

export const jobHistory: TableDefinition = {
  name: 'job_history',
  version: 1,
  columns: [
    ['job_id', 'INTEGER', 'PRIMARY KEY ASC'],
    ['user', 'TEXT', 'NOT NULL'],
    ['filename', 'TEXT'],
    ['status', 'TEXT', 'NOT NULL'],
    ['start_time', 'REAL', 'NOT NULL'],
    ['end_time', 'REAL'],
    ['print_duration', 'REAL', 'NOT NULL'],
    ['total_duration', 'REAL', 'NOT NULL'],
    ['filament_used', 'REAL', 'NOT NULL'],
    ['metadata', 'pyjson'],
    ['auxiliary_data', 'pyjson', 'NOT NULL'],
    ['instance_id', 'TEXT', 'NOT NULL'],
  ],
  // Filters and offsets read these instead of the rows with their large metadata.
  indexes: [
    `CREATE INDEX IF NOT EXISTS job_history_times
     ON job_history (instance_id, job_id, start_time, end_time)`,
    "CREATE INDEX IF NOT EXISTS job_history_open ON job_history (status) WHERE status = 'in_progress'",
  ],
  migrate: historyFromNamespace,
}

export const jobTotals: TableDefinition = {
  name: 'job_totals',
  version: 1,
  columns: [
    ['provider', 'TEXT', 'NOT NULL'],
    ['field', 'TEXT', 'NOT NULL'],
    ['maximum', 'REAL'],
    ['total', 'REAL'],
    ['instance_id', 'TEXT', 'NOT NULL'],
  ],
  primaryKey: ['provider', 'field', 'instance_id'],
  migrate: totalsFromNamespace,
}

/** The server's own totals; `longest_*` are maxima. */
export const TOTAL_FIELDS = [
  'total_jobs',
  'total_time',
  'total_print_time',
  'total_filament_used',
  'longest_job',
  'longest_print',
] as const

/** An object in a namespace of an older version. */
type OldObject = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): OldObject | null {
  const isObject =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value)
  return isObject ? (value as OldObject) : null
}

const textOr = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise)
const numberOr = (value: unknown, otherwise: number) => (typeof value === 'number' ? value : otherwise)

function insert(db: Writer, { name, columns }: TableDefinition, values: readonly SqlValue[]): void {
  const names = columns.map(([column]) => column).join(', ')
  db.run(`INSERT OR IGNORE INTO ${name} (${names}) VALUES (${columns.map(() => '?').join(', ')})`, ...values)
}

function usersFromNamespace(db: Writer): void {
  const users = readNamespace(db, 'authorized_users')
  const keyUser = fieldsOf(users.get(API_KEY_USER)) ?? {}
  users.set(API_KEY_USER, { ...keyUser, password: textOr(keyUser.api_key, randomBytes(16).toString('hex')) })
  for (const [username, value] of users) {
    const user = fieldsOf(value)
    if (!user) continue
    insert(db, authorizedUsers, [
      username,
      textOr(user.password, ''),
      numberOr(user.created_on, Date.now() / 1000),
      textOr(user.salt, ''),
      textOr(user.source, 'moonraker'),
      textOrNull(user.jwt_secret),
      textOrNull(user.jwk_id),
      jsonCell(Array.isArray(user.groups) ? user.groups : ['admin']),
    ])
  }
  clearNamespace(db, 'authorized_users')
}

/** Jobs keep their numbers, since the metadata of files refers to them. */
function historyFromNamespace(db: Writer): void {
  for (const [key, value] of readNamespace(db, 'history')) {
    const job = fieldsOf(value)
    if (!job) continue
    insert(db, jobHistory, [
      /^[0-9A-Fa-f]{1,12}$/.test(key) ? Number.parseInt(key, 16) : null,
      textOr(job.user, 'No User'),
      textOr(job.filename, 'unknown'),
      textOr(job.status, 'error'),
      numberOr(job.start_time, 0),
      numberOr(job.end_time, 0),
      numberOr(job.print_duration, 0),
      numberOr(job.total_duration, 0),
      numberOr(job.filament_used, 0),
      jsonCell(fieldsOf(job.metadata) ?? {}),
      jsonCell(Array.isArray(job.auxiliary_data) ? job.auxiliary_data : []),
      INSTANCE,
    ])
  }
  clearNamespace(db, 'history')
}

function totalsFromNamespace(db: Writer): void {
  const old = fieldsOf(readNamespace(db, 'moonraker').get('history')) ?? {}
  const totals = fieldsOf(old.job_totals) ?? {}
  for (const field of TOTAL_FIELDS) {
    const value = numberOr(totals[field], 0)
    const isTotal = field.startsWith('total_')
    insert(db, jobTotals, ['history', field, isTotal ? null : value, isTotal ? value : null, INSTANCE])
  }
  for (const value of Array.isArray(old.aux_totals) ? old.aux_totals : []) {
    const item = fieldsOf(value)
    if (typeof item?.provider !== 'string' || typeof item.field !== 'string') continue
    const [maximum, total] = [item.maximum, item.total].map(n => (typeof n === 'number' ? n : null))
    insert(db, jobTotals, [item.provider, item.field, maximum ?? null, total ?? null, INSTANCE])
  }
  db.run(`DELETE FROM ${NAMESPACE_TABLE} WHERE namespace = 'moonraker' AND key = 'history'`)
}
