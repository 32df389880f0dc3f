// The packages of a section's installation, as its options describe them.
import { dirname, join, resolve } from 'node:path'
import { demandPath, type Section } from '../paths.ts'
import type { UpdaterParts } from '../updater.ts'
import { Dependencies } from './index.ts'

/** The options of all types; a type has some of them. */
interface DependencyOptions {
  readonly virtualenv?: string | undefined
  readonly env?: string | undefined
  readonly requirements?: string | undefined
  readonly system_dependencies?: string | undefined
  readonly install_script?: string | undefined
  readonly enable_node_updates?: boolean
  readonly pip_environment_variables?: Readonly<Record<string, string>>
}

/** What is read of a section. */
interface Parts extends Pick<UpdaterParts<Record<never, never>>, 'core' | 'packages'> {
  readonly section: Section
  readonly options: DependencyOptions
}

/** The packages of the installation at `path`. Rejects with ConfigError for files that do not exist. */
export async function openDependencies(
  { core, packages, section, options }: Parts,
  path: string,
): Promise<Dependencies> {
  const demandFile = async (option: 'requirements' | 'system_dependencies' | 'install_script') => {
    const file = options[option]
    if (file === undefined) return null
    await demandPath(section, option, resolve(path, file))
    return file
  }
  const { env, requirements, enable_node_updates = false, pip_environment_variables = {} } = options
  const virtualenv = options.virtualenv ?? (env === undefined ? null : dirname(dirname(env)))
  if (virtualenv !== null) await demandPath(section, 'virtualenv', join(virtualenv, 'bin', 'python'))
  if (virtualenv !== null && requirements === undefined)
    throw section.error(
      `section [${section.section}] needs the option "requirements" with "virtualenv"`,
      'requirements',
    )
  const files = {
    path,
    python: virtualenv === null ? null : await demandFile('requirements'),
    system: await demandFile('system_dependencies'),
    script: await demandFile('install_script'),
    node: enable_node_updates,
  }
  return new Dependencies({
    files,
    virtualenv,
    pipEnvironment: pip_environment_variables,
    packages,
    log: core.log,
  })
}
