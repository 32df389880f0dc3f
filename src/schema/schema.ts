// What a schema is: JSON Schema, static type, and how a value is read from lenient input.

/** A JSON Schema (2020-12) as a plain object. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A schema. It reads JSON bodies, query strings and configuration text, and is published in OpenAPI and OpenRPC. */
export interface Schema<T> {
  readonly json: JsonSchema
  /** Reads `input`. Throws Invalid with the path (from `name`) of the first invalid value. */
  read(input: unknown, name: string): T
  /** The value if none is given; absent if one is required. */
  readonly fallback?: { readonly value: T }
  /** The value must not appear in a log or an error. */
  readonly secret?: true
  /** A parameter whose entries are arguments themselves: always, or if the value is not given under its name. */
  readonly keyed?: 'always' | 'or named'
  /** Converts the value of such an argument into an entry's value. */
  readonly readValue?: (value: unknown) => unknown
}

/** A schema whose value may be left out. */
export interface Optional<T> extends Schema<T> {
  readonly fallback: { readonly value: T }
}

/** Named fields. */
export type Shape = Readonly<Record<string, Schema<unknown>>>

/** The type of the values that a schema describes. */
export type Infer<S> = S extends Schema<infer T> ? T : never

type OptionalKeys<S extends Shape> = {
  [K in keyof S]: S[K] extends Optional<unknown> ? (undefined extends Infer<S[K]> ? K : never) : never
}[keyof S]

/** The fields of a shape after reading: fields with a default are always present. */
export type InferShape<S extends Shape> = {
  [K in Exclude<keyof S, OptionalKeys<S>>]: Infer<S[K]>
} & { [K in OptionalKeys<S>]?: Exclude<Infer<S[K]>, undefined> | undefined }

type KeyedNames<S extends Shape> = {
  [K in keyof S]: S[K] extends { readonly keyed: 'always' } ? K : never
}[keyof S]

/** Arguments whose keys are the value; see `keyNames`. */
type Keys<S extends Shape> = [KeyedNames<S>] extends [never] ? unknown : Readonly<Record<string, null>>

/** What a caller may send: every field with a default may be left out. */
export type InputOf<S extends Shape> = {
  [K in keyof S as S[K] extends Optional<unknown> ? never : Exclude<K, KeyedNames<S>>]: Infer<S[K]>
} & { [K in keyof S as S[K] extends Optional<unknown> ? K : never]?: Infer<S[K]> | undefined } & Keys<S>

/** An invalid value. `problem` is what was expected, `received` the value itself. */
export class Invalid extends Error {
  override readonly name: string = 'Invalid'
  readonly path: string
  readonly problem: string
  readonly received: unknown

  constructor(path: string, problem: string, received: unknown) {
    super(`${path}: ${problem}`)
    this.path = path
    this.problem = problem
    this.received = received
  }
}

/** A required field is missing. */
export class Missing extends Invalid {
  override readonly name: string = 'Missing'

  constructor(path: string) {
    super(path, 'is required', undefined)
  }
}

/** Reads the fields of `shape` from `input`; other fields are ignored. */
export function readShape<S extends Shape>(shape: S, input: unknown, path = ''): InferShape<S> {
  const given = (input ?? {}) as Record<string, unknown>
  const read: Record<string, unknown> = {}
  for (const key in shape) {
    const field = shape[key] as Schema<unknown>
    const name = path === '' ? key : `${path}.${key}`
    const value = Object.hasOwn(given, key) ? given[key] : undefined
    if (value !== undefined) read[key] = field.read(value, name)
    else if (field.fallback === undefined) throw new Missing(name)
    else if (field.fallback.value !== undefined) read[key] = field.fallback.value
  }
  return read as InferShape<S>
}
