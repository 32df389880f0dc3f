// `moonraker-ts fleet-join CODE`: lets the printer of a data folder join a fleet, through its running server.
import { parseArgs } from 'node:util'
import { CallError, connect } from '../../client/index.ts'
import { messageOf, StartError } from '../../core/errors.ts'
import { dataPaths, expandPath } from '../../core/paths.ts'

const OPTIONS = {
  datapath: { type: 'string', short: 'd' },
  name: { type: 'string' },
} as const

/** Runs the command with the arguments after `fleet-join`. Rejects with StartError. */
export async function runJoin(args: readonly string[]): Promise<void> {
  const { code, folder, name } = read(args)
  const { socket } = dataPaths(folder)
  try {
    using client = await connect({ url: socket })
    const { engine } = await client.call('server.fleet.join', { code, ...(name !== undefined && { name }) })
    process.stdout.write(`The printer has joined the fleet at ${engine.join(', ')}; its server restarts.\n`)
  } catch (error) {
    if (error instanceof CallError) throw new StartError(error.message)
    throw new StartError(
      `the server of ${folder} does not answer: ${messageOf(error)}; start it first, or give its folder with -d`,
    )
  }
}

function read(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
    const [code] = positionals
    if (code === undefined || positionals.length > 1) throw new Error('give one code')
    const folder = expandPath(values.datapath ?? process.env.MOONRAKER_DATA_PATH ?? '~/printer_data')
    return { code, folder, name: values.name }
  } catch (error) {
    throw new StartError(
      `${messageOf(error)}; usage: moonraker-ts fleet-join CODE [-d DATA_FOLDER] [--name NAME]`,
    )
  }
}
