// The data folder: where everything that a user keeps stands (configuration.md, command line).
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** Places below the data folder. */
export interface DataPaths {
  /** The data folder itself. */
  readonly data: string
  readonly config: string
  readonly gcodes: string
  readonly logs: string
  readonly database: string
  readonly certs: string
  /** moonraker.cert, with which HTTPS is served. */
  readonly certificate: string
  /** moonraker.key */
  readonly certificateKey: string
  readonly comms: string
  readonly backup: string
  /** moonraker.conf */
  readonly configFile: string
  /** moonraker.secrets */
  readonly secrets: string
  /** moonraker.asvc */
  readonly allowedServices: string
  /** Our own unix socket. */
  readonly socket: string
}

/** The folders that a data folder has. */
export const DATA_FOLDERS = ['config', 'gcodes', 'logs', 'database', 'certs', 'comms', 'backup'] as const

/** A path as people write it: `~` is the home folder, relative ones stand below `base`. */
export function expandPath(path: string, base = process.cwd()): string {
  if (path === '~') return homedir()
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(base, path)
}

/** The places of the data folder `data`, some of which the command line may move. */
export function dataPaths(
  data: string,
  moved: { readonly configFile?: string | undefined; readonly socket?: string | undefined } = {},
): DataPaths {
  const at = (...parts: string[]) => join(data, ...parts)
  return {
    data,
    config: at('config'),
    gcodes: at('gcodes'),
    logs: at('logs'),
    database: at('database'),
    certs: at('certs'),
    certificate: at('certs', 'moonraker.cert'),
    certificateKey: at('certs', 'moonraker.key'),
    comms: at('comms'),
    backup: at('backup'),
    configFile: moved.configFile ?? at('config', 'moonraker.conf'),
    secrets: at('moonraker.secrets'),
    allowedServices: at('moonraker.asvc'),
    socket: moved.socket ?? at('comms', 'moonraker.sock'),
  }
}
