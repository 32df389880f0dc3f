// The type web: a front-end from the releases of a repository.
import type { Updater, UpdaterParts } from '../updater.ts'
import { openReleaseUpdater } from './open.ts'
import type { webOptions } from './options.ts'

/** Opens the installation of a section. Rejects with ConfigError. */
export function open(parts: UpdaterParts<typeof webOptions>): Promise<Updater> {
  const { persistent_files } = parts.options
  return openReleaseUpdater(parts, { type: 'web', persistentFiles: persistent_files, services: [] })
}
