// The type zip: a program from the archives of releases.
import { openDependencies } from '../dependencies/open.ts'
import { managedServices } from '../managed-services.ts'
import type { Updater, UpdaterParts } from '../updater.ts'
import { openReleaseUpdater } from './open.ts'
import type { zipOptions } from './options.ts'

/** Opens the installation of a section. Rejects with ConfigError. */
export async function open(parts: UpdaterParts<typeof zipOptions>): Promise<Updater> {
  const { options } = parts
  return openReleaseUpdater(parts, {
    type: 'zip',
    persistentFiles: options.persistent_files,
    services: await managedServices({ ...parts, options }),
    openDependencies: path => openDependencies(parts, path),
  })
}
