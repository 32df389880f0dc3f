// Files that deprecated options place outside the data folder. They are used while the data folder has no such file.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Configuration, deprecated, path } from '../config/index.ts'
import { type DataPaths, expandPath } from '../core/paths.ts'
import type { Warnings } from '../core/warnings.ts'
import { DATABASE_FILE, OLD_DATABASE_FILE } from '../storage/index.ts'
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
 * The folder of the database. As in Moonraker, the default data folder uses the database from the time before data
 * folders, until it has one of its own.
 */
function databaseFolder({ data, database }: DataPaths, config: Configuration): string {
  const { database_path } = config.read('database', databaseOptions, 'use default').options
  const previous = database_path ?? expandPath('~/.moonraker_database')
  if (data !== expandPath('~/printer_data') || existsSync(join(database, DATABASE_FILE))) return database
  return existsSync(join(previous, OLD_DATABASE_FILE)) ? previous : database
}

/** `paths`, with the paths from [secrets], [server] and [database] for files that the data folder does not have. */
export function withDeprecatedPaths(
  paths: DataPaths,
  config: Configuration,
  server: ServerSection,
  warnings: Warnings,
): DataPaths {
  const { secrets_path } = config.read('secrets', secretsOptions, 'use default').options
  const placeOf = (file: string, section: string, option: string, previous: string | null): string => {
    if (previous === null || existsSync(file)) return file
    if (!existsSync(previous)) {
      warnings.add(
        `[${section}] ${option}: ${previous} does not exist; put the file at ${file}, or correct the option`,
      )
    }
    return previous
  }
  return {
    ...paths,
    database: databaseFolder(paths, config),
    secrets: placeOf(paths.secrets, 'secrets', 'secrets_path', secrets_path),
    certificate: placeOf(paths.certificate, 'server', 'ssl_certificate_path', server.ssl_certificate_path),
    certificateKey: placeOf(paths.certificateKey, 'server', 'ssl_key_path', server.ssl_key_path),
  }
}
