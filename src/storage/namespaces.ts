// The namespace store: JSON values of clients and components, by namespace and key path (API document, "Database APIs").
// The first part of a path is the key of a record; the others are keys inside its value.
import { ApiError } from '../core/errors.ts'
import { isExactNumber } from '../core/exact-json.ts'
import {
  clearNamespace,
  deleteRecord,
  hasNamespace,
  listNamespaces,
  readKeys,
  readNamespace,
  readRecord,
  readTexts,
  writeRecord,
} from './namespace-rows.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import type { Sqlite, Writer } from './sqlite.ts'

/** A path: `a.b.c`, or its parts, which may contain dots. */
export type Key = string | readonly string[]

/** The longest name of a namespace, in bytes. */
const MAX_NAMESPACE_BYTES = 512
/** The longest whole key, in bytes: metadata uses paths of files. */
const MAX_KEY_BYTES = 4096

type JsonObject = Record<string, unknown>

export class Namespaces {
  readonly #db: Sqlite
  readonly #onUnreadable: (text: string) => void
  readonly #kept = new Set<string>()

  /** `onUnreadable` receives a text for each record that is damaged, or of a kind that only a newer server knows. */
  constructor(db: Sqlite, onUnreadable: (text: string) => void = () => {}) {
    this.#db = db
    this.#onUnreadable = onUnreadable
  }

  /** Lists the namespace, and reads it as `{}`, also while it is empty. */
  keep(namespace: string): void {
    this.#kept.add(namespace)
  }

  /** All namespaces, in no particular order. */
  list(): string[] {
    return [...new Set([...listNamespaces(this.#db), ...this.#kept])]
  }

  /** The whole namespace as one object. Throws ApiError 404 for an unknown namespace. */
  all(namespace: string): JsonObject {
    const entries = this.entries(namespace)
    if (entries.size === 0 && !this.#kept.has(namespace) && !hasNamespace(this.#db, namespace)) {
      throw new ApiError(404, `Namespace ${namespace} not found`)
    }
    const fields: JsonObject = {}
    for (const [key, value] of entries) setField(fields, key, value)
    return fields
  }

  /** Record key to value, ordered by key; empty for an unknown namespace. */
  entries(namespace: string): Map<string, unknown> {
    return readNamespace(this.#db, namespace, key =>
      this.#onUnreadable(
        `The database item '${key}' in namespace '${namespace}' cannot be read: it is left out`,
      ),
    )
  }

  /** The record keys of a namespace, ordered. */
  keys(namespace: string): string[] {
    return readKeys(this.#db, namespace)
  }

  /** The JSON texts of those records of `keys` that are objects, to be sent without parsing. */
  texts(namespace: string, keys: readonly string[]): Map<string, string> {
    return readTexts(this.#db, namespace, keys)
  }

  /** The value at `key`, or undefined. Throws ApiError 400 for an invalid key, 500 for an unreadable record. */
  find(namespace: string, key: Key): unknown {
    const [first, ...rest] = keyParts(key)
    let value = this.#record(namespace, first)
    for (const part of rest) value = fieldsOf(value) && fieldOf(value, part)
    return value
  }

  /** As `find`, but throws ApiError 404 if there is no value. */
  get(namespace: string, key: Key): unknown {
    const value = this.find(namespace, key)
    if (value === undefined) throw notFound(namespace, key)
    return value
  }

  /**
   * Stores a JSON value at `key`, and creates the objects above it. Null removes a whole record: front-ends delete in
   * this way. A key inside a record that is not an object replaces the record by an object. Rejects with ApiError 400 for
   * an invalid or too long key, and for a value that cannot be stored.
   */
  async post(namespace: string, key: Key, value: unknown): Promise<void> {
    const [first, ...rest] = keyParts(key)
    checkNames(namespace, [first, ...rest])
    if (rest.length > 0) return this.#db.write(db => this.#postInside(db, namespace, key, value))
    if (value === null) return this.#db.write(db => void deleteRecord(db, namespace, first))
    const bytes = encodeRecord(value)
    return this.#db.write(db => writeRecord(db, namespace, first, bytes))
  }

  /** Stores many records of a namespace at once; no value is null. */
  async postAll(namespace: string, records: ReadonlyMap<string, unknown>): Promise<void> {
    const encoded = [...records].map(([key, value]) => {
      checkNames(namespace, [key])
      return [key, encodeRecord(value)] as const
    })
    return this.#db.write(db => {
      for (const [key, bytes] of encoded) writeRecord(db, namespace, key, bytes)
    })
  }

  /**
   * Removes the value at `key` and returns it. Also removes a record that becomes empty, and with the last record the
   * namespace. Rejects with ApiError 404 if there is no value.
   */
  async delete(namespace: string, key: Key): Promise<unknown> {
    const [first, ...rest] = keyParts(key)
    return this.#db.write(db => {
      const record = this.#record(namespace, first, rest.length > 0)
      const last = rest.at(-1)
      if (last === undefined) {
        if (!deleteRecord(db, namespace, first)) throw notFound(namespace, key)
        return record
      }
      let parent = record
      for (const part of rest.slice(0, -1)) parent = fieldsOf(parent) && fieldOf(parent, part)
      const value = fieldsOf(parent) && fieldOf(parent, last)
      if (value === undefined) throw notFound(namespace, key)
      delete (parent as JsonObject)[last]
      if (Object.keys(record as JsonObject).length === 0) deleteRecord(db, namespace, first)
      else writeRecord(db, namespace, first, encodeRecord(record))
      return value
    })
  }

  /** Removes records by their keys; missing ones are ignored. Resolves with the number of removed records. */
  async deleteAll(namespace: string, keys: readonly string[]): Promise<number> {
    return this.#db.write(db => keys.filter(key => deleteRecord(db, namespace, key)).length)
  }

  /** Renames records, in the order of `moves`; replaces existing ones, ignores missing ones. */
  async rename(namespace: string, moves: ReadonlyMap<string, string>): Promise<void> {
    for (const to of moves.values()) checkNames(namespace, [to])
    return this.#db.write(db => {
      for (const [from, to] of moves) {
        const bytes = readRecord(db, namespace, from)
        if (!bytes || from === to) continue
        writeRecord(db, namespace, to, bytes)
        deleteRecord(db, namespace, from)
      }
    })
  }

  /** Removes the whole namespace. */
  async clear(namespace: string): Promise<void> {
    return this.#db.write(db => clearNamespace(db, namespace))
  }

  #record(namespace: string, key: string, editing = false): unknown {
    const bytes = readRecord(this.#db, namespace, key)
    if (!bytes) return undefined
    try {
      return decodeRecord(bytes, editing)
    } catch (cause) {
      throw new ApiError(500, `The database item '${key}' in namespace '${namespace}' cannot be read`, {
        cause,
      })
    }
  }

  #postInside(db: Writer, namespace: string, key: Key, value: unknown): void {
    const [first, ...rest] = keyParts(key)
    const record = fieldsOf(this.#record(namespace, first, true)) ?? {}
    const last = rest.pop()!
    let parent: JsonObject = record
    for (const [depth, part] of rest.entries()) {
      if (fieldOf(parent, part) === undefined) setField(parent, part, {})
      const next = fieldsOf(fieldOf(parent, part))
      if (!next) {
        const path = [first, ...rest.slice(0, depth + 1)].join('.')
        throw new ApiError(
          400,
          `Item at key '${path}' in namespace '${namespace}' is not an object and cannot contain other items`,
        )
      }
      parent = next
    }
    setField(parent, last, value)
    writeRecord(db, namespace, first, encodeRecord(record))
  }
}

/** The parts of a key. Throws ApiError 400 for an empty key or part. */
function keyParts(key: Key): [string, ...string[]] {
  const [first, ...rest] = typeof key === 'string' ? key.split('.') : key
  if (!first || rest.includes('')) throw new ApiError(400, `Invalid Key Format: '${pathOf(key)}'`)
  return [first, ...rest]
}

/** A longer key or name is a mistake or an attack, and other programs cut text at a NUL character. */
function checkNames(namespace: string, parts: readonly string[]): void {
  check('namespace', namespace, MAX_NAMESPACE_BYTES)
  check('key', parts.join('.'), MAX_KEY_BYTES)
}

function check(what: string, text: string, limit: number): void {
  const problem =
    text === ''
      ? 'it is empty'
      : Buffer.byteLength(text) > limit
        ? `it is longer than ${limit} bytes`
        : text.includes('\0')
          ? 'it contains a NUL character'
          : text.isWellFormed()
            ? null
            : 'it contains half a surrogate pair'
  if (problem === null) return
  throw new ApiError(400, `The argument '${what}' cannot be stored: ${problem}`)
}

function pathOf(key: Key): string {
  return typeof key === 'string' ? key : key.join('.')
}

function notFound(namespace: string, key: Key): ApiError {
  return new ApiError(404, `Key '${pathOf(key)}' in namespace '${namespace}' not found`)
}

function fieldsOf(value: unknown): JsonObject | undefined {
  const isObject =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value)
  return isObject ? (value as JsonObject) : undefined
}

function fieldOf(fields: unknown, key: string): unknown {
  return Object.hasOwn(fields as JsonObject, key) ? (fields as JsonObject)[key] : undefined
}

/** Also for `__proto__`, which in JSON is a key like any other. */
function setField(fields: JsonObject, key: string, value: unknown): void {
  Object.defineProperty(fields, key, { value, writable: true, enumerable: true, configurable: true })
}
