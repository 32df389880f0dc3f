// The data folder, `printer_data`: everything that belongs to one printer.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The paths of the data folder and what is in it. */
export interface DataPaths {
  /** The data folder itself. */
  readonly data: string
  readonly config: string
  readonly gcodes: string
  readonly logs: string
  readonly database: string
  readonly certs: string
  /** moonraker.cert, the certificate of HTTPS. */
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

/** The absolute path for a written one: `~` is the home folder, a relative path is below `base`. */
export function expandPath(path: string, base = process.cwd()): string {
  if (path === '~') return homedir()
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(base, path)
}

/** The paths of the data folder `data`; the command line may move some of them. */
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
