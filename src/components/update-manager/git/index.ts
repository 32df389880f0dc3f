// Opens the repository of a section of the type git_repo.
import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { exists } from '../archive/tree.ts'
import { openDependencies } from '../dependencies/open.ts'
import { managedServices } from '../managed-services.ts'
import { demandPath } from '../paths.ts'
import type { UpdaterParts } from '../updater.ts'
import { endRecovery } from './clone-recovery.ts'
import { GitUpdater } from './git-updater.ts'
import { movedUrl } from './moved-repo.ts'
import type { gitOptions } from './options.ts'

type Parts = UpdaterParts<typeof gitOptions>

/** Opens the repository. Rejects with ConfigError. */
export async function open(parts: Parts): Promise<GitUpdater> {
  const { core, common, git, name, options } = parts
  const path = await openPath(parts)
  const services = await managedServices({ ...parts, options })
  const spec = {
    name,
    services,
    channel: common.channel ?? 'dev',
    primaryBranch: options.primary_branch,
    origin: options.origin,
    pin: options.pinned_commit ?? null,
    infoTags: common.info_tags,
    reportAnomalies: common.report_anomalies,
    debug: core.debug,
  }
  return new GitUpdater({
    spec,
    git: git.at(path),
    clock: core.clock,
    dependencies: await openDependencies(parts, path),
    findUrl: movedUrl({ core, name, origin: options.origin, movedOrigin: options.moved_origin }),
  })
}

/** A recovery that a power cut interrupted may have left the folder next to its place. */
async function openPath({ options, section }: Parts): Promise<string> {
  const { path } = options
  const real = await realpath(path).catch(() => join(dirname(path), basename(path)))
  if (!(await exists(real))) await endRecovery(real)
  await demandPath(section, 'path', path)
  return real
}
