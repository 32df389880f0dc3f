// Items of the namespace store in the form of the API.
import { ApiError } from '../../core/errors.ts'
import type { Key, Namespaces } from '../../storage/index.ts'

/** The reply to every call about an item; `key` has the caller's form. */
export interface Item {
  readonly namespace: string
  readonly key: unknown
  readonly value: unknown
}

/** The namespace and key of an item, from a caller. */
export interface Position {
  readonly namespace: string
  readonly key?: unknown
}

/** The value at a key; without a key the whole namespace. Throws ApiError 400, 404. */
export function getItem(namespaces: Namespaces, { namespace, key = null }: Position): Item {
  const path = key === null ? null : keyOf(key)
  const value = path === null ? namespaces.all(namespace) : namespaces.get(namespace, path)
  if (value === null) throw new ApiError(404, `Key '${textOf(path)}' in namespace '${namespace}' not found`)
  return { namespace, key, value }
}

/** Stores a value; resolves once it is on the disk. Rejects with ApiError 400, 503, 507. */
export async function postItem(
  namespaces: Namespaces,
  { namespace, key, value }: Position & { readonly value?: unknown },
): Promise<Item> {
  await namespaces.post(namespace, keyOf(key), value)
  return { namespace, key, value }
}

/** Removes an item and returns it. Rejects with ApiError 400, 404, 503, 507. */
export async function deleteItem(namespaces: Namespaces, { namespace, key }: Position): Promise<Item> {
  const value = await namespaces.delete(namespace, keyOf(key))
  return { namespace, key, value }
}

/** Throws ApiError 400 for an invalid key, with the name of its type in Python, as Moonraker does. */
function keyOf(key: unknown): Key {
  if (typeof key === 'string') return key
  if (Array.isArray(key)) return key.map(partOf)
  throw new ApiError(400, `Value for argument 'key' is an invalid type: ${pythonType(key)}`)
}

function partOf(part: unknown): string {
  if (typeof part === 'string') return part
  if (typeof part === 'number') return String(part)
  throw new ApiError(400, 'Invalid Key Format: the parts of a key are texts and numbers')
}

/** A key as errors show it. */
function textOf(key: Key | null): string {
  return key === null ? 'null' : typeof key === 'string' ? key : key.join('.')
}

function pythonType(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return 'dict'
}
