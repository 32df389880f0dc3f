// The type python: a package in a Python environment.
import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Replacement } from '../archive/replacement.ts'
import { Pip } from '../dependencies/pip.ts'
import { managedServices } from '../managed-services.ts'
import { demandPath } from '../paths.ts'
import type { Updater, UpdaterParts } from '../updater.ts'
import { readDistribution } from './distribution.ts'
import type { pythonOptions } from './options.ts'
import { PythonUpdater } from './python-updater.ts'

type Parts = UpdaterParts<typeof pythonOptions>

const GITHUB = 'https://github.com/'

/** Repairs what a crash left, and reads the package. Rejects with ConfigError. */
export async function open(parts: Parts): Promise<Updater> {
  const { core, name, common, options, releases, general, section } = parts
  const project = readProject(parts)
  const virtualenv = await openEnvironment(parts)
  const replacement = new Replacement(virtualenv)
  await replacement.repair()
  await demandPath(section, 'virtualenv', options.virtualenv)
  const pip = new Pip(virtualenv, {})
  if (!(await pip.exists()))
    throw section.error(
      `[${section.section}]: Option 'virtualenv' must specify a valid the path to a Python virtualenv`,
      'virtualenv',
    )
  const installed = await readDistribution(virtualenv, project.name)
  if (installed === null)
    throw section.error(`Failed to find distribution info for project ${project.name}`, 'project_name')
  const updaterParts = {
    core,
    name,
    common,
    channel: common.channel ?? 'stable',
    releases,
    services: await managedServices({ ...parts, options }),
    virtualenv,
    pip,
    project,
    branch: options.primary_branch ?? null,
    repositories: general.git_mirror ?? GITHUB,
  }
  return new PythonUpdater(updaterParts, replacement, installed)
}

/** A crash may have left the environment next to its place. */
async function openEnvironment({ options: { virtualenv } }: Parts): Promise<string> {
  const resolved = await realpath(virtualenv).catch(() => null)
  if (resolved !== null) return resolved
  return join(await realpath(dirname(virtualenv)).catch(() => dirname(virtualenv)), basename(virtualenv))
}

/** `NAME[EXTRA]`; a name that is no option of pip. */
function readProject({ name, options, section }: Parts): { name: string; extras: string } {
  const text = options.project_name ?? name
  const [, project, extras = ''] = /^([a-z\d][\w.-]*)\s*(\[[\w.,\s-]*\])?$/i.exec(text.trim()) ?? []
  if (project !== undefined) return { name: project, extras }
  throw section.error(
    `the option "project_name: ${text}" of section [${section.section}] is not the name of a Python package`,
    'project_name',
  )
}
