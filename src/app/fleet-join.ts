// The command `moonraker-ts fleet-join CODE`: makes a printer a part of a fleet, whether its server runs or not.

import { readFileSync } from 'node:fs'
import { connect as openSocket } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connect } from '../client/index.ts'
import { joinFleet } from '../components/fleet/join/join.ts'
import { messageOf, StartError } from '../core/errors.ts'
import { HttpClient } from '../core/http-client.ts'
import { type DataPaths, dataPaths, expandPath } from '../core/paths.ts'

const OPTIONS = {
  datapath: { type: 'string', short: 'd' },
  configfile: { type: 'string', short: 'c' },
  unixsocket: { type: 'string', short: 'u' },
  name: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const HELP = `moonraker-ts fleet-join: make this printer a part of a fleet

Usage: moonraker-ts fleet-join CODE [options]

  -d, --datapath DIR     the data folder (MOONRAKER_DATA_PATH; default ~/printer_data)
  -c, --configfile FILE  the configuration (default <data>/config/moonraker.conf)
  -u, --unixsocket FILE  the unix socket of the server (default <data>/comms/moonraker.sock)
      --name NAME        how the fleet calls the printer (default: the name of this machine)

The hub of the fleet shows the code. A server that runs restarts and connects; the print goes on.
`

/** Runs the command with the arguments after `fleet-join`. Rejects with StartError. */
export async function runFleetJoin(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args)
  const [code, ...others] = positionals
  if (values.help === true) return void process.stdout.write(HELP)
  if (code === undefined || others.length > 0)
    throw new StartError('give one code: moonraker-ts fleet-join CODE')
  const paths = dataPaths(
    expandPath(values.datapath ?? process.env.MOONRAKER_DATA_PATH ?? '~/printer_data'),
    {
      configFile: values.configfile && expandPath(values.configfile),
      socket: values.unixsocket && expandPath(values.unixsocket),
    },
  )
  try {
    const isRunning = await answers(paths.socket)
    const engine = await (isRunning ? joinRunning : joinStopped)(paths, code, values.name)
    const next = isRunning ? 'the server restarts' : 'start the server'
    process.stdout.write(`joined the fleet of ${engine.join(', ')}; ${next}\n`)
  } catch (error) {
    throw new StartError(messageOf(error), { cause: error })
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new StartError(`${messageOf(error).split('. ')[0]}; fleet-join --help lists the options`)
  }
}

/** Whether a server accepts connections at this socket. */
function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = openSocket(path)
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

async function joinRunning({ socket }: DataPaths, code: string, name: string | undefined): Promise<string[]> {
  using client = await connect({ url: socket, reconnect: false })
  const { engine } = await client.call('server.fleet.join', { code, name })
  return engine
}

async function joinStopped(paths: DataPaths, code: string, name: string | undefined): Promise<string[]> {
  const http = new HttpClient()
  try {
    return await joinFleet({ http, paths, id: instanceId(paths), code, name })
  } finally {
    http.close()
  }
}

function instanceId({ data }: DataPaths): string {
  try {
    return readFileSync(join(data, '.moonraker.uuid'), 'utf8').trim()
  } catch {
    throw new StartError(
      `${data} has no .moonraker.uuid yet: start the server once, or give another folder with -d`,
    )
  }
}
