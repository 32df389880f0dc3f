// The operations on dicts, the same for the template's own Maps and the host's plain objects.

import { TemplateError } from './template-error.ts'
import {
  type Dict,
  dictEntries,
  Float,
  fromHost,
  isDict,
  numberOf,
  sequenceItems,
  typeName,
} from './values.ts'

/** The value of a key, or `undefined` when the dict does not have it. */
export function dictGet(dict: Dict, key: unknown): unknown {
  if (dict instanceof Map) {
    const stored = storedKey(dict, key)
    return dict.has(stored) ? fromHost(dict.get(stored), dict) : undefined
  }
  const name = propertyName(key)
  return name !== undefined && Object.hasOwn(dict, name) ? fromHost(dict[name], dict) : undefined
}

/** Whether the dict has the key. */
export function dictHas(dict: Dict, key: unknown): boolean {
  if (dict instanceof Map) return dict.has(storedKey(dict, key))
  const name = propertyName(key)
  return name !== undefined && Object.hasOwn(dict, name)
}

/** Sets the value of a key. */
export function dictSet(dict: Dict, key: unknown, value: unknown): void {
  if (dict instanceof Map) {
    dict.set(storedKey(dict, key), value)
    return
  }
  const name = propertyName(key)
  if (name === undefined)
    throw new TemplateError('TypeError', `a '${typeName(key)}' cannot be a key of this dict`)
  // A plain assignment of `__proto__` would change the object's prototype.
  Object.defineProperty(dict, name, { value, writable: true, enumerable: true, configurable: true })
}

/** Removes a key. */
export function dictDelete(dict: Dict, key: unknown): void {
  if (dict instanceof Map) {
    dict.delete(storedKey(dict, key))
    return
  }
  const name = propertyName(key)
  if (name !== undefined) Reflect.deleteProperty(dict, name)
}

/** The keys in order. */
export function dictKeys(dict: Dict): unknown[] {
  return dict instanceof Map ? [...dict.keys()] : Object.keys(dict)
}

/** The number of keys. */
export function dictSize(dict: Dict): number {
  return dict instanceof Map ? dict.size : Object.keys(dict).length
}

/** Sets every pair of `source`, a dict or a list of pairs. */
export function dictUpdate(dict: Dict, source: unknown): void {
  for (const [key, value] of pairsOf(source)) dictSet(dict, key, value)
}

/** The pairs of a dict or of a list of pairs. */
export function pairsOf(source: unknown): [unknown, unknown][] {
  if (isDict(source)) return dictEntries(source)
  const items = sequenceItems(source)
  if (!items)
    throw new TemplateError('TypeError', `'${typeName(source)}' object is not a dict or a list of pairs`)
  return items.map(item => {
    const pair = typeof item === 'string' ? Array.from(item) : sequenceItems(item)
    if (pair?.length !== 2) throw new TemplateError('ValueError', 'each item must be a pair of key and value')
    return [pair[0], pair[1]]
  })
}

function propertyName(key: unknown): string | undefined {
  if (typeof key === 'string') return key
  const number = numberOf(key)
  return number === undefined ? undefined : String(number)
}

function storedKey(map: Map<unknown, unknown>, key: unknown): unknown {
  if (typeof key === 'string' || map.has(key)) return key
  if (key instanceof Float) return key.value
  if (sequenceItems(key) || isDict(key)) {
    // A tuple would have to be compared with every other key, as Maps know objects by identity only.
    throw new TemplateError(
      'TypeError',
      `a '${typeName(key)}' cannot be the key of a dict here; use a text or a number`,
    )
  }
  return key
}
