// The builders of schemas. Reading is as lenient as clients need: "5" is the integer 5, "true" is true.
import {
  type Infer,
  type InferShape,
  Invalid,
  type JsonSchema,
  type Optional,
  readShape,
  type Schema,
  type Shape,
} from './schema.ts'

/** A JSON Schema, or what makes it. */
type JsonSource = JsonSchema | (() => JsonSchema)

/** A schema with the modifiers that every field has. */
export class Field<T> implements Schema<T> {
  /** Only documents need the JSON Schemas of most fields, so each is made when it is first read. */
  protected source: JsonSource
  readonly read: (input: unknown, name: string) => T
  readonly secret?: true

  constructor(source: JsonSource, read: (input: unknown, name: string) => T, secret = false) {
    this.source = source
    this.read = read
    if (secret) this.secret = true
  }

  get json(): JsonSchema {
    if (typeof this.source === 'function') this.source = this.source()
    return this.source
  }

  /** May be left out; the value is `value` then. */
  default<D extends T>(value: D): Field<T> & Optional<T> {
    const field = new Field<T>(() => ({ ...this.json, default: value }), this.read, this.secret)
    return Object.assign(field, { fallback: { value } })
  }

  /** May be left out; the value is absent then. */
  optional(): Field<T | undefined> & Optional<T | undefined> {
    const field = new Field<T | undefined>(() => this.json, this.read, this.secret)
    return Object.assign(field, { fallback: { value: undefined } })
  }

  /** May be null. */
  nullable(): Field<T | null> {
    const { read } = this
    return new Field<T | null>(
      () => nullableJson(this.json),
      (input, name) => (input === null ? null : read(input, name)),
      this.secret,
    )
  }

  /** Documents what the value means. */
  describe(description: string): this {
    return withKeywords(this, { description })
  }

  /** Documents the unit of the value, such as `s` or `MiB`. */
  unit(unit: string): this {
    return withKeywords(this, { 'x-unit': unit })
  }
}

/** A copy of `field` with further keywords in its JSON Schema. */
function withKeywords<F extends Field<unknown>>(field: F, keywords: JsonSchema): F {
  const copy = Object.create(Object.getPrototypeOf(field))
  return Object.assign(copy, field, { source: () => ({ ...field.json, ...keywords }) })
}

function nullableJson(json: JsonSchema): JsonSchema {
  return typeof json.type === 'string' && json.enum === undefined
    ? { ...json, type: [json.type, 'null'] }
    : { anyOf: [json, { type: 'null' }] }
}

/**
 * Text. Numbers and booleans are converted to text, as in the original. Half of a character (a surrogate without its pair)
 * is refused: files and the database, which have UTF-8, would store another text.
 */
export function string(): Field<string> {
  return new Field({ type: 'string' }, (input, name) => {
    if (typeof input === 'string') {
      if (input.isWellFormed()) return input
      throw new Invalid(name, 'string without half characters', input)
    }
    if (typeof input === 'number' || typeof input === 'boolean') return String(input)
    throw new Invalid(name, 'string', input)
  })
}

/** Text that must not appear in a log or an error. */
export function secret(field: Field<string> = string()): Field<string> & { readonly secret: true } {
  const read = (input: unknown, name: string) => {
    try {
      return field.read(input, name)
    } catch {
      throw new Invalid(name, 'string', HIDDEN)
    }
  }
  return Object.assign(new Field(() => ({ ...field.json, format: 'password' }), read), {
    secret: true as const,
  })
}

/** Replaces a value that may be or contain a secret. */
const HIDDEN = '(hidden)'

/** `input` as an error may show it, after `schemas` could not read it. */
function shown(input: unknown, schemas: readonly Schema<unknown>[]): unknown {
  return schemas.some(schema => schema.secret) ? HIDDEN : input
}

/** Limits of a number; the range includes `min` and `max`, and excludes `above` and `below`. */
export interface Limits {
  readonly min?: number
  readonly max?: number
  readonly above?: number
  readonly below?: number
}

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i

function toNumber(input: unknown): number {
  if (typeof input === 'number') return input
  if (typeof input === 'boolean') return Number(input)
  if (typeof input === 'string' && DECIMAL.test(input.trim())) return Number(input)
  return Number.NaN
}

function limitsJson({ min, max, above, below }: Limits): JsonSchema {
  return {
    ...(min !== undefined && { minimum: min }),
    ...(max !== undefined && { maximum: max }),
    ...(above !== undefined && { exclusiveMinimum: above }),
    ...(below !== undefined && { exclusiveMaximum: below }),
  }
}

function checkLimits(value: number, limits: Limits, name: string): number {
  const { min, max, above, below } = limits
  if (min !== undefined && value < min) throw new Invalid(name, `number of at least ${min}`, value)
  if (max !== undefined && value > max) throw new Invalid(name, `number of at most ${max}`, value)
  if (above !== undefined && value <= above) throw new Invalid(name, `number above ${above}`, value)
  if (below !== undefined && value >= below) throw new Invalid(name, `number below ${below}`, value)
  return value
}

/** A whole number within JavaScript's exact range. A JSON number loses its fraction; text must not have one. */
export function int(limits: Limits = {}): Field<number> {
  return new Field({ type: 'integer', ...limitsJson(limits) }, (input, name) => {
    // Adding 0 turns -0 into 0.
    const value = typeof input === 'number' ? Math.trunc(input) + 0 : toNumber(input)
    if (!Number.isSafeInteger(value)) throw new Invalid(name, 'int', input)
    return checkLimits(value, limits, name)
  })
}

/** A finite number. */
export function float(limits: Limits = {}): Field<number> {
  return new Field({ type: 'number', ...limitsJson(limits) }, (input, name) => {
    const value = toNumber(input)
    if (!Number.isFinite(value)) throw new Invalid(name, 'float', input)
    return checkLimits(value, limits, name)
  })
}

const TRUE = new Set(['true', 'yes', 'on', '1'])
const FALSE = new Set(['false', 'no', 'off', '0'])

/** A boolean. Text as in Python's configparser: true/yes/on/1 or false/no/off/0, in upper or lower case. */
export function bool(): Field<boolean> {
  return new Field({ type: 'boolean' }, (input, name) => {
    if (typeof input === 'boolean') return input
    const text = typeof input === 'string' || typeof input === 'number' ? String(input).toLowerCase() : ''
    if (TRUE.has(text)) return true
    if (FALSE.has(text)) return false
    throw new Invalid(name, 'bool', input)
  })
}

/** One of the given texts. */
export function choice<const C extends string>(...choices: readonly C[]): Field<C> {
  return new Field({ type: 'string', enum: choices }, (input, name) => {
    if (choices.includes(input as C)) return input as C
    throw new Invalid(name, `one of ${choices.join(', ')}`, input)
  })
}

/** Any JSON value. */
export function json(): Field<unknown> {
  return new Field({}, input => input)
}

/** A list of items of one type. */
export function list<T>(item: Schema<T>): Field<T[]> {
  return new Field(
    () => ({ type: 'array', items: item.json }),
    (input, name) => {
      if (!Array.isArray(input)) throw new Invalid(name, 'list', shown(input, [item]))
      return input.map((value, index) => item.read(value, `${name}[${index}]`))
    },
  )
}

/** The items of a text, separated by commas. */
export function commaItems(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

/** A list of texts, which query strings and some clients send as one text with commas between the items. */
export function commaList(item: Schema<string> = string()): Field<string[]> {
  const items = list(item)
  return new Field(
    () => ({ anyOf: [items.json, { type: 'string' }] }),
    (input, name) => items.read(typeof input === 'string' ? commaItems(input) : input, name),
  )
}

/** A list of fixed length, with a type for each place. */
export function tuple<const S extends readonly Schema<unknown>[]>(
  ...items: S
): Field<{ -readonly [K in keyof S]: Infer<S[K]> }> {
  const { length } = items
  const json = () => ({
    type: 'array',
    prefixItems: items.map(item => item.json),
    minItems: length,
    maxItems: length,
  })
  return new Field(json, (input, name) => {
    if (!Array.isArray(input) || input.length !== length) {
      throw new Invalid(name, `list of ${length}`, shown(input, items))
    }
    return items.map((item, index) => item.read(input[index], `${name}[${index}]`)) as never
  })
}

/** An object whose names are not known, with values of one type. */
export function record<T>(value: Schema<T>): Field<Record<string, T>> {
  return new Field(
    () => ({ type: 'object', additionalProperties: value.json }),
    (input, name) => {
      if (!isPlainObject(input)) throw new Invalid(name, 'object', shown(input, [value]))
      const entries = Object.entries(input).map(([key, item]) => [key, value.read(item, `${name}.${key}`)])
      return Object.fromEntries(entries) as Record<string, T>
    },
  )
}

/** An object with known fields; other fields are ignored. */
export function object<S extends Shape>(shape: S): Field<InferShape<S>> {
  const json = () => shapeJson(shape)
  return new Field(json, (input, name) => {
    if (!isPlainObject(input)) throw new Invalid(name, 'object', shown(input, Object.values(shape)))
    return readShape(shape, input, name)
  })
}

/** The first of the given schemas that can read the value. */
export function anyOf<const S extends readonly Schema<unknown>[]>(...schemas: S): Field<Infer<S[number]>> {
  return new Field(
    () => ({ anyOf: schemas.map(schema => schema.json) }),
    (input, name) => {
      for (const schema of schemas) {
        try {
          return schema.read(input, name) as Infer<S[number]>
        } catch (error) {
          if (!(error instanceof Invalid)) throw error
        }
      }
      throw new Invalid(name, 'value of a type that is accepted here', shown(input, schemas))
    },
  )
}

/** The JSON Schema of named fields; those without a default are required. */
export function shapeJson(shape: Shape): JsonSchema {
  const required = Object.keys(shape).filter(key => shape[key]?.fallback === undefined)
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(shape).map(([key, field]) => [key, field.json])),
    ...(required.length > 0 && { required }),
  }
}

/** An object that is neither an array nor null. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
