// The pages docs/generated/methods.md, notifications.md and events.md, from the chapters of the contract.
import type { Chapter, RawEndpoint } from '../../src/api/chapter.ts'
import type { Endpoint } from '../../src/api/endpoint.ts'
import { chapters } from '../../src/api/index.ts'
import type { Schema } from '../../src/schema/index.ts'
import { cell, code } from './markdown.ts'

/** What the tables show of a JSON Schema. */
interface ShownSchema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly string[]
  readonly items?: ShownSchema
  readonly prefixItems?: readonly ShownSchema[]
  readonly properties?: Readonly<Record<string, ShownSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: ShownSchema | boolean
  readonly anyOf?: readonly ShownSchema[]
  readonly description?: string
}

/** A type in one line, as TypeScript would write it: `{ state: string, count?: integer }`. */
function typeText(schema: ShownSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(' or ')
  if (schema.enum !== undefined) return schema.enum.map(value => `"${value}"`).join(' or ')
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(typeText).join(', ')}]`
  if (Array.isArray(schema.type)) {
    return schema.type.map(type => (type === 'null' ? 'null' : typeText({ ...schema, type }))).join(' or ')
  }
  if (schema.items !== undefined) return `list of ${itemText(schema.items)}`
  if (schema.properties !== undefined) return fieldsText(schema)
  if (typeof schema.additionalProperties === 'object') {
    return `{ name: ${typeText(schema.additionalProperties)} }`
  }
  return typeof schema.type === 'string' ? schema.type : 'any'
}

/** The type of an item; in brackets if it is a choice, which could be read as a choice with the list. */
function itemText(item: ShownSchema): string {
  const isChoice = item.anyOf !== undefined || item.enum !== undefined || Array.isArray(item.type)
  return isChoice ? `(${typeText(item)})` : typeText(item)
}

function fieldsText({ properties = {}, required = [] }: ShownSchema): string {
  const fields = Object.entries(properties).map(
    ([name, field]) => `${name}${required.includes(name) ? '' : '?'}: ${typeText(field)}`,
  )
  return `{ ${fields.join(', ')} }`
}

function parameterText([name, { fallback, json }]: [string, Schema<unknown>]): string {
  const schema = json as ShownSchema
  const preset = fallback?.value === undefined ? '' : ` = ${JSON.stringify(fallback.value)}`
  const meaning = schema.description === undefined ? '' : ` ${cell(schema.description)}`
  return `${code(`${name}${fallback === undefined ? '' : '?'}: ${typeText(schema)}${preset}`)}${meaning}`
}

function methodRow([name, endpoint]: [string, Endpoint]): string {
  const { routes, params, result, transports, auth, role, summary } = endpoint
  const cells = [
    code(name),
    routes.map(({ verb, path }) => code(`${verb} ${path}`)).join('<br>'),
    cell(summary),
    auth ? role : 'none',
    Object.entries(params).map(parameterText).join('<br>'),
    code(typeText(result.json as ShownSchema)),
    transports.filter(transport => transport !== 'internal').join(', '),
  ]
  return `| ${cells.join(' | ')} |`
}

function methodTable({ methods }: Chapter): string {
  const rows = Object.entries(methods).map(methodRow)
  if (rows.length === 0) return ''
  return `
| JSON-RPC method | HTTP | What it does | Role | Arguments | Result | Transports |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`
}

function rawTable({ raw }: Chapter): string {
  const rows = Object.values(raw).map(
    ({ verb, path, summary }: RawEndpoint) => `| ${code(`${verb} ${path}`)} | ${cell(summary)} |`,
  )
  if (rows.length === 0) return ''
  return `
| HTTP only, with its own form of reply | What it does |
|---|---|
${rows.join('\n')}
`
}

const all: readonly Chapter[] = chapters

/** Every method and every HTTP route, by chapter. */
export function methodsPage(): string {
  const sections = all.map(
    chapter => `## ${chapter.title}\n\n${chapter.about}.\n${methodTable(chapter)}${rawTable(chapter)}`,
  )
  return `# Methods

Every method that the contract declares. A name with \`?\` may be left out. In addition, the server serves each endpoint
of Klipper as \`printer.<its name>\`. The role is the lowest that may call the method; \`none\` needs no login.

${sections.join('\n')}`
}

/** Every notification. */
export function notificationsPage(): string {
  const rows = all.flatMap(({ notifications }) =>
    Object.entries(notifications).map(([name, { summary, params }]) => {
      const values = params.map(({ json }) => code(typeText(json as ShownSchema))).join('<br>')
      return `| ${code(name)} | ${cell(summary)} | ${values} |`
    }),
  )
  return `# Notifications

Messages that the server sends to WebSocket and unix socket clients without a request. \`params\` is a list; a
notification without parameters has no \`params\`.

| Notification | When | Parameters, in order |
|---|---|---|
${rows.join('\n')}
`
}

/** Every event inside the server, for contributors. */
export function eventsPage(): string {
  const rows = all.flatMap(({ title, events }) =>
    Object.entries(events).map(([name, { summary }]) => `| ${code(name)} | ${cell(summary)} | ${title} |`),
  )
  return `# Events

What happens inside the server, for components: \`core.events.on(name, listener)\`. Their types are in the chapters of
\`src/api\`.

| Event | When | Chapter |
|---|---|---|
${rows.join('\n')}
`
}
