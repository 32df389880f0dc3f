// The page docs/generated/configuration.md: every section and option of moonraker.conf, from their declarations.
import { declaredSections } from '../../src/app/sections.ts'
import type { SectionOption, SectionOptions } from '../../src/config/index.ts'
import { PATH_FORMAT, SEPARATOR, TEMPLATE_FORMAT } from '../../src/config/options.ts'
import { printerOptions, workshopOptions } from '../../src/workshop/config.ts'
import { cell, code } from './markdown.ts'

/** What the page shows of an option's JSON Schema. */
interface OptionSchema {
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly enum?: readonly (string | number)[]
  readonly anyOf?: readonly OptionSchema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly [SEPARATOR]?: string
  readonly additionalProperties?: OptionSchema
  readonly description?: string
  readonly 'x-unit'?: string
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: '`true` or `false`',
}

function typeText(schema: OptionSchema): string {
  const { type, format, enum: choices, anyOf, [SEPARATOR]: separator } = schema
  if (anyOf !== undefined) return typeText(anyOf[0] as OptionSchema)
  if (choices !== undefined) return choices.map(choice => code(String(choice))).join(', ')
  if (format === PATH_FORMAT) return 'path'
  if (format === TEMPLATE_FORMAT) return 'template'
  const plain = typeof type === 'string' ? type : type?.[0]
  if (plain === 'array')
    return separator === '\n' ? 'list, one item per line' : `list, separated by \`${separator}\``
  if (plain === 'object') return '`name = value`, one per line'
  return `${TYPES[plain ?? ''] ?? 'text'}${limitsText(schema)}`
}

function limitsText({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: OptionSchema): string {
  const limits = [
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`at most ${maximum}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${exclusiveMaximum}`]),
  ]
  return limits.map(limit => `, ${limit}`).join('')
}

/** As one would write it in the file. */
function defaultText({ fallback }: SectionOption): string {
  if (fallback === undefined) return 'required'
  const { value } = fallback
  if (value === undefined || value === null) return ''
  const text =
    typeof value === 'object' ? Object.values(value).join(', ') : String(value as string | number | boolean)
  return text === '' ? 'empty' : code(text)
}

function remarks(option: SectionOption): string {
  const { description = '' } = option.json as OptionSchema
  const { deprecated, previousNames = [] } = option
  return [
    description,
    ...(deprecated === undefined ? [] : [`deprecated: ${deprecated}`]),
    ...(previousNames.length === 0 ? [] : [`previous name: ${previousNames.map(code).join(', ')}`]),
  ].join('; ')
}

function row([name, option]: [string, SectionOption]): string {
  const schema = option.json as OptionSchema
  const shown = option.prefix === true ? `${name}…` : name
  const entry = option.prefix === true ? (schema.additionalProperties ?? {}) : schema
  const cells = [
    code(shown),
    typeText(entry),
    defaultText(option),
    schema['x-unit'] ?? '',
    cell(remarks(option)),
  ]
  return `| ${cells.join(' | ')} |`
}

function table(options: SectionOptions): string {
  return `| Option | Type | Default | Unit | What it is |
|---|---|---|---|---|
${Object.entries(options).map(row).join('\n')}
`
}

/** The page below its header. */
export async function configurationPage(): Promise<string> {
  const sections = (await declaredSections()).map(({ name, options, byType }) => {
    const further = Object.entries(byType).map(([type, more]) => `With \`type: ${type}\`:\n\n${table(more)}`)
    return [`## [${name}]\n\n${table(options)}`, ...further].join('\n')
  })
  return `# Configuration options

Every section and option of \`moonraker.conf\`. How the file is written and what happens with wrong values is in
[configuration.md](../configuration.md).

${sections.join('\n')}
# workshop.conf

The file of a [workshop](../workshop.md).

## [workshop]

${table(workshopOptions)}
## [printer NAME]

${table(printerOptions)}`
}
