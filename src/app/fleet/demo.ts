// `fleet --demo N`: virtual printers, each with a server of its own in this process, which join the fleet by themselves.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '../../client/index.ts'
import type { Log } from '../../core/log.ts'
import { makeFoldersSync } from '../../core/make-folders.ts'
import { type DataPaths, dataPaths } from '../../core/paths.ts'
import type { StopStack } from '../../core/stop-stack.ts'
import { ServerHost } from '../host.ts'
import { type RunningServer, startServer } from '../server.ts'
import { startPrinterInFolder } from '../virtual-printer-in-folder.ts'

/** How many times faster than a real printer they print. */
const SPEED = 20

/** Only this machine reaches their APIs, at ports that are free. They take jobs with the plate cleared by the hub. */
const CONFIGURATION = `[server]
host: 127.0.0.1
port: 0
ssl_port: 0
klippy_uds_address: {data_path}/comms/klippy.sock

[authorization]
trusted_clients:
  127.0.0.1
  ::1

[machine]
provider: none

[announcements]
enable_moonlight: False
`

/** What a demonstration needs. */
export interface DemoParts {
  /** The folder of its printers. */
  readonly folder: string
  readonly count: number
  /** A code for one printer. */
  readonly createCode: () => Promise<string>
  readonly log: Log
  readonly stops: StopStack
}

/** Starts the printers, one after the other. */
export async function startDemo({ folder, count, createCode, log, stops }: DemoParts): Promise<void> {
  const host = new ServerHost({ log: log.child('demo') })
  stops.add('the host of the demonstration', () => host.stop())
  for (let number = 1; number <= count; number += 1) {
    const paths = dataPaths(join(folder, `printer_${number}`))
    await startPrinter({ paths, name: `demo ${number}`, host, createCode, stops })
  }
}

interface PrinterParts extends Pick<DemoParts, 'createCode' | 'stops'> {
  readonly paths: DataPaths
  readonly name: string
  readonly host: ServerHost
}

async function startPrinter({ paths, name, host, createCode, stops }: PrinterParts): Promise<void> {
  makeFoldersSync(paths.config)
  if (!existsSync(paths.configFile)) writeFileSync(paths.configFile, CONFIGURATION)
  const printer = await startPrinterInFolder(paths, { speed: SPEED })
  stops.add(`the printer ${name}`, () => printer.stop())
  let server: RunningServer | null = null
  let isStopped = false
  const start = async (): Promise<void> => {
    server = await startServer({
      paths,
      log: host.log.child(name),
      host,
      klippySocket: printer.socketPath,
      onRestart: () => void restart().catch(error => host.log.error(`${name} did not start again`, error)),
    })
  }
  const restart = async (): Promise<void> => {
    await server?.stop()
    if (!isStopped) await start()
  }
  stops.add(`the server of ${name}`, async () => {
    isStopped = true
    await server?.stop()
  })
  await start()
  if (existsSync(join(paths.data, 'fleet', 'seed'))) return
  using client = await connect({ url: paths.socket })
  await client.call('server.fleet.join', { code: await createCode(), name })
}
