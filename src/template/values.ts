// The values of a template: Python's types on top of JavaScript's, and the conversions between them and the host's.
//
//   None      null                      str    string
//   bool      boolean                   list   array
//   int       a whole number            dict   Map (made by the template) or a plain object (from the host)
//   float     any other number, or a Float for one without a fraction, which JavaScript cannot distinguish from an int
//   tuple, range, dict views            Sequence
//   functions, methods, macros          Callable; no value of a template is a plain JavaScript function
//   anything with attributes of its own TemplateObject

import { TemplateError } from './template-error.ts'

/**
 * An object that looks its items up when a template uses them (`printer.toolhead`, `printer["fan"]`).
 * `getItem` returns `undefined` for a missing item, and may return a promise; `keys` makes it iterable.
 */
export interface TemplateObject {
  getItem(key: unknown): unknown
  keys?(): Iterable<unknown>
  /** How the object prints and is named in messages; 'object' otherwise. */
  readonly typeName?: string
}

/** A float without a fraction, such as 5.0. Hosts make one with `float()`. */
export class Float {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }

  toJSON(): number {
    return this.value
  }
}

/** Marks a number as a float, which prints and divides as one: `float(60)` prints `60.0`. */
export function float(value: number): number | Float {
  return Number.isInteger(value) ? new Float(value) : value
}

/** The keyword arguments of a call, given to a host function as its last argument, only when there are any. */
export class Kwargs {
  readonly values: Readonly<Record<string, unknown>>

  constructor(values: Record<string, unknown>) {
    this.values = values
  }
}

/** Splits the arguments of a host function into positional and keyword arguments. */
export function splitArguments(received: readonly unknown[]): {
  positional: unknown[]
  named: Readonly<Record<string, unknown>>
} {
  const last = received.at(-1)
  if (last instanceof Kwargs) return { positional: received.slice(0, -1), named: last.values }
  return { positional: [...received], named: {} }
}

/** Keyword arguments inside the engine. */
export type Named = ReadonlyMap<string, unknown>

/** The absent keyword arguments of most calls. */
export const NO_NAMED: Named = new Map()

/** A value that a template can call. */
export class Callable {
  readonly name: string
  readonly call: (args: unknown[], named: Named) => unknown
  readonly attributes: ReadonlyMap<string, unknown>

  constructor(name: string, call: Callable['call'], attributes: ReadonlyMap<string, unknown> = NO_NAMED) {
    this.name = name
    this.call = call
    this.attributes = attributes
  }
}

export type SequenceKind = 'tuple' | 'range' | 'dict_keys' | 'dict_values' | 'dict_items'

/** A list that cannot change. */
export class Sequence {
  readonly kind: SequenceKind
  readonly items: readonly unknown[]
  /** Attribute names of the items, for the named tuples of `groupby`. */
  readonly fields: readonly string[]

  constructor(kind: SequenceKind, items: readonly unknown[], fields: readonly string[] = []) {
    this.kind = kind
    this.items = items
    this.fields = fields
  }

  toJSON(): readonly unknown[] {
    return this.items
  }
}

/** A tuple of these items. */
export function tuple(...items: unknown[]): Sequence {
  return new Sequence('tuple', items)
}

/**
 * A tuple whose items have names as well, in the order of `fields`, such as Klipper's coordinates: templates may
 * write `position.x` and `position[0]`, and it turns into an array as JSON.
 */
export function namedTuple(fields: Readonly<Record<string, unknown>>): Sequence {
  return new Sequence('tuple', Object.values(fields), Object.keys(fields))
}

/** The result of a failed look-up: empty when printed or looped over, an error when used otherwise. */
export class Undefined {
  /** The message of the UndefinedError that using it raises. */
  readonly message: string
  readonly #strict: boolean

  /** A `strict` one is an error even when only printed, looped over, compared or tested for truth. */
  constructor(message: string, strict: boolean) {
    this.message = message
    this.#strict = strict
  }

  /** The error of using it. */
  error(): TemplateError {
    return new TemplateError('UndefinedError', this.message)
  }

  /** Raises its error if it is strict. */
  touch(): void {
    if (this.#strict) throw this.error()
  }
}

/** A dict in either of its shapes. */
export type Dict = Map<unknown, unknown> | Record<string, unknown>

/** Whether the value is an object literal or parsed JSON rather than an instance of some class. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** Whether the value looks its items up itself. */
export function isTemplateObject(value: unknown): value is TemplateObject {
  if (typeof value !== 'object' || value === null || value instanceof Map || Array.isArray(value))
    return false
  return 'getItem' in value && typeof value.getItem === 'function'
}

/** Whether the value is a dict. */
export function isDict(value: unknown): value is Dict {
  return value instanceof Map || (isPlainObject(value) && !isTemplateObject(value))
}

/** The items of a list or another sequence that is not text; undefined for anything else. */
export function sequenceItems(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value
  return value instanceof Sequence ? value.items : undefined
}

/** The number behind an int, a float or a bool; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (value instanceof Float) return value.value
  return typeof value === 'boolean' ? Number(value) : undefined
}

/** Whether the value is a float. */
export function isFloat(value: unknown): boolean {
  return value instanceof Float || (typeof value === 'number' && !Number.isInteger(value))
}

/** Whether the value is an int (and not a bool). */
export function isInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value)
}

/** The whole number that is needed as `what`; anything else raises a TypeError. */
export function integerOf(value: unknown, what: string): number {
  if (isInteger(value)) return value
  if (typeof value === 'boolean') return Number(value)
  if (value instanceof Undefined) throw value.error()
  throw new TemplateError('TypeError', `${what} must be an int, not '${typeName(value)}'`)
}

/** Python's name of the value's type. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'str'
  if (isFloat(value)) return 'float'
  if (typeof value === 'number') return 'int'
  if (Array.isArray(value)) return 'list'
  if (value instanceof Sequence) return value.kind
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof Callable || typeof value === 'function') return 'function'
  if (isTemplateObject(value)) return value.typeName ?? 'object'
  return isDict(value) ? 'dict' : 'object'
}

/**
 * Converts a host's value into a value of the template; an absent value becomes None.
 * A function is called with `owner`, the object it was found in, as its `this`.
 */
export function fromHost(value: unknown, owner?: unknown): unknown {
  switch (typeof value) {
    case 'undefined':
      return null
    case 'bigint':
      return Number(value)
    case 'function':
      return hostFunction(value, owner)
    case 'object':
      return value instanceof Set ? [...value] : value
    default:
      return value
  }
}

// biome-ignore lint/complexity/noBannedTypes: typeof narrows a host's function no further
function hostFunction(target: Function, owner: unknown): Callable {
  return new Callable(target.name, (args, named): unknown => {
    const received = args.map(arg => toPlain(arg))
    if (named.size > 0) {
      received.push(new Kwargs(Object.fromEntries([...named].map(([name, arg]) => [name, toPlain(arg)]))))
    }
    return Reflect.apply(target, owner, received)
  })
}

const MAX_PLAIN_VALUES = 200_000

/**
 * Copies a template's value into plain JavaScript: numbers, arrays and objects instead of Float, Sequence and Map.
 * Undefined becomes `undefined`; instances of the host's classes stay what they are.
 */
export function toPlain(value: unknown): unknown {
  let left = MAX_PLAIN_VALUES
  const copy = (item: unknown, depth: number): unknown => {
    if (typeof item !== 'object' || item === null) return item
    left -= 1
    if (left < 0 || depth > 100)
      throw new TemplateError('LimitError', 'an argument is too large or contains itself')
    if (item instanceof Float) return item.value
    if (item instanceof Undefined) return undefined
    const items = sequenceItems(item)
    if (items) return items.map(each => copy(each, depth + 1))
    if (!isDict(item)) return item
    return Object.fromEntries(dictEntries(item).map(([key, each]) => [plainKey(key), copy(each, depth + 1)]))
  }
  return copy(value, 0)
}

function plainKey(key: unknown): string {
  if (typeof key === 'string') return key
  return String(numberOf(key) ?? null)
}

/** The pairs of a dict, in order. */
export function dictEntries(dict: Dict): [unknown, unknown][] {
  const entries = dict instanceof Map ? [...dict] : Object.entries(dict)
  return entries.map(([key, value]) => [key, fromHost(value, dict)])
}
