// Files of the data folder that deprecated options keep elsewhere: they are used where the data folder has none.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Configuration, deprecated, path } from '../config/index.ts'
import { type DataPaths, expandPath } from '../core/paths.ts'
import type { Warnings } from '../core/warnings.ts'
import { DATABASE_FILE, FORMER_DATABASE_FILE } from '../storage/index.ts'
import type { ServerSection } from './server-section.ts'

/** The options of [secrets]. */
export const secretsOptions = {
  secrets_path: deprecated(
    path().describe('The secrets file').nullable().default(null),
    "put the secrets at 'moonraker.secrets' in the data folder",
  ),
}

/** The option of [database] that its component does not read: the database opens before there are components. */
export const databaseOptions = {
  database_path: deprecated(
    path().describe('A database outside the data folder').nullable().default(null),
    "move the database to 'database' in the data folder",
  ),
}

/**
 * The folder of the database. As in Moonraker, that of the times before data folders goes on being used in the default
 * data folder, as long as there is no newer one.
 */
function databaseFolder({ data, database }: DataPaths, config: Configuration): string {
  const { database_path } = config.read('database', databaseOptions, 'use default').options
  const former = database_path ?? expandPath('~/.moonraker_database')
  if (data !== expandPath('~/printer_data') || existsSync(join(database, DATABASE_FILE))) return database
  return existsSync(join(former, FORMER_DATABASE_FILE)) ? former : database
}

/** `paths`, with the places that [secrets], [server] and [database] name for what the data folder does not have. */
export function withDeprecatedPaths(
  paths: DataPaths,
  config: Configuration,
  server: ServerSection,
  warnings: Warnings,
): DataPaths {
  const { secrets_path } = config.read('secrets', secretsOptions, 'use default').options
  const placeOf = (file: string, section: string, option: string, former: string | null): string => {
    if (former === null || existsSync(file)) return file
    if (!existsSync(former)) {
      warnings.add(
        `[${section}] ${option}: ${former} does not exist; put the file at ${file}, or correct the option`,
      )
    }
    return former
  }
  return {
    ...paths,
    database: databaseFolder(paths, config),
    secrets: placeOf(paths.secrets, 'secrets', 'secrets_path', secrets_path),
    certificate: placeOf(paths.certificate, 'server', 'ssl_certificate_path', server.ssl_certificate_path),
    certificateKey: placeOf(paths.certificateKey, 'server', 'ssl_key_path', server.ssl_key_path),
  }
}
