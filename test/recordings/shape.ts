// The shape of a JSON value: its fields and their types without the values, small enough to keep as a fixture.

/**
 * A type's name (`number`, or `string|null` where both came), `any`, or `ok`, which is that text; a list of what its items
 * are; an object's fields; or, under NAMED, values by names that need not be there, such as status objects.
 */
export type Shape = string | readonly Shape[] | { readonly [field: string]: Shape }

/** Marks an object whose keys are names of things and not fields. */
export const NAMED = '*named'

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === 'ok') return 'ok'
  return Array.isArray(value) ? 'list' : typeof value
}

/** The shape of `value`. `isNamed` returns whether the object at a path is keyed by names. */
export function shapeOf(
  value: unknown,
  isNamed: (path: readonly string[]) => boolean,
  path: string[] = [],
): Shape {
  if (Array.isArray(value)) {
    const items = value.map(item => shapeOf(item, isNamed, [...path, '[]']))
    return items.length === 0 ? [] : [items.reduce(merge)]
  }
  if (typeof value !== 'object' || value === null) return typeOf(value)
  const fields = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, shapeOf(item, isNamed, [...path, key])]),
  )
  return isNamed(path) ? { [NAMED]: fields } : fields
}

/** The shape of what has either shape: fields that only one of them has are left out. */
function merge(a: Shape, b: Shape): Shape {
  if (typeof a === 'string' && typeof b === 'string') {
    return [...new Set([...a.split('|'), ...b.split('|')])].sort().join('|')
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    const [first, second] = [a[0], b[0]]
    return first === undefined ? b : second === undefined ? a : [merge(first, second)]
  }
  if (typeof a !== 'object' || typeof b !== 'object' || Array.isArray(a) || Array.isArray(b)) return 'any'
  const both = Object.entries(a).filter(([key]) => key in b)
  return Object.fromEntries(
    both.map(([key, shape]) => [key, merge(shape, (b as Record<string, Shape>)[key]!)]),
  )
}

/**
 * What `value` lacks of `shape`, one line each. Where the recording has null the type is not known, and anything will
 * do; fields that the recording does not have are welcome.
 */
export function differences(shape: Shape, value: unknown, path = 'result'): string[] {
  if (typeof shape === 'string') {
    const types = shape.split('|')
    const fits =
      shape === 'null' ||
      shape === 'any' ||
      types.some(type => type === typeOf(value) || type === typeof value)
    return fits ? [] : [`${path}: expected ${shape}, got ${typeOf(value)}`]
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path}: expected list, got ${typeOf(value)}`]
    const [item] = shape
    return item === undefined
      ? []
      : value.flatMap((each, index) => differences(item, each, `${path}[${index}]`))
  }
  if (typeOf(value) !== 'object') return [`${path}: expected object, got ${typeOf(value)}`]
  const given = value as Record<string, unknown>
  const { [NAMED]: named, ...fields } = shape as Record<string, Shape>
  const optional = Object.entries((named ?? {}) as Record<string, Shape>).filter(([key]) => key in given)
  const required = Object.entries(fields).flatMap(([key, field]) =>
    key in given ? differences(field, given[key], `${path}.${key}`) : [`${path}.${key}: missing`],
  )
  return [
    ...optional.flatMap(([key, field]) => differences(field, given[key], `${path}.${key}`)),
    ...required,
  ]
}
