// The command line of a hub: `moonraker-ts fleet …`.
import { parseArgs } from 'node:util'
import { StartError } from '../../core/errors.ts'
import { expandPath } from '../../core/paths.ts'

/** The arguments, as values. */
export interface FleetCommandLine {
  /** `null` runs a hub. */
  readonly command: 'help' | 'permissions' | 'certificate' | null
  /** What follows the command: the names in a certificate. */
  readonly names: readonly string[]
  /** The folder of the fleet. */
  readonly folder: string
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  /** Where printers reach the hub. */
  readonly url: string | undefined
  /** Addresses of an engine that another program runs; empty for one of the hub's own. */
  readonly engine: readonly string[]
  readonly credentials: string | undefined
  readonly enginePort: number
  /** Where printers reach the engine. */
  readonly engineUrls: readonly string[]
  readonly proxies: readonly string[]
  /** Bytes that the files of the fleet may take. */
  readonly filesBytes: number
  readonly demo: number
  readonly verbose: boolean
}

const OPTIONS = {
  datapath: { type: 'string', short: 'd' },
  host: { type: 'string' },
  port: { type: 'string' },
  'tls-port': { type: 'string' },
  url: { type: 'string' },
  engine: { type: 'string' },
  creds: { type: 'string' },
  'engine-port': { type: 'string' },
  'engine-url': { type: 'string' },
  proxy: { type: 'string' },
  'files-gb': { type: 'string' },
  demo: { type: 'string' },
  verbose: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
} as const

const MAX_FILES_GB = 99_999
/** Virtual printers of a demonstration: each needs some megabytes. */
const MAX_DEMO = 50

/** What --help prints. */
export const FLEET_HELP = `moonraker-ts fleet: the hub of a fleet of printers

Usage: moonraker-ts fleet [options]                       run a hub
       moonraker-ts fleet certificate NAME… [options]     make a certificate for these host names and addresses
       moonraker-ts fleet permissions                     print what a printer may do in the engine, for your own cluster

  -d, --datapath DIR    the folder of the fleet (default ~/fleet_data)
      --host ADDRESS    the address to listen on (default all)
      --port N          HTTP (default 7200)
      --tls-port N      HTTPS, with a certificate (default 7230)
      --url URL         where printers and people reach this hub
      --engine URL,…    use an engine that runs elsewhere: tls://HOST:4222; needs --creds
      --creds FILE      the credentials for it
      --engine-port N   the port of the hub's own engine (default 4222)
      --engine-url URL  where printers reach the engine; several with commas
      --proxy ADDRESS   a proxy in front of the hub that names the client's address; several with commas
      --files-gb N      what the files of the fleet may take on the disk (default 20)
      --demo N          start N virtual printers that join by themselves
  -v, --verbose         log more
  -h, --help            print this
`

/** Reads the arguments after `fleet`. Throws StartError for an unknown or invalid argument. */
export function readFleetCommandLine(args: readonly string[]): FleetCommandLine {
  const { values: given, positionals } = parse(args)
  const engine = items(given.engine)
  if (engine.length > 0 !== (given.creds !== undefined))
    throw new StartError('--engine and --creds belong together: give both, or none of them')
  return {
    command: given.help ? 'help' : commandOf(positionals),
    names: positionals.slice(1),
    folder: expandPath(given.datapath ?? '~/fleet_data'),
    host: given.host ?? 'all',
    port: number('--port', given.port ?? '7200', 65_535),
    tlsPort: number('--tls-port', given['tls-port'] ?? '7230', 65_535),
    url: given.url === undefined ? undefined : readUrl(given.url),
    engine,
    credentials: given.creds === undefined ? undefined : expandPath(given.creds),
    enginePort: number('--engine-port', given['engine-port'] ?? '4222', 65_535),
    engineUrls: items(given['engine-url']),
    proxies: items(given.proxy),
    filesBytes: number('--files-gb', given['files-gb'] ?? '20', MAX_FILES_GB) * 1e9,
    demo: number('--demo', given.demo ?? '0', MAX_DEMO),
    verbose: given.verbose ?? false,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('. ')[0]}; fleet --help lists the options`)
  }
}

function commandOf([command, ...rest]: readonly string[]): FleetCommandLine['command'] {
  if (command === undefined) return null
  if (command === 'permissions' && rest.length === 0) return command
  if (command === 'certificate' && rest.length > 0) return command
  if (command === 'certificate')
    throw new StartError('fleet certificate: give the host names and addresses of this machine')
  throw new StartError(`Unexpected argument '${command}'; fleet --help lists the commands`)
}

/** The address of the hub, without a path. */
function readUrl(text: string): string {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol)) return url.origin
  throw new StartError(`--url ${text}: give an address such as https://hub.example:7230`)
}

function items(text = ''): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

function number(option: string, text: string, most: number): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= most) return Number(text)
  throw new StartError(`${option} ${text}: give a whole number, at most ${most}`)
}
