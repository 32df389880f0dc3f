// Opens the repository of a section of the type git_repo.
import { access, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Dependencies } from '../dependencies/index.ts'
import { managedServices } from '../managed-services.ts'
import type { UpdaterParts } from '../updater.ts'
import { endRecovery } from './clone-recovery.ts'
import { Git } from './git.ts'
import { GitUpdater } from './git-updater.ts'
import { movedUrl } from './moved-repo.ts'
import type { gitOptions } from './options.ts'

type Parts = UpdaterParts<typeof gitOptions>

/** Opens the repository. Rejects with ConfigError. */
export async function open(parts: Parts): Promise<GitUpdater> {
  const { core, common, general, name, options } = parts
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
    git: new Git({ path, clock: core.clock, mirror: general.git_mirror ?? null }),
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
  if (await exists(real)) return real
  throw section.error(invalidPath('path', section.section, `Path \`${path}\` does not exist`), 'path')
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Moonraker's text. */
function invalidPath(option: string, section: string, problem: string): string {
  return `Invalid path for option \`${option}\` in section [${section}]: ${problem}`
}

async function openDependencies(
  { core, packages, section, options }: Parts,
  path: string,
): Promise<Dependencies> {
  const demandFile = async (option: 'requirements' | 'system_dependencies' | 'install_script') => {
    const file = options[option]
    if (file === undefined) return null
    const full = resolve(path, file)
    if (await exists(full)) return file
    throw section.error(invalidPath(option, section.section, `Path \`${full}\` does not exist`), option)
  }
  const virtualenv = options.virtualenv ?? (options.env === undefined ? null : dirname(dirname(options.env)))
  if (virtualenv !== null) await demandPython(section, virtualenv)
  if (virtualenv !== null && options.requirements === undefined)
    throw section.error(
      `section [${section.section}] needs the option "requirements" with "virtualenv"`,
      'requirements',
    )
  const files = {
    path,
    python: virtualenv === null ? null : await demandFile('requirements'),
    system: await demandFile('system_dependencies'),
    script: await demandFile('install_script'),
    node: options.enable_node_updates,
  }
  return new Dependencies({
    files,
    virtualenv,
    pipEnvironment: options.pip_environment_variables,
    packages,
    log: core.log,
  })
}

async function demandPython(section: Parts['section'], virtualenv: string): Promise<void> {
  const python = join(virtualenv, 'bin', 'python')
  const isThere = await access(python).then(
    () => true,
    () => false,
  )
  if (isThere) return
  throw section.error(
    invalidPath('virtualenv', section.section, `Path \`${python}\` does not exist`),
    'virtualenv',
  )
}
