// Opens the installation of a section of the types web, zip and executable.
import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Dependencies } from '../dependencies/index.ts'
import { demandPath } from '../paths.ts'
import type { UpdaterParts } from '../updater.ts'
import { RELEASE_INFO } from './install-info.ts'
import { type ReleaseType, readInstallation } from './installation.ts'
import type { webOptions } from './options.ts'
import { ReleaseUpdater, type ReleaseUpdaterParts } from './release-updater.ts'
import { Replacement } from './replacement.ts'

type Parts = UpdaterParts<Pick<typeof webOptions, 'path' | 'repo'>>

/** What differs between the types. */
interface TypeParts extends Pick<ReleaseUpdaterParts, 'services' | 'persistentFiles'> {
  readonly type: ReleaseType
  /** Left out for a type without further packages. */
  readonly openDependencies?: (path: string) => Promise<Dependencies>
}

/** Repairs what a crash left, and reads the installation. Rejects with ConfigError. */
export async function openReleaseUpdater(parts: Parts, ofType: TypeParts): Promise<ReleaseUpdater> {
  const { core, common, name, releases } = parts
  const { type, services } = ofType
  const [owner, repo] = readRepo(parts)
  const persistentFiles = readPersistentFiles(parts, ofType.persistentFiles)
  const { replacement, path } = await openPath(parts)
  const place = { type, path, owner, repo }
  if (common.channel === 'dev') core.warnings.add(channelWarning(name, type))
  const channel = common.channel === 'beta' ? 'beta' : 'stable'
  const dependencies = (await ofType.openDependencies?.(path)) ?? null
  const updaterParts = {
    core,
    common,
    name,
    releases,
    channel,
    place,
    replacement,
    services,
    dependencies,
    persistentFiles,
  } as const
  return new ReleaseUpdater(updaterParts, await readInstallation(place))
}

/** A crash may have left the installation next to its place: the repair comes before the check of the path. */
async function openPath({ options: { path }, section }: Parts) {
  const resolved = (await realpath(path).catch(() => null)) ?? join(await realFolder(path), basename(path))
  const replacement = new Replacement(resolved)
  await replacement.repair()
  await demandPath(section, 'path', path)
  return { replacement, path: resolved }
}

async function realFolder(path: string): Promise<string> {
  return realpath(dirname(path)).catch(() => dirname(path))
}

function readRepo({ options: { repo }, section }: Parts): readonly [owner: string, name: string] {
  const [, owner, name] = /^\/*([\w.-]+)\/([\w.-]+)\/*$/.exec(repo.trim()) ?? []
  if (owner !== undefined && name !== undefined) return [owner, name]
  throw section.error(
    `the option "repo: ${repo}" of section [${section.section}] is not OWNER/NAME of a repository`,
    'repo',
  )
}

/** Rejects a file that belongs to the release, and one outside of the installation. */
function readPersistentFiles({ section }: Parts, lines: readonly string[]): string[] {
  const start = "Invalid value for option 'persistent_files':"
  const names = lines.map(line => line.replace(/\/$/, ''))
  for (const name of names) {
    const parts = name.split('/')
    if (name === RELEASE_INFO)
      throw section.error(`${start} '${RELEASE_INFO}' can not be persistent.`, 'persistent_files')
    if (parts.some(part => part === '' || part === '.' || part === '..'))
      throw section.error(`${start} '${name}' is not a path in the installation`, 'persistent_files')
  }
  return names
}

function channelWarning(name: string, type: ReleaseType): string {
  return (
    `[update_manager ${name}]: Invalid value 'dev' for option 'channel'. Type '${type}' supports the following ` +
    "channels: ['stable', 'beta'].  Falling back to channel 'stable'"
  )
}
