// The namespace store: what clients and components keep as JSON under a namespace and a path of keys
// (API document, "Database APIs"). The first key names a record; the others lead into its value.
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

/** A path: `a.b.c`, or its parts, which may hold dots themselves. */
export type Key = string | readonly string[]

/** Bytes that a namespace's name may have. */
const MAX_NAMESPACE_BYTES = 512
/** Bytes that a whole key may have: a path of the file system fits, as metadata uses it. */
const MAX_KEY_BYTES = 4096

type Fields = Record<string, unknown>

export class Namespaces {
  readonly #db: Sqlite
  readonly #onUnreadable: (text: string) => void
  readonly #kept = new Set<string>()

  /** `onUnreadable` hears of records that are damaged, or of a kind that only a newer server knows. */
  constructor(db: Sqlite, onUnreadable: (text: string) => void = () => {}) {
    this.#db = db
    this.#onUnreadable = onUnreadable
  }

  /** A namespace of a component: it is listed, and reads as `{}`, also while it is empty. */
  keep(namespace: string): void {
    this.#kept.add(namespace)
  }

  /** All namespaces, in no order that means something. */
  list(): string[] {
    return [...new Set([...listNamespaces(this.#db), ...this.#kept])]
  }

  /** The whole namespace as one object. Throws ApiError 404 where there is none. */
  all(namespace: string): Fields {
    const entries = this.entries(namespace)
    if (entries.size === 0 && !this.#kept.has(namespace) && !hasNamespace(this.#db, namespace)) {
      throw new ApiError(404, `Namespace ${namespace} not found`)
    }
    const fields: Fields = {}
    for (const [key, value] of entries) setField(fields, key, value)
    return fields
  }

  /** Record key to value, ordered by key; empty for a namespace that is not there. */
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

  /** The JSON texts of those records of `keys` that are objects, as they stand in the file: to be passed on unread. */
  texts(namespace: string, keys: readonly string[]): Map<string, string> {
    return readTexts(this.#db, namespace, keys)
  }

  /** The value at `key`, or undefined. Throws ApiError 400 for what is no key, 500 for an unreadable record. */
  find(namespace: string, key: Key): unknown {
    const [first, ...rest] = keyParts(key)
    let value = this.#record(namespace, first)
    for (const part of rest) value = fieldsOf(value) && fieldOf(value, part)
    return value
  }

  /** As `find`, but throws ApiError 404 where there is nothing. */
  get(namespace: string, key: Key): unknown {
    const value = this.find(namespace, key)
    if (value === undefined) throw notFound(namespace, key)
    return value
  }

  /**
   * Puts any JSON value at `key`, making the objects on the way. Null for a whole record removes it (front-ends
   * delete that way). A record that is no object gives way to one when the key leads into it.
   * Rejects with ApiError 400 for what is no key, is too long or cannot be stored.
   */
  async post(namespace: string, key: Key, value: unknown): Promise<void> {
    const [first, ...rest] = keyParts(key)
    checkNames(namespace, [first, ...rest])
    if (rest.length > 0) return this.#db.write(db => this.#postInside(db, namespace, key, value))
    if (value === null) return this.#db.write(db => void deleteRecord(db, namespace, first))
    const bytes = encodeRecord(value)
    return this.#db.write(db => writeRecord(db, namespace, first, bytes))
  }

  /** Puts many records of a namespace at once; none of the values is null. */
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
   * Takes away what is at `key` and returns it. A record that becomes empty goes too, and with the last one the
   * namespace. Rejects with ApiError 404 where there is nothing.
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
      delete (parent as Fields)[last]
      if (Object.keys(record as Fields).length === 0) deleteRecord(db, namespace, first)
      else writeRecord(db, namespace, first, encodeRecord(record))
      return value
    })
  }

  /** Takes away records by their key; those that are not there are no error. Resolves with how many there were. */
  async deleteAll(namespace: string, keys: readonly string[]): Promise<number> {
    return this.#db.write(db => keys.filter(key => deleteRecord(db, namespace, key)).length)
  }

  /** Gives records other keys, in the order of `moves` and over what is there; missing ones are passed by. */
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

  /** Takes away the whole namespace. */
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
    let parent: Fields = record
    for (const [depth, part] of rest.entries()) {
      if (fieldOf(parent, part) === undefined) setField(parent, part, {})
      const next = fieldsOf(fieldOf(parent, part))
      if (!next) {
        const path = [first, ...rest.slice(0, depth + 1)].join('.')
        throw new ApiError(
          400,
          `Item at key '${path}' in namespace '${namespace}' is not an object, nothing can be put into it`,
        )
      }
      parent = next
    }
    setField(parent, last, value)
    writeRecord(db, namespace, first, encodeRecord(record))
  }
}

/** The parts of a key. Throws ApiError 400 for an empty one, or empty parts. */
function keyParts(key: Key): [string, ...string[]] {
  const [first, ...rest] = typeof key === 'string' ? key.split('.') : key
  if (!first || rest.includes('')) throw new ApiError(400, `Invalid Key Format: '${pathOf(key)}'`)
  return [first, ...rest]
}

/** A key or name so long is a mistake or an attack, and other programs cut text at a NUL character. */
function checkNames(namespace: string, parts: readonly string[]): void {
  check('namespace', namespace, MAX_NAMESPACE_BYTES)
  check('key', parts.join('.'), MAX_KEY_BYTES)
}

function check(what: string, text: string, limit: number): void {
  const fault =
    text === ''
      ? 'it is empty'
      : Buffer.byteLength(text) > limit
        ? `it is longer than ${limit} bytes`
        : text.includes('\0')
          ? 'it holds a NUL character'
          : text.isWellFormed()
            ? null
            : 'it holds half a surrogate pair'
  if (fault === null) return
  throw new ApiError(400, `The argument '${what}' cannot be stored: ${fault}`)
}

function pathOf(key: Key): string {
  return typeof key === 'string' ? key : key.join('.')
}

function notFound(namespace: string, key: Key): ApiError {
  return new ApiError(404, `Key '${pathOf(key)}' in namespace '${namespace}' not found`)
}

function fieldsOf(value: unknown): Fields | undefined {
  const isObject =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value)
  return isObject ? (value as Fields) : undefined
}

function fieldOf(fields: unknown, key: string): unknown {
  return Object.hasOwn(fields as Fields, key) ? (fields as Fields)[key] : undefined
}

/** Also for `__proto__`, which is a key like any other in JSON. */
function setField(fields: Fields, key: string, value: unknown): void {
  Object.defineProperty(fields, key, { value, writable: true, enumerable: true, configurable: true })
}
