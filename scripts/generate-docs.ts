// Writes docs/generated from the contract: tables of all methods and of all notifications.
// node scripts/generate-docs.ts; with --check it writes nothing and ends with 1 where a file is not up to date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Chapter } from '../src/api/chapter.ts'
import type { Endpoint } from '../src/api/endpoint.ts'
import { chapters } from '../src/api/index.ts'
import type { Schema } from '../src/schema/index.ts'

const FOLDER = join(import.meta.dirname, '..', 'docs', 'generated')
const all: readonly Chapter[] = chapters
const HEADER = '<!-- Made from src/api by scripts/generate-docs.ts; change those and run it again. -->\n'

/** A JSON Schema as far as the tables tell it. */
interface Told {
  readonly type?: string | readonly string[]
  readonly enum?: readonly string[]
  readonly items?: Told
  readonly prefixItems?: readonly Told[]
  readonly properties?: Readonly<Record<string, Told>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Told | boolean
  readonly anyOf?: readonly Told[]
  readonly description?: string
}

/** A type in one line, as TypeScript would write it: `{ state: string, count?: integer }`. */
function typeText(schema: Told): string {
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

/** An item's type; one that is a choice goes in brackets, so that it is not taken for a choice with the list. */
function itemText(item: Told): string {
  const isChoice = item.anyOf !== undefined || item.enum !== undefined || Array.isArray(item.type)
  return isChoice ? `(${typeText(item)})` : typeText(item)
}

function fieldsText({ properties = {}, required = [] }: Told): string {
  const fields = Object.entries(properties).map(
    ([name, field]) => `${name}${required.includes(name) ? '' : '?'}: ${typeText(field)}`,
  )
  return `{ ${fields.join(', ')} }`
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const code = (text: string) => `\`${cell(text)}\``

function parameterText([name, schema]: [string, Schema<unknown>]): string {
  const { fallback, json } = schema
  const told = json as Told
  const standsIn = fallback?.value === undefined ? '' : ` = ${JSON.stringify(fallback.value)}`
  const meaning = told.description === undefined ? '' : ` ${cell(told.description)}`
  return `${code(`${name}${fallback === undefined ? '' : '?'}: ${typeText(told)}${standsIn}`)}${meaning}`
}

function methodRow([name, endpoint]: [string, Endpoint]): string {
  const { routes, params, result, transports, auth, role, summary } = endpoint
  const http = routes.map(({ verb, path }) => code(`${verb} ${path}`)).join('<br>')
  const parameters = Object.entries(params).map(parameterText).join('<br>')
  const cells = [
    code(name),
    http,
    cell(summary),
    auth ? role : 'nobody',
    parameters,
    code(typeText(result.json as Told)),
    transports.filter(transport => transport !== 'internal').join(', '),
  ]
  return `| ${cells.join(' | ')} |`
}

function chapterText({ title, about, methods }: Chapter): string {
  return `## ${title}

${about}.

| JSON-RPC method | HTTP | What it does | Who must ask | Arguments | Result | Over |
|---|---|---|---|---|---|---|
${Object.entries(methods).map(methodRow).join('\n')}
`
}

function methodsText(): string {
  return `${HEADER}
# Methods

Every method that the contract declares. A name with \`?\` may be left out. Beside these, each endpoint that Klipper
offers is served as \`printer.<its name>\`. Who must ask is a role; \`nobody\` needs no login.

${all
  .filter(({ methods }) => Object.keys(methods).length > 0)
  .map(chapterText)
  .join('\n')}`
}

function notificationsText(): string {
  const rows = all
    .flatMap(chapter => Object.entries(chapter.notifications))
    .map(([name, { summary, params }]) => {
      const values = params.map(({ json }) => code(typeText(json as Told))).join('<br>')
      return `| ${code(name)} | ${cell(summary)} | ${values} |`
    })
  return `${HEADER}
# Notifications

What the server tells its WebSocket and unix socket clients unasked. \`params\` is a list; without parameters there is
no \`params\`.

| Notification | When | Parameters, in order |
|---|---|---|
${rows.join('\n')}
`
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const files = { 'methods.md': methodsText(), 'notifications.md': notificationsText() }
const stale = Object.entries(files).filter(([name, text]) => readIfThere(join(FOLDER, name)) !== text)
if (process.argv.includes('--check')) {
  for (const [name] of stale) {
    process.stderr.write(`docs/generated/${name} is not up to date: run node scripts/generate-docs.ts\n`)
  }
  process.exitCode = stale.length === 0 ? 0 : 1
} else {
  mkdirSync(FOLDER, { recursive: true })
  for (const [name, text] of stale) {
    writeFileSync(join(FOLDER, name), text)
    process.stdout.write(`docs/generated/${name}\n`)
  }
}
