// Checks the paths that sections name, with the texts of Moonraker.
import { access } from 'node:fs/promises'
import type { ReadSection, SectionOptions } from '../../config/index.ts'

/** The section of an option. */
export type Section = Pick<ReadSection<SectionOptions>, 'section' | 'error'>

/** Throws ConfigError if `path` does not exist. */
export async function demandPath(section: Section, option: string, path: string): Promise<void> {
  if (await exists(path)) return
  throw section.error(
    `Invalid path for option \`${option}\` in section [${section.section}]: Path \`${path}\` does not exist`,
    option,
  )
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
