// Runs a workshop until it is stopped: of a workshop.conf, or of virtual printers to try it.
import { dirname, join } from 'node:path'
import type { CommandLine } from '../app/command-line.ts'
import { createLog } from '../app/create-log.ts'
import { ServerHost } from '../app/host.ts'
import type { RunningPrinter } from '../app/virtual-printer-in-folder.ts'
import { writeDefaultConfig } from '../config/index.ts'
import { reachableUrls } from '../core/addresses.ts'
import { messageOf, StartError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { keepMemorySmall } from '../core/memory.ts'
import { print } from '../core/output.ts'
import { dataPaths } from '../core/paths.ts'
import { findServiceManager } from '../core/service-manager.ts'
import { type LocalPrinter, readWorkshop, type WorkshopConfig, workshopPaths } from './config.ts'
import { type RunningWorkshop, startWorkshop } from './index.ts'

/** Virtual printers, and the configuration of their workshop. */
interface Trial {
  readonly config: WorkshopConfig
  readonly running: readonly RunningPrinter[]
  readonly sockets: ReadonlyMap<string, string>
}

/** Runs the workshop of the command line until `signal` is aborted. Rejects with StartError or ConfigError. */
export async function runWorkshop(command: CommandLine, log: Log, signal: AbortSignal): Promise<void> {
  const host = new ServerHost({ log })
  const trial = command.printers > 0 ? await startTrial(command) : null
  const paths = workshopPaths(command.workshop ?? join(dirname(command.dataPath), 'workshop.conf'))
  try {
    const workshop = await startWorkshop({
      ...paths,
      read: async () => trial?.config ?? (await readWorkshop(paths, log)),
      host,
      log,
      createLog: (name, { logs }) =>
        createLog(command, command.noLogFile ? null : join(logs, 'moonraker.log'), name),
      debug: command.debug,
      ...(trial !== null && { klippySockets: trial.sockets }),
    })
    await serve(workshop, { host, log, signal })
  } finally {
    await host.stop()
    for (const printer of trial?.running ?? []) await printer.stop()
  }
}

/** Keeps a started workshop running. */
async function serve(
  workshop: RunningWorkshop,
  { host, log, signal }: { readonly host: ServerHost; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  const reload = () => {
    workshop.reload().catch(error => log.error(`workshop.conf is not reloaded: ${messageOf(error)}`))
  }
  process.on('SIGHUP', reload)
  const manager = await findServiceManager(process.env, host.clock, log)
  const keeper = keepMemorySmall(host.clock)
  await manager?.ready()
  const urls = reachableUrls(workshop.at)
  print(`\nmoonraker-ts serves a workshop: ${urls.join('  ')}\n  Ctrl-C stops it.\n\n`)
  await aborted(signal)
  log.info('stopping')
  await manager?.stopping()
  keeper.stop()
  process.off('SIGHUP', reload)
  await workshop.stop()
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    // A timer keeps the process running where nothing else does.
    const timer = setInterval(() => undefined, 2 ** 30)
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(timer)
        resolve()
      },
      { once: true },
    )
  })
}

/** Starts the virtual printers, with data folders next to that of the command line. */
async function startTrial({ printers: count, dataPath, speed, strict }: CommandLine): Promise<Trial> {
  const { startPrinterInFolder } = await import('../app/virtual-printer-in-folder.ts')
  const running: RunningPrinter[] = []
  const sockets = new Map<string, string>()
  const printers: LocalPrinter[] = []
  for (let number = 1; number <= count; number += 1) {
    const name = `printer-${number}`
    const paths = dataPaths(join(dirname(dataPath), `printer_${number}_data`))
    try {
      writeDefaultConfig(paths.configFile)
    } catch (error) {
      throw new StartError(`the configuration ${paths.configFile} cannot be written: ${messageOf(error)}`)
    }
    const printer = await startPrinterInFolder(paths, { speed, strict })
    running.push(printer)
    sockets.set(name, printer.socketPath)
    printers.push({ name, dataPath: paths.data, ownPort: false })
  }
  const config: WorkshopConfig = {
    host: '0.0.0.0',
    port: 7120,
    tlsPort: 7121,
    title: 'Virtual printers',
    main: 'printer-1',
    frontend: null,
    printers,
    warnings: [],
  }
  return { config, running, sockets }
}
