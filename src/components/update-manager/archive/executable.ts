// The type executable: a single program from releases.
import { openDependencies } from '../dependencies/open.ts'
import { managedServices } from '../managed-services.ts'
import type { Updater, UpdaterParts } from '../updater.ts'
import { openReleaseUpdater } from './open.ts'
import type { executableOptions } from './options.ts'

/** Opens the installation of a section. Rejects with ConfigError. */
export async function open(parts: UpdaterParts<typeof executableOptions>): Promise<Updater> {
  const { options } = parts
  return openReleaseUpdater(parts, {
    type: 'executable',
    persistentFiles: [],
    services: await managedServices({ ...parts, options }),
    openDependencies: path => openDependencies(parts, path),
  })
}
