// Variants of fields: the same ones as required, as optional, or read without an error.
import { Field } from './fields.ts'
import { type Infer, Invalid, type Optional, type Schema } from './schema.ts'

type FieldSet = Readonly<Record<string, Field<unknown>>>

/** The same fields, all of them required. */
export function requiredFields<S extends FieldSet>(fields: S): { [K in keyof S]: Schema<Infer<S[K]>> } {
  const required = Object.entries(fields).map(([name, field]) => [
    name,
    new Field(() => field.json, field.read),
  ])
  return Object.fromEntries(required) as { [K in keyof S]: Schema<Infer<S[K]>> }
}

/** The same fields, all of them optional: one that is left out has no value. */
export function optionalFields<S extends FieldSet>(
  fields: S,
): { [K in keyof S]: Optional<Infer<S[K]> | undefined> } {
  const optional = Object.entries(fields).map(([name, field]) => [name, field.optional()])
  return Object.fromEntries(optional) as { [K in keyof S]: Optional<Infer<S[K]> | undefined> }
}

/** Reads a stored value; one that is missing or invalid becomes `missing`. */
export function readOr<T>(schema: Schema<T>, value: unknown, missing: T): T {
  if (value === undefined || value === null) return missing
  try {
    return schema.read(value, '')
  } catch (error) {
    if (error instanceof Invalid) return missing
    throw error
  }
}
