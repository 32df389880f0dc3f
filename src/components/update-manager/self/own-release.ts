// The entry moonraker: this server, where it was installed from the archive of a release.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { commandFailure } from '../../../core/command-failure.ts'
import { runCommand } from '../../../core/run-command.ts'
import { exchangePaths } from '../archive/exchange.ts'
import { readInstallInfo } from '../archive/install-info.ts'
import { readInstallation } from '../archive/installation.ts'
import { ReleaseUpdater, type ReleaseUpdaterParts } from '../archive/release-updater.ts'
import { Replacement } from '../archive/replacement.ts'
import { ArchiveError } from '../archive/zip.ts'
import type { GeneralOptions } from '../options.ts'
import type { ReleaseApi } from '../releases/release-api.ts'
import type { BuiltInOptions } from '../sections.ts'
import type { Updater } from '../updater.ts'
import { confirmStart, folderChange, type GuardParts, prepareTrial, startGuard } from './guard-starter.ts'
import { isThisServer, PACKAGE } from './this-server.ts'

const NAME = 'moonraker'
/** The program in the folder of a release. */
const PROGRAM = 'dist/moonraker.cjs'
/** Seconds for a new version to print its version. */
const CHECK_SECONDS = 30
/** What belongs to the machine: the native packages. */
const KEPT = ['node_modules']

/** What the entry needs. */
export interface OwnReleaseParts extends GuardParts {
  readonly core: Core
  readonly general: GeneralOptions
  readonly releases: ReleaseApi
  /** Of [update_manager moonraker]; undefined without that section. */
  readonly options: BuiltInOptions | undefined
}

/** The entry for the server in the folder `path`; null where that is not the installation of a release. */
export async function openOwnRelease(path: string, parts: OwnReleaseParts): Promise<Updater | null> {
  const { core, general, releases, options } = parts
  const replacement: Replacement = new Replacement(path, exchangePaths, async from =>
    prepareTrial(parts, replacement.folder, await folderChange(path, from)),
  )
  await replacement.repair()
  const info = await readInstallInfo(path, false)
  if (info?.owner == null || info.repo === null) return null
  await confirmStart(parts, replacement.folder)
  const channel = options?.channel ?? general.channel
  const { refresh_interval, report_anomalies = true } = options ?? {}
  const place = { type: 'zip', path, owner: info.owner, repo: info.repo } as const
  const updaterParts: ReleaseUpdaterParts = {
    core,
    name: NAME,
    common: { channel, refresh_interval, report_anomalies, info_tags: [] },
    channel: channel === 'beta' ? channel : 'stable',
    releases,
    place,
    replacement,
    persistentFiles: KEPT,
    check: checkRelease,
    dependencies: null,
    services: [NAME],
    beforeRestart: () => startGuard(parts, replacement.folder),
  }
  return new ReleaseUpdater(updaterParts, await readInstallation(place))
}

/** Rejects with ArchiveError for the release of another program, and for one that does not run on this machine. */
async function checkRelease(folder: string): Promise<void> {
  const manifest = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '')
  if (!isThisServer(manifest))
    throw new ArchiveError(`The release is not one of this server, ${PACKAGE}: it is not installed`)
  const args = [join(folder, PROGRAM), '--version']
  const result = await runCommand(process.execPath, args, { timeoutSeconds: CHECK_SECONDS })
  if (result.code !== 0)
    throw new ArchiveError(`The new version does not run: ${commandFailure('node', result)}`)
}
