// Reads the sections [update_manager NAME].
import type { NamedSections } from '../../component/component.ts'
import type { ReadSection, SectionOptions } from '../../config/index.ts'
import { commitId } from './git/options.ts'
import type { CommonOptions, sectionOptions } from './options.ts'
import { updaterTypes } from './types.ts'
import type { Updater, UpdaterParts } from './updater.ts'

/** An entry of the configuration, ready to be opened. */
export interface ConfiguredUpdater {
  readonly name: string
  /** The options, to notice changes. */
  readonly config: unknown
  /** Hours between two refreshes; the default of [update_manager] where it is undefined. */
  readonly refreshHours: number | undefined
  /** Null where nothing is to be updated. Rejects with ConfigError. */
  readonly open: () => Promise<Updater | null>
}

/** What all entries share. */
type SharedParts = Omit<UpdaterParts<SectionOptions>, 'name' | 'section' | 'common' | 'options'>

/** What sections set for the entries that exist without one. */
export interface BuiltInOptions
  extends Pick<CommonOptions, 'channel' | 'refresh_interval' | 'report_anomalies'> {
  readonly pin: string | null
}

/** The entries that exist without a section. */
const BUILT_IN = ['klipper', 'moonraker']
const pinOption = { pinned_commit: commitId().describe('Update to this commit at most').optional() }

/** The options of an entry that exists without a section. Throws ConfigError. */
function readBuiltIn(section: ReadSection<typeof sectionOptions>): BuiltInOptions {
  const { channel, refresh_interval, report_anomalies } = section.options
  const { pinned_commit = null } = section.read(pinOption)
  return { channel, refresh_interval, report_anomalies, pin: pinned_commit }
}

/** What the sections contain. */
export interface ReadSections {
  /** In the order of the sections. */
  readonly configured: ConfiguredUpdater[]
  readonly builtIn: ReadonlyMap<string, BuiltInOptions>
}

/** Reads the sections. One that cannot be used becomes a warning. */
export function readSections(shared: SharedParts, named: NamedSections<typeof sectionOptions>): ReadSections {
  // The packages of the operating system have no section.
  const names = new Set(['system'])
  const builtIn = new Map<string, BuiltInOptions>()
  const configured = named.each(section => {
    const name = entryName(section.name)
    if (BUILT_IN.includes(name)) {
      builtIn.set(name, readBuiltIn(section))
      return null
    }
    if (names.has(name)) throw section.error(`Extension ${name} already added`)
    const { config, open } = readType(shared, section, name)
    names.add(name)
    return { name, config, refreshHours: section.options.refresh_interval, open }
  })
  return { configured: configured.filter(each => each !== null), builtIn }
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
