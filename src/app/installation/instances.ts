// The services of API servers on this machine, as Moonraker's installer, KIAUH and the package of this server create them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readAssignments } from '../../core/shell-assignments.ts'
import { readCommandLine } from '../command-line.ts'
import { commandWords, readService } from './unit-file.ts'

/** Where units are, below the root of the system. Those of the administrator replace those of packages. */
const UNITS = 'etc/systemd/system'
const UNIT_FOLDERS = [UNITS, 'usr/lib/systemd/system']
const UNIT = /^moonraker(?:-([0-9a-zA-Z]+))?\.service$/
/** Units of other programs with such names. */
const OTHERS = ['mcu', 'obico', 'bambu', 'companion', 'hmi', 'workshop']
/** The drop-in that makes a service run this server. */
const DROP_IN = 'moonraker-ts.conf'

/** One service and its printer. */
export interface Instance {
  /** The name of the service, such as `moonraker-1`. */
  readonly service: string
  /** Whether its command is this server. */
  readonly isOurs: boolean
  /** The drop-in that makes the service run this server; it may not exist. */
  readonly dropIn: string
  /** The user that runs the service. */
  readonly user: string
  /** Null if the system has no such user. */
  readonly ids: { readonly uid: number; readonly gid: number } | null
  /** The home folder of the user, below the root. */
  readonly home: string
  /** The arguments of the server, which this server understands too. */
  readonly args: readonly string[]
  /** Absolute, below the root. */
  readonly dataPath: string
  readonly configFile: string
  /** The folder of Moonraker; null where it is not known. */
  readonly moonraker: string | null
  /** Whether that folder is the repository of this server that KIAUH installs. */
  readonly isOwnRepository: boolean
}

/** A path of the system whose root is `root`; one below it stays as it is. */
export function inRoot(root: string, path: string): string {
  return path.startsWith(`${root}/`) ? path : join(root, path)
}

/** All services in `root` whose names are those of API servers, in the order of their names. */
export function findInstances(root: string): Instance[] {
  const names = new Set(UNIT_FOLDERS.flatMap(folder => namesIn(join(root, folder))))
  return [...names]
    .flatMap(name => {
      const [, suffix = ''] = UNIT.exec(name) ?? [undefined, null]
      return suffix === null || OTHERS.includes(suffix) ? [] : [readInstance(root, name, suffix)]
    })
    .sort((a, b) => (a.service < b.service ? -1 : 1))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readInstance(root: string, unit: string, suffix: string): Instance {
  const paths = UNIT_FOLDERS.map(folder => join(root, folder, unit))
  const dropIns = paths.map(path => `${path}.d`)
  const service = readService(paths.find(path => existsSync(path)) ?? '', dropIns.toReversed())
  const last = (option: string) => service.get(option)?.at(-1)
  const user = last('User') ?? 'root'
  const { home, ids } = findUser(root, user)
  const environment = last('EnvironmentFile')?.replace(/^-/, '')
  const variables = environment === undefined ? {} : readAssignments(textOf(inRoot(root, environment)))
  const words = commandWords(last('ExecStart') ?? '', variables)
  const script = words.findIndex(word => /\/(?:moonraker\.(?:py|cjs)|moonraker-ts)$/.test(word))
  const args = script === -1 ? [] : words.slice(script + 1)
  const standard = suffix === '' ? 'printer_data' : `printer_${suffix}_data`
  const given = readArguments(args)
  const dataPath = inRoot(root, resolve(home, given.data ?? standard))
  const workingDirectory = last('WorkingDirectory')
  const moonraker = workingDirectory === undefined ? null : inRoot(root, workingDirectory)
  return {
    service: suffix === '' ? 'moonraker' : `moonraker-${suffix}`,
    isOurs: words[script]?.endsWith('.py') === false,
    dropIn: join(root, UNITS, `${unit}.d`, DROP_IN),
    user,
    ids,
    home: inRoot(root, home),
    args: given.data === undefined ? ['-d', resolve(home, standard), ...args] : args,
    dataPath,
    configFile:
      given.config === undefined
        ? join(dataPath, 'config', 'moonraker.conf')
        : inRoot(root, resolve(home, given.config)),
    moonraker,
    isOwnRepository: moonraker !== null && existsSync(join(moonraker, 'dist', 'moonraker.cjs')),
  }
}

/** The folders that the arguments name; undefined for those that they do not name. */
function readArguments(args: readonly string[]): { data?: string | undefined; config?: string | undefined } {
  const none = '/none'
  try {
    const { dataPath, configFile } = readCommandLine(args, { MOONRAKER_DATA_PATH: none })
    return { data: dataPath === none ? undefined : dataPath, config: configFile }
  } catch {
    return {}
  }
}

/** A user of passwd(5). */
function findUser(root: string, user: string): { home: string; ids: Instance['ids'] } {
  for (const line of textOf(join(root, 'etc/passwd')).split('\n')) {
    const [name, , uid, gid, , home = ''] = line.split(':')
    if (name === user) return { home, ids: { uid: Number(uid), gid: Number(gid) } }
  }
  return { home: user === 'root' ? '/root' : `/home/${user}`, ids: null }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
