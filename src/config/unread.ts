// Warnings about what stands in the configuration but was read by nobody.
import { shownValue } from './secret-names.ts'
import type { ConfigSources, SourceOption } from './sources.ts'

/** What was read of one section. */
export interface SectionRecord {
  /** Values as `server.config` shows them, by the option's name. */
  readonly view: Map<string, unknown>
  /** Names as written that were asked for, whether they are there or not. */
  readonly known: Set<string>
  /** Reading stopped at an error, so that nothing can be said about the options not read. */
  failed: boolean
}

/**
 * One warning for each section and each option that nobody read. How they begin is what Mainsail looks for; nothing
 * after the section may hold quotes or brackets, since Mainsail takes the last ones for the section's.
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
    `Unparsed config section [${section}] detected.  It stands in ${file}, line ${line}, and no component that ` +
    'runs reads it; correct its name, remove it, or see the other warnings for a component that failed.'
  )
}

function unreadOption(section: string, { name, value, file, line }: SourceOption): string {
  return (
    `Unparsed config option '${name}: ${shownValue(name, value)}' detected in section [${section}].  It stands in ` +
    `${file}, line ${line}, and is not known there; correct its name or remove it.`
  )
}
