// JSON Schemas for people: what a value may be in a line of text, and a first value.

/** A JSON Schema, as the documents of the API contain it. */
export type Schema = Readonly<Record<string, unknown>>

/** What a value may be, as `{ script: string, count?: integer }`. */
export function typeText(schema: Schema = {}): string {
  const { enum: values, anyOf, type, items, prefixItems } = schema
  if ('const' in schema) return JSON.stringify(schema.const)
  if (Array.isArray(values)) return values.map(value => JSON.stringify(value)).join(' | ')
  if (Array.isArray(anyOf)) return anyOf.map(typeText).join(' | ')
  if (Array.isArray(type)) return type.map(each => typeText({ ...schema, type: each })).join(' | ')
  const tuple = Array.isArray(prefixItems) ? prefixItems : items
  if (Array.isArray(tuple)) return `[${tuple.map(typeText).join(', ')}]`
  if (type === 'array') return listText(typeText(items as Schema | undefined))
  if (type === 'object') return objectText(schema)
  return typeof type === 'string' ? type : 'any'
}

function listText(item: string): string {
  return item.includes(' | ') ? `(${item})[]` : `${item}[]`
}

function objectText({ properties, required, additionalProperties }: Schema): string {
  if (properties === undefined) {
    const values = typeof additionalProperties === 'object' ? (additionalProperties as Schema) : {}
    return `{ [name]: ${typeText(values)} }`
  }
  const needed: unknown[] = Array.isArray(required) ? required : []
  const fields = Object.entries(properties as Record<string, Schema>).map(
    ([name, field]) => `${name}${needed.includes(name) ? '' : '?'}: ${typeText(field)}`,
  )
  return `{ ${fields.join(', ')} }`
}

const SIMPLEST: Readonly<Record<string, unknown>> = { string: '', boolean: false, array: [] }

/** A value of the schema: its default, else the simplest. */
export function sample(schema: Schema = {}): unknown {
  const { enum: values, anyOf, type, properties, required, minimum } = schema
  if ('default' in schema) return schema.default
  if ('const' in schema) return schema.const
  if (Array.isArray(values)) return values[0]
  if (Array.isArray(anyOf)) return sample(anyOf[0])
  const kind: unknown = Array.isArray(type) ? type[0] : type
  if (kind === 'object') {
    const fields = (properties ?? {}) as Record<string, Schema>
    const needed: string[] = Array.isArray(required) ? required : []
    return Object.fromEntries(needed.map(name => [name, sample(fields[name])]))
  }
  if (kind === 'integer' || kind === 'number') return typeof minimum === 'number' ? minimum : 0
  return SIMPLEST[String(kind)] ?? null
}
