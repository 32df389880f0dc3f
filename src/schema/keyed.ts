// Parameters that take arguments by their keys: `?light&heater` names two devices, `?toolhead&extruder=temperature` two
// objects. The same in JSON is `{"light": null, "heater": null}`.
import { Field, shapeJson } from './fields.ts'
import type { JsonSchema, Schema, Shape } from './schema.ts'

/** The keys of all arguments that the shape does not name. Callers write each as a key without a value. */
export function keyNames(): Field<string[]> & { readonly keyed: 'always' } {
  const json = { type: 'object', additionalProperties: { type: ['string', 'null'] } }
  const read = (input: unknown) => Object.keys(input as object)
  return Object.assign(new Field(json, read), { keyed: 'always' as const })
}

/**
 * `field`, an object whose entries a caller may also send as separate arguments, if the object itself is absent.
 * `readValue` converts the value of such an argument into the value of an entry.
 */
export function keyed<F extends Field<unknown>>(
  field: F,
  readValue: (value: unknown) => unknown,
): F & { readonly keyed: 'or named' } {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(field)) as F, field)
  return Object.assign(copy, { keyed: 'or named' as const, readValue })
}

/** Moves the arguments that `shape` does not name into its parameter that reads arguments by their keys, if any. */
export function collectKeys(
  shape: Shape,
  args: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  for (const name in shape) {
    const { keyed: mode, readValue = unchanged } = shape[name] as Schema<unknown>
    if (mode === undefined) continue
    if (mode === 'or named' && args[name] !== undefined) return args
    const isOther = (key: string) => key !== name && Object.hasOwn(shape, key)
    const entries = Object.entries(args)
    const collected = entries.filter(([key]) => !isOther(key)).map(([key, value]) => [key, readValue(value)])
    return {
      ...Object.fromEntries(entries.filter(([key]) => isOther(key))),
      ...(collected.length > 0 || mode === 'or named' ? { [name]: Object.fromEntries(collected) } : {}),
    }
  }
  return args
}

function unchanged(value: unknown): unknown {
  return value
}

/** The JSON Schema of arguments in a JSON body, including arguments that are read by their keys. */
export function argumentsJson(shape: Shape): JsonSchema {
  const always = Object.entries(shape).find(([, { keyed: mode }]) => mode === 'always')
  if (always === undefined) return shapeJson(shape)
  const [name, { json }] = always
  const { [name]: _, ...named } = shape
  const minProperties = Object.values(shape).filter(({ fallback }) => fallback === undefined).length
  return { ...shapeJson(named), additionalProperties: json.additionalProperties, minProperties }
}
