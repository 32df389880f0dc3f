// `object.name`, `object[key]` and `object[start:stop:step]`.

import { boundMethod, builtinNamed, type Run } from './builtin.ts'
import { dictMethods, listMethods, numberMethods, tupleMethods } from './container-methods.ts'
import { dictGet } from './dict.ts'
import { characters, lengthOf } from './operators.ts'
import { stringMethods } from './string-methods.ts'
import { TemplateError } from './template-error.ts'
import { repr } from './text.ts'
import {
  Callable,
  fromHost,
  integerOf,
  isDict,
  isFloat,
  isInteger,
  isTemplateObject,
  Sequence,
  sequenceItems,
  typeName,
  Undefined,
} from './values.ts'

/** `object.name`: a method or attribute, else the item of that key, else undefined. May be a promise. */
export function getAttribute(object: unknown, name: string, run: Run): unknown {
  if (object instanceof Undefined) throw object.error()
  const attribute = ownAttribute(object, name, run)
  if (attribute !== undefined) return attribute
  if (isTemplateObject(object)) return lookUpInObject(object, name, run)
  const item = isDict(object) ? dictGet(object, name) : undefined
  return item === undefined ? missing(object, name, run) : item
}

/** `object[key]`: the item of that key, else the attribute of that name, else undefined. May be a promise. */
export function getItem(object: unknown, key: unknown, run: Run): unknown {
  if (object instanceof Undefined) throw object.error()
  if (key instanceof Undefined) throw key.error()
  if (isDict(object)) {
    const item = dictGet(object, key)
    if (item !== undefined) return item
  } else if (isTemplateObject(object)) {
    return lookUpInObject(object, key, run)
  } else if (isInteger(key) || typeof key === 'boolean') {
    return elementAt(object, Number(key), run)
  }
  if (typeof key !== 'string') return missing(object, key, run)
  return ownAttribute(object, key, run) ?? missing(object, key, run)
}

function lookUpInObject(object: { getItem(key: unknown): unknown }, key: unknown, run: Run): unknown {
  const settle = (item: unknown) => (item === undefined ? missing(object, key, run) : fromHost(item, object))
  const found = object.getItem(key)
  return found instanceof Promise ? found.then(settle) : settle(found)
}

function elementAt(object: unknown, index: number, run: Run): unknown {
  if (typeof object === 'string') run.budget.weigh(object)
  const elements = typeof object === 'string' ? characters(object) : sequenceItems(object)
  if (!elements || isView(object)) return missing(object, index, run)
  const element = elements[index < 0 ? elements.length + index : index]
  return element === undefined ? missing(object, index, run) : fromHost(element, object)
}

function isView(object: unknown): boolean {
  return object instanceof Sequence && object.kind.startsWith('dict_')
}

function ownAttribute(object: unknown, name: string, run: Run): unknown {
  if (typeof object === 'string') return bound(stringMethods, object)
  if (Array.isArray(object)) return bound(listMethods, object)
  if (object instanceof Callable) return object.attributes.get(name)
  if (object instanceof Sequence) {
    const field = object.fields.indexOf(name)
    return field < 0 ? bound(tupleMethods, object) : object.items[field]
  }
  if (isFloat(object)) return bound(numberMethods, object)
  return !isTemplateObject(object) && isDict(object) ? bound(dictMethods, object) : undefined

  function bound<Self>(table: Parameters<typeof builtinNamed<Self>>[0], self: Self): Callable | undefined {
    const builtin = builtinNamed(table, name)
    return builtin && boundMethod(builtin, name, self, run)
  }
}

function missing(object: unknown, key: unknown, run: Run): Undefined {
  const type = object === null ? 'None' : `${typeName(object)} object`
  if (typeof key === 'string') return run.undefined(`'${type}' has no attribute '${key}'`)
  return run.undefined(`${type} has no element ${repr(key, run.budget)}`)
}

/** `object[start:stop:step]` of a text or a list, with Python's rules for missing and negative bounds. */
export function slice(
  object: unknown,
  bounds: { start: unknown; stop: unknown; step: unknown },
  run: Run,
): unknown {
  if (object instanceof Undefined) throw object.error()
  const length = lengthOf(object)
  if (length === undefined || isDict(object) || isView(object)) return missing(object, 'slice', run)
  const step = bounds.step === null ? 1 : integerOf(bounds.step, 'a slice step')
  if (step === 0) throw new TemplateError('ValueError', 'slice step cannot be zero')
  const from = limit(bounds.start, length, step, step > 0 ? 0 : length - 1)
  const to = limit(bounds.stop, length, step, step > 0 ? length : -1)
  if (typeof object === 'string' && step === 1 && length === object.length)
    return object.slice(from, Math.max(from, to))
  const source = typeof object === 'string' ? characters(object) : (sequenceItems(object) ?? [])
  const picked: unknown[] = []
  for (let index = from; step > 0 ? index < to : index > to; index += step) picked.push(source[index])
  if (typeof object === 'string') return picked.join('')
  return object instanceof Sequence ? new Sequence(object.kind, picked) : picked
}

function limit(bound: unknown, length: number, step: number, missingBound: number): number {
  if (bound === null) return missingBound
  const index = integerOf(bound, 'a slice bound')
  const counted = index < 0 ? index + length : index
  return step > 0 ? Math.min(Math.max(counted, 0), length) : Math.min(Math.max(counted, -1), length - 1)
}
