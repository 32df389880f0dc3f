// Warnings about sections and options that no component read.
import { shownValue } from './secret-names.ts'
import type { ConfigSources, SourceOption } from './sources.ts'

/** What was read from one section. */
export interface SectionRecord {
  /** Values as `server.config` shows them, by the option's name. */
  readonly view: Map<string, unknown>
  /** Names of options that were looked up, whether they exist or not. */
  readonly known: Set<string>
  /** Reading stopped at an error; the other options are neither known nor unknown. */
  failed: boolean
}

/**
 * One warning for each section and each option that no component read. Mainsail parses their first words; the text after
 * the section must not contain quotes or brackets, since Mainsail reads the last ones as those of the section.
 */
export function unreadWarnings(
  sources: ConfigSources,
  records: ReadonlyMap<string, SectionRecord>,
): string[] {
  const warnings: string[] = []
  for (const { name, file, line, options } of sources.sections.values()) {
    const record = records.get(name)
    if (record === undefined) warnings.push(unreadSection(name, file, line))
    else if (!record.failed) {
      const unread = [...options.values()].filter(option => !record.known.has(option.name))
      warnings.push(...unread.map(option => unreadOption(name, option)))
    }
  }
  const known = new Set([...records.values()].flatMap(record => [...record.known]))
  const unread = [...sources.defaults.values()].filter(({ name }) => !known.has(name))
  return [...warnings, ...unread.map(option => unreadOption('DEFAULT', option))]
}

function unreadSection(section: string, file: string, line: number): string {
  return (
    `Unparsed config section [${section}] detected.  It is in ${file}, line ${line}, and no running ` +
    'component reads it; correct its name, remove it, or see the other warnings for a component that failed.'
  )
}

function unreadOption(section: string, { name, value, file, line }: SourceOption): string {
  return (
    `Unparsed config option '${name}: ${shownValue(name, value)}' detected in section [${section}].  It is in ` +
    `${file}, line ${line}, and not an option of this section; correct its name or remove it.`
  )
}
