// Reads the sections [update_manager NAME].
import type { NamedSections } from '../../component/component.ts'
import type { ReadSection, SectionOptions } from '../../config/index.ts'
import type { sectionOptions } from './options.ts'
import { updaterTypes } from './types.ts'
import type { Updater, UpdaterParts } from './updater.ts'

/** An entry of the configuration, ready to be opened. */
export interface ConfiguredUpdater {
  readonly name: string
  /** The options, to notice changes. */
  readonly config: unknown
  /** Hours between two refreshes; the default of [update_manager] where it is undefined. */
  readonly refreshHours: number | undefined
  /** Rejects with ConfigError. */
  readonly open: () => Promise<Updater>
}

/** What all entries share. */
type SharedParts = Omit<UpdaterParts<SectionOptions>, 'name' | 'section' | 'common' | 'options'>

/** The entries in the order of their sections. A section that cannot be used becomes a warning. */
export function readSections(
  shared: SharedParts,
  named: NamedSections<typeof sectionOptions>,
): ConfiguredUpdater[] {
  const names = new Set<string>()
  return named.each(section => {
    const name = entryName(section.name)
    if (names.has(name)) throw section.error(`Extension ${name} already added`)
    const { config, open } = readType(shared, section, name)
    names.add(name)
    return { name, config, refreshHours: section.options.refresh_interval, open }
  })
}

/** The sections of old configurations are named [update_manager client NAME]. */
function entryName(name: string): string {
  return name.replace(/^client\s+/, '')
}

function readType(
  shared: SharedParts,
  section: ReadSection<typeof sectionOptions>,
  name: string,
): Pick<ConfiguredUpdater, 'config' | 'open'> {
  const { type = '', ...common } = section.options
  const found = Object.hasOwn(updaterTypes, type) ? updaterTypes[type] : undefined
  if (found === undefined) {
    const known = Object.keys(updaterTypes).join(', ')
    throw section.error(
      `the option "type: ${type}" of section [${section.section}] is none of: ${known}`,
      'type',
    )
  }
  const { options, open } = found.read({ ...shared, name, section, common })
  return { config: [type, common, options], open }
}

/** The warning about a section that is left out; it starts as Moonraker's. */
export function sectionWarning(name: string, reason: string): string {
  return `[update_manager]: Failed to load extension ${entryName(name)}: ${reason}`
}
