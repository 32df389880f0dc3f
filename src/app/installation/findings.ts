// What `doctor` finds out about one service: whether this server can take over its printer, and what would change.
import { existsSync, lstatSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { basename, join } from 'node:path'
import { ConfigError, Configuration, loadSources } from '../../config/index.ts'
import { messageOf } from '../../core/errors.ts'
import { dataPaths } from '../../core/paths.ts'
import { DATABASE_FILE, inspectVersion, OLD_DATABASE_FILE } from '../../storage/index.ts'
import { type DeclaredSection, knownSections } from '../sections.ts'
import { normalizePrefix, type ServerSection, serverOptions } from '../server-section.ts'
import { type Instance, inRoot } from './instances.ts'
import { type KlipperState, probeServer, queryKlipper, type ServerAddress } from './probes.ts'

/** How serious a finding is: a problem prevents the switch. */
export type Level = 'ok' | 'note' | 'warning' | 'problem'

/** One thing that was found, with what to do about it where there is something to do. */
export interface Finding {
  readonly level: Level
  readonly text: string
}

/** What is known about a service. */
export interface Inspection {
  readonly findings: readonly Finding[]
  /** Where its server listens; null if moonraker.conf cannot be read. */
  readonly address: ServerAddress | null
  readonly klipper: KlipperState | null
}

/** Free disk space that a server needs, in bytes. */
const DISK_NEEDED = 200 * 1024 ** 2
/** Memory of the machine below which a board is too small, in bytes. */
const MEMORY_NEEDED = 230 * 1024 ** 2
const MIB = 1024 ** 2

const finding = (level: Level, text: string): Finding => ({ level, text })

/** Inspects the printer of a service. `root` is the root of the system. */
export async function inspect(instance: Instance, root: string): Promise<Inspection> {
  const known = await knownSections()
  const findings = [
    ...userFindings(instance),
    ...folderFindings(instance),
    ...componentFindings(instance, known),
  ]
  const read = readConfiguration(instance)
  if (read instanceof ConfigError) {
    const problem = finding('problem', `moonraker.conf cannot be read: ${read.message}`)
    return { findings: [...findings, problem], address: null, klipper: null }
  }
  const { config, section } = read
  const { host, port, klippy_uds_address, route_prefix } = section
  const address = { host, port, prefix: normalizePrefix(route_prefix) }
  const klipper = await queryKlipper(inRoot(root, klippy_uds_address))
  return {
    findings: [
      ...findings,
      ...configurationFindings(config, known),
      klipperFinding(klipper, klippy_uds_address),
      await serverFinding(address),
    ],
    address,
    klipper,
  }
}

function userFindings({ user, ids, service }: Instance): Finding[] {
  if (ids === null)
    return [finding('problem', `${service}.service runs as ${user}, and there is no such user`)]
  if (ids.uid === 0)
    return [finding('warning', `${service}.service runs as root: a user of its own is safer`)]
  return []
}

function folderFindings({ dataPath, ids }: Instance): Finding[] {
  const { database, config } = dataPaths(dataPath)
  if (!existsSync(dataPath)) return [finding('problem', `the data folder ${dataPath} does not exist`)]
  const foreign = [dataPath, config, database, join(database, DATABASE_FILE)].filter(
    path => existsSync(path) && ids !== null && ids.uid !== 0 && statSync(path).uid !== ids.uid,
  )
  const { bavail, bsize } = statfsSync(dataPath)
  const free = bavail * bsize
  return [
    ...foreign.map(path => finding('warning', `${path} belongs to another user than that of the service`)),
    free < DISK_NEEDED
      ? finding('problem', `only ${Math.round(free / MIB)} MiB are free on the disk of ${dataPath}`)
      : finding('ok', `${Math.round(free / MIB)} MiB free on the disk`),
    totalmem() < MEMORY_NEEDED
      ? finding('warning', `the machine has ${Math.round(totalmem() / MIB)} MiB of memory, 256 are needed`)
      : finding('ok', `${Math.round(totalmem() / MIB)} MiB of memory`),
    databaseFinding(database),
  ]
}

function databaseFinding(folder: string): Finding {
  const file = join(folder, DATABASE_FILE)
  if (existsSync(file)) return databaseFileFinding(file)
  return existsSync(join(folder, OLD_DATABASE_FILE))
    ? finding('note', 'a database of Moonraker until 2024: its data is imported, the file stays as it is')
    : finding('note', 'no database yet')
}

function databaseFileFinding(file: string): Finding {
  const size = `${(statSync(file).size / MIB).toFixed(1)} MiB`
  try {
    const { version, supported } = inspectVersion(file)
    return supported
      ? finding('ok', `database of ${size}, version ${version}: used as it is`)
      : finding('warning', `the database has version ${version}, from a newer server`)
  } catch {
    // What a running server has written may still be in its log.
    return finding('note', `database of ${size}; its version cannot be read while a server uses it`)
  }
}

/** Components of others in Moonraker's own folder: links, as their installers create them. */
function componentFindings({ moonraker }: Instance, known: readonly DeclaredSection[]): Finding[] {
  if (moonraker === null) return []
  const folder = join(moonraker, 'moonraker', 'components')
  try {
    const links = readdirSync(folder).filter(name => lstatSync(join(folder, name)).isSymbolicLink())
    return links.map(name => {
      const component = basename(name, '.py')
      return known.some(({ name: section }) => section.split(' ')[0] === component)
        ? finding('ok', `the component ${component} of another project: this server has its own`)
        : finding('warning', `the component ${component} of another project: this server has none like it`)
    })
  } catch {
    return []
  }
}

function readConfiguration({
  dataPath,
  configFile,
}: Instance): { config: Configuration; section: ServerSection } | ConfigError {
  try {
    const { sources } = loadSources(configFile, { reserved: [dataPaths(dataPath).secrets] })
    const config = new Configuration(sources, dataPath)
    return { config, section: config.read('server', serverOptions, 'use default').options }
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

/** Reads every section as the components do, for the same warnings. */
function configurationFindings(config: Configuration, known: readonly DeclaredSection[]): Finding[] {
  const problems: Finding[] = []
  for (const declared of known) {
    for (const section of sectionsOf(config, declared)) {
      try {
        readSection(config, section, declared)
      } catch (error) {
        problems.push(finding('warning', `[${section}] would not work: ${messageOf(error)}`))
      }
    }
  }
  const warnings = config.warnings().map(text => finding('warning', text))
  const all = [...problems, ...warnings]
  return all.length > 0 ? all : [finding('ok', 'moonraker.conf: every section and option is known')]
}

function sectionsOf(config: Configuration, { name }: DeclaredSection): string[] {
  const [kind = '', rest] = name.split(' ')
  if (rest !== undefined) return config.named(kind)
  return config.sources.sections.has(name) ? [name] : []
}

function readSection(config: Configuration, section: string, { options, byType }: DeclaredSection): void {
  const read = config.read(section, options)
  const further = byType[String((read.options as { type?: unknown }).type)]
  if (further !== undefined) read.read(further)
}

function klipperFinding(klipper: KlipperState | null, socket: string): Finding {
  if (klipper === null) {
    return finding('warning', `Klipper does not reply at ${socket}: is its service running?`)
  }
  if (klipper.printing) return finding('problem', 'a print is in progress: wait for its end')
  return finding(klipper.ready ? 'ok' : 'warning', `Klipper replies; its state is ${klipper.state}`)
}

async function serverFinding(address: ServerAddress): Promise<Finding> {
  const answering = await probeServer(address)
  if (answering === 'nothing') return finding('note', `nothing replies on port ${address.port}`)
  const name = answering === 'this' ? 'moonraker-ts' : 'Moonraker'
  return finding('ok', `${name} replies on port ${address.port}`)
}
