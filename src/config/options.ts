// Kinds of options of moonraker.conf beyond plain schemas: lists, pairs, paths and templates in text.
import {
  Field,
  type InferShape,
  Invalid,
  list,
  type Optional,
  readShape,
  record,
  type Schema,
  type Shape,
  shapeJson,
  string,
} from '../schema/index.ts'

/** One option as a section declares it: any schema, with traits that only the configuration uses. */
export interface SectionOption<T = unknown> extends Schema<T> {
  /** The option is deprecated: still read, with a warning. The text is the replacement, as the end of a sentence. */
  readonly deprecated?: string
  /** Previous names of the option; each is still read, with a warning. */
  readonly previousNames?: readonly string[]
  /** The key of the declaration is the prefix of the options' names. */
  readonly prefix?: true
}

/** The options of a section, by name. */
export type SectionOptions = Readonly<Record<string, SectionOption>>

/** The JSON Schema keyword that names what separates the items of a list or of named values. */
export const SEPARATOR = 'x-separator'
/** The JSON Schema format of an option that is a path; see `path`. */
export const PATH_FORMAT = 'path'
/** The JSON Schema format of an option that is a template; see `template`. */
export const TEMPLATE_FORMAT = 'template'

function textOf(input: unknown, name: string, expected: string): string {
  if (typeof input !== 'string') throw new Invalid(name, expected, input)
  return input
}

function split(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map(part => part.trim())
    .filter(part => part !== '')
}

/** A list whose items are separated by `separator`, without white space around them and without empty items. */
export function separated<T>(separator: string, item: Schema<T>): Field<T[]> {
  const items = list(item)
  return new Field(
    () => ({ ...items.json, [SEPARATOR]: separator }),
    (input, name) => items.read(split(textOf(input, name, 'list'), separator), name),
  )
}

/** A list with one item on each line. */
export function lines(): Field<string[]>
export function lines<T>(item: Schema<T>): Field<T[]>
export function lines(item: Schema<unknown> = string()): Field<unknown[]> {
  return separated('\n', item)
}

/** A list with commas between its items. */
export function commas(): Field<string[]>
export function commas<T>(item: Schema<T>): Field<T[]>
export function commas(item: Schema<unknown> = string()): Field<unknown[]> {
  return separated(',', item)
}

/** Named values, one `name=value` on each line. A line without `=` gives null, which a nullable `value` accepts. */
export function pairs(): Field<Record<string, string>>
export function pairs<T>(value: Schema<T>): Field<Record<string, T>>
export function pairs(value: Schema<unknown> = string()): Field<Record<string, unknown>> {
  const values = record(value)
  return new Field(
    () => ({ ...values.json, [SEPARATOR]: '\n' }),
    (input, name) => values.read(readPairs(input, name), name),
  )
}

/** Known fields, one `name=value` on each line; other fields are ignored. */
export function fields<S extends Shape>(shape: S): Field<InferShape<S>> {
  return new Field(
    () => ({ ...shapeJson(shape), [SEPARATOR]: '\n' }),
    (input, name) => readShape(shape, readPairs(input, name), name),
  )
}

function readPairs(input: unknown, name: string): Record<string, string | null> {
  const entries = split(textOf(input, name, 'lines of name=value'), '\n').map(line => {
    const at = line.indexOf('=')
    if (at === 0) throw new Invalid(name, 'lines of name=value', line)
    return at === -1 ? [line, null] : [line.slice(0, at).trimEnd(), line.slice(at + 1).trimStart()]
  })
  return Object.fromEntries(entries) as Record<string, string | null>
}

/** One of the given words, in upper or lower case. */
export function word<const C extends string>(...words: readonly C[]): Field<C> {
  return new Field({ type: 'string', enum: words }, (input, name) => {
    const found = words.find(item => item.toLowerCase() === String(input).trim().toLowerCase())
    if (found === undefined) throw new Invalid(name, `one of ${words.join(', ')}`, input)
    return found
  })
}

/**
 * A path of a file or folder, absolute after reading: `~` is the home folder, `{data_path}` the data folder.
 * `Configuration` expands it, since a schema does not know the data folder.
 */
export function path(): Field<string> {
  return new Field({ type: 'string', format: PATH_FORMAT }, (input, name) => {
    const text = textOf(input, name, 'path').trim()
    if (text === '') throw new Invalid(name, 'path', input)
    return text
  })
}

/** The text of a template, without white space around it. The component compiles it. */
export function template(): Field<string> {
  return new Field({ type: 'string', format: TEMPLATE_FORMAT }, (input, name) =>
    textOf(input, name, 'template').trim(),
  )
}

/** All options whose names start with the key of the declaration, by the rest of their names. Has the option's description. */
export function prefixed<T>(option: Schema<T>): Optional<Record<string, T>> & { readonly prefix: true } {
  const all = record(option)
  const { description } = option.json
  const described = typeof description === 'string' ? all.describe(description) : all
  return Object.assign(described.default({}), { prefix: true as const })
}

/** `option` as deprecated; `advice` is the replacement, as the end of a sentence. */
export function deprecated<S extends SectionOption>(
  option: S,
  advice: string,
): S & { readonly deprecated: string } {
  return withTraits(option, { deprecated: advice })
}

/** `option` with the previous names under which it is still read. */
export function withPreviousNames<S extends SectionOption>(
  option: S,
  ...names: readonly string[]
): S & { readonly previousNames: readonly string[] } {
  return withTraits(option, { previousNames: names })
}

function withTraits<S extends object, T extends object>(option: S, traits: T): S & T {
  return Object.assign(Object.create(Object.getPrototypeOf(option)) as S, option, traits)
}
