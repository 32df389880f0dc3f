// The command line and its environment variables.
import { parseArgs } from 'node:util'
import { StartError } from '../core/errors.ts'
import { expandPath } from '../core/paths.ts'

/** The arguments and environment variables, as values. */
export interface CommandLine {
  readonly dataPath: string
  readonly configFile: string | undefined
  /** The log file; undefined for the one in the data folder. */
  readonly logFile: string | undefined
  readonly socket: string | undefined
  readonly noLogFile: boolean
  readonly structuredLogging: boolean
  readonly verbose: boolean
  readonly debug: boolean
  readonly virtualPrinter: boolean
  /** The virtual printer's time factor. */
  readonly speed: number
  /** Whether the first printer.cfg is that of a machine that rejects other machines' files. */
  readonly strict: boolean
  /** The configuration of a workshop, in place of a data folder; undefined without a workshop. */
  readonly workshop: string | undefined
  /** How many virtual printers to start in a workshop; 0 for none. */
  readonly printers: number
  readonly show: 'help' | 'version' | 'workshop init' | null
}

const OPTIONS = {
  datapath: { type: 'string', short: 'd' },
  configfile: { type: 'string', short: 'c' },
  logfile: { type: 'string', short: 'l' },
  unixsocket: { type: 'string', short: 'u' },
  nologfile: { type: 'boolean', short: 'n' },
  'structured-logging': { type: 'boolean', short: 's' },
  verbose: { type: 'boolean', short: 'v' },
  debug: { type: 'boolean', short: 'g' },
  'asyncio-debug': { type: 'boolean', short: 'o' },
  'virtual-printer': { type: 'boolean' },
  speed: { type: 'string' },
  strict: { type: 'boolean' },
  workshop: { type: 'string' },
  printers: { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What --help prints. */
export const HELP = `moonraker-ts: an API server for Klipper 3D printers

Usage: moonraker-ts [options]
       moonraker-ts fleet [options]   run the hub of a fleet; fleet --help lists its options
       moonraker-ts fleet-join CODE   make this printer a part of a fleet
       moonraker-ts workshop init     print a workshop.conf of the data folders in the home folder
       moonraker-ts doctor            print what is installed, and what would hinder a switch from Moonraker
       moonraker-ts switch [back]     run this server in place of Moonraker, and back
       moonraker-ts restart           restart the services that run this server, except during a print

  -d, --datapath DIR         the data folder (MOONRAKER_DATA_PATH; default ~/printer_data, with a virtual
                             printer ./printer_data)
  -c, --configfile FILE      the configuration (MOONRAKER_CONFIG_PATH; default <data>/config/moonraker.conf)
  -l, --logfile FILE         the log file (MOONRAKER_LOG_PATH; default <data>/logs/moonraker.log)
  -u, --unixsocket FILE      the unix socket (MOONRAKER_UDS_PATH; default <data>/comms/moonraker.sock)
  -n, --nologfile            log to the console only (MOONRAKER_DISABLE_FILE_LOG)
  -s, --structured-logging   one JSON object per line (MOONRAKER_STRUCTURED_LOGGING)
  -v, --verbose              log more (MOONRAKER_VERBOSE_LOGGING)
  -g, --debug                errors contain more, and debug endpoints exist (MOONRAKER_ENABLE_DEBUG)
      --virtual-printer      start a printer that needs no hardware, and connect to it
      --speed N              the virtual printer's time factor: at 100 an hour takes 36 s (default 1)
      --strict               where the virtual printer has no printer.cfg yet, write one that forgives nothing
      --workshop FILE        serve the printers of FILE, a workshop.conf, in one process
      --printers N           start N virtual printers in a workshop, with data folders next to that of -d
      --version              print the version
  -h, --help                 print this
`

type Environment = Readonly<Record<string, string | undefined>>

/** Reads arguments and environment. Throws StartError for an unknown or invalid argument. */
export function readCommandLine(args: readonly string[], env: Environment): CommandLine {
  const { values: given, positionals } = parse(args)
  const path = (value: string | undefined, variable: string) => {
    const text = value ?? (env[variable] || undefined)
    return text === undefined ? undefined : expandPath(text)
  }
  const flag = (value: boolean | undefined, variable: string) => value ?? isSet(env[variable])
  const virtualPrinter = given['virtual-printer'] ?? false
  const printers = readPrinters(given.printers)
  // A trial must not change the data of a printer.
  const usual = virtualPrinter || printers > 0 ? 'printer_data' : '~/printer_data'
  return {
    dataPath: path(given.datapath, 'MOONRAKER_DATA_PATH') ?? expandPath(usual),
    configFile: path(given.configfile, 'MOONRAKER_CONFIG_PATH'),
    logFile: path(given.logfile, 'MOONRAKER_LOG_PATH'),
    socket: path(given.unixsocket, 'MOONRAKER_UDS_PATH'),
    noLogFile: flag(given.nologfile, 'MOONRAKER_DISABLE_FILE_LOG'),
    structuredLogging: flag(given['structured-logging'], 'MOONRAKER_STRUCTURED_LOGGING'),
    verbose: flag(given.verbose, 'MOONRAKER_VERBOSE_LOGGING'),
    debug: flag(given.debug, 'MOONRAKER_ENABLE_DEBUG'),
    virtualPrinter,
    speed: readSpeed(given.speed),
    strict: given.strict ?? false,
    workshop: given.workshop === undefined ? undefined : expandPath(given.workshop),
    printers,
    show: given.help ? 'help' : given.version ? 'version' : commandOf(positionals),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('. ')[0]}; --help lists the options`)
  }
}

/** The command in words. Throws StartError for any but `workshop init`. */
function commandOf(words: readonly string[]): 'workshop init' | null {
  if (words.length === 0) return null
  const command = words.join(' ')
  if (command === 'workshop init') return command
  throw new StartError(`Unexpected argument '${words[0]}'; --help lists the options`)
}

/** More would need more memory than a machine for trying has. */
const MAX_PRINTERS = 100

function readPrinters(text = '0'): number {
  const count = Number(text)
  if (/^\d{1,3}$/.test(text) && count <= MAX_PRINTERS) return count
  throw new StartError(`--printers ${text}: give a whole number, at most ${MAX_PRINTERS}`)
}

function readSpeed(text = '1'): number {
  const speed = Number(text)
  if (text.trim() === '' || !(speed > 0) || speed > 10_000) {
    throw new StartError(`--speed ${text}: give a number above 0, at most 10000`)
  }
  return speed
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && ['y', 'yes', 'true', 't', '1', 'on'].includes(value.toLowerCase())
}
