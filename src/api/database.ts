// API document: "Database APIs" and the debug versions of them; after the document: compact, backups, restore, tables.
import { int, json, list, object, record, type Schema, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { del, endpoints, get, post } from './endpoint.ts'

/** The reply contains a key as the request gave it. */
const KEY = 'Parts of the path separated by dots, or a list of the parts'

/** The component reads it, to reject invalid keys in the original's words. */
const Key: Schema<unknown> = json().describe(KEY)

const Item = object({
  namespace: string(),
  key: json().describe(`${KEY}; null for the whole namespace`),
  value: json(),
})

const lists = {
  namespaces: list(string()),
  backups: list(string()).describe('File names, newest first'),
}
const position = { namespace: string(), key: Key }
const whole = {
  namespace: string(),
  key: json().describe(`${KEY}; the whole namespace if left out`).optional(),
}
const backup = { filename: string() }
const BackupPath = object({ backup_path: string() })

export const database = chapter({
  title: 'Database APIs',
  about: 'Values that clients store on the server, each client in a namespace of its own',
  methods: {
    'server.database.list': get('/server/database/list', {
      summary: 'The namespaces, and the backups of the database',
      result: object(lists),
    }),
    'server.database.get_item': get('/server/database/item', {
      summary: 'The value at a key, or a whole namespace',
      params: whole,
      example: { namespace: 'my_client', key: 'settings' },
      result: Item,
    }),
    'server.database.post_item': post('/server/database/item', {
      summary: 'Store a value; null for a whole record removes it',
      params: { ...position, value: json() },
      example: { namespace: 'my_client', key: 'settings.theme', value: 'dark' },
      result: Item,
    }),
    'server.database.delete_item': del('/server/database/item', {
      summary: 'Remove a value; the reply contains it',
      params: position,
      example: { namespace: 'my_client', key: 'settings.theme' },
      result: Item,
    }),
    'server.database.compact': post('/server/database/compact', {
      role: 'admin',
      summary: 'Rewrite the database file without unused space; not while printing',
      result: object({
        previous_size: int().describe('Bytes'),
        new_size: int().describe('Bytes'),
      }),
    }),
    'server.database.post_backup': post('/server/database/backup', {
      role: 'admin',
      summary: 'Copy the database; not while printing',
      params: { filename: string().describe('Named by date and time if left out').optional() },
      result: BackupPath,
    }),
    'server.database.delete_backup': del('/server/database/backup', {
      role: 'admin',
      summary: 'Delete a backup',
      params: backup,
      result: BackupPath,
    }),
    'server.database.restore': post('/server/database/restore', {
      role: 'admin',
      summary: 'Replace the database by a backup, and restart the server; not while printing',
      params: backup,
      result: object({ restored_tables: list(string()), restored_namespaces: list(string()) }),
    }),
  },
})

const admin = endpoints({ readingRole: 'admin', changingRole: 'admin' })

/** Served with `-g` only. Every namespace and table is open to them, those of users and keys too. */
export const databaseDebug = chapter({
  title: 'Debug APIs',
  about: 'For developers; served with the option -g only',
  methods: {
    'debug.database.list': admin.get('/debug/database/list', {
      summary: 'All namespaces, backups and tables',
      result: object({ ...lists, tables: list(string()) }),
    }),
    'debug.database.get_item': admin.get('/debug/database/item', {
      summary: 'The value at a key of any namespace',
      params: whole,
      result: Item,
    }),
    'debug.database.post_item': admin.post('/debug/database/item', {
      summary: 'Store a value in any namespace',
      params: { ...position, value: json() },
      result: Item,
    }),
    'debug.database.delete_item': admin.del('/debug/database/item', {
      summary: 'Remove a value from any namespace',
      params: position,
      result: Item,
    }),
    'debug.database.table': admin.get('/debug/database/table', {
      summary: 'All rows of a table',
      params: { table: string() },
      result: object({ table_name: string(), rows: list(record(json())) }),
    }),
  },
})
