// What a described value is: its JSON Schema, its static type, and how it is read from loose input.

/** A JSON Schema (2020-12) as a plain object. */
export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * A described value. The same description reads JSON bodies, query strings and configuration text,
 * gives the static type, and is published in OpenAPI and OpenRPC.
 */
export interface Schema<T> {
  readonly json: JsonSchema
  /** Reads `input`; throws Invalid naming the first value (by its path from `name`) that does not fit. */
  read(input: unknown, name: string): T
  /** What stands in for a value that was not given; absent where one is required. */
  readonly fallback?: { readonly value: T }
  /** The value never appears in a log or in an error. */
  readonly secret?: true
  /** A parameter whose entries are arguments themselves: always, or where the value is not given under its name. */
  readonly keyed?: 'always' | 'or named'
  /** Makes an entry's value of the value of such an argument. */
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

/** The fields of a shape once read: fields with a default are always there. */
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

/** A value that does not fit its schema. `problem` says what was expected, `received` what came. */
export class Invalid extends Error {
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

/** A required field that was not given. */
export class Missing extends Invalid {
  constructor(path: string) {
    super(path, 'is required', undefined)
  }
}

/** Reads named fields out of `input`; fields that the shape does not name are ignored. */
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
