// JSON Schemas for people: what a value may be in a line of text, and a first value.

/** @typedef {Readonly<Record<string, unknown>>} Schema */

/**
 * What a value may be, as `{ script: string, count?: integer }`.
 * @param {Schema | undefined} schema
 * @returns {string}
 */
export function typeText(schema = {}) {
  const { enum: values, anyOf, type, items, prefixItems } = schema
  if ('const' in schema) return JSON.stringify(schema.const)
  if (Array.isArray(values)) return values.map(value => JSON.stringify(value)).join(' | ')
  if (Array.isArray(anyOf)) return anyOf.map(typeText).join(' | ')
  if (Array.isArray(type)) return type.map(each => typeText({ ...schema, type: each })).join(' | ')
  const tuple = Array.isArray(prefixItems) ? prefixItems : items
  if (Array.isArray(tuple)) return `[${tuple.map(typeText).join(', ')}]`
  if (type === 'array') return listText(typeText(/** @type {Schema} */ (items)))
  if (type === 'object') return objectText(schema)
  return typeof type === 'string' ? type : 'any'
}

/** @param {string} item */
function listText(item) {
  return item.includes(' | ') ? `(${item})[]` : `${item}[]`
}

/** @param {Schema} schema */
function objectText({ properties, required, additionalProperties }) {
  if (properties === undefined) {
    return `{ [name]: ${typeText(typeof additionalProperties === 'object' ? /** @type {Schema} */ (additionalProperties) : {})} }`
  }
  const needed = Array.isArray(required) ? required : []
  const fields = Object.entries(/** @type {Record<string, Schema>} */ (properties)).map(
    ([name, field]) => `${name}${needed.includes(name) ? '' : '?'}: ${typeText(field)}`,
  )
  return `{ ${fields.join(', ')} }`
}

/**
 * A value of the schema: its default, else the simplest.
 * @param {Schema | undefined} schema
 * @returns {unknown}
 */
export function sample(schema = {}) {
  const { enum: values, anyOf, type, properties, required } = schema
  if ('default' in schema) return schema.default
  if ('const' in schema) return schema.const
  if (Array.isArray(values)) return values[0]
  if (Array.isArray(anyOf)) return sample(anyOf[0])
  const kind = Array.isArray(type) ? type[0] : type
  if (kind === 'object') {
    const fields = /** @type {Record<string, Schema>} */ (properties ?? {})
    const needed = Array.isArray(required) ? required : []
    return Object.fromEntries(needed.map(name => [name, sample(fields[name])]))
  }
  const simplest = /** @type {Record<string, unknown>} */ ({ string: '', boolean: false, array: [] })
  if (kind === 'integer' || kind === 'number') return typeof schema.minimum === 'number' ? schema.minimum : 0
  return simplest[String(kind)] ?? null
}
