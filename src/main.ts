// The command: starts the server, or a workshop of several, and virtual printers; restarts and stops them.
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { printBanner } from './app/banner.ts'
import { type CommandLine, HELP, readCommandLine } from './app/command-line.ts'
import { createLog } from './app/create-log.ts'
import { ServerHost } from './app/host.ts'
import { type RunningServer, startServer } from './app/server.ts'
import { ConfigError, writeDefaultConfig } from './config/index.ts'
import { messageOf, StartError } from './core/errors.ts'
import type { Log } from './core/log.ts'
import { keepMemorySmall } from './core/memory.ts'
import { print, printError } from './core/output.ts'
import { type DataPaths, dataPaths } from './core/paths.ts'
import type { ServiceManager } from './core/service-manager.ts'
import { setThreadPool } from './core/thread-pool.ts'
import { moonrakerVersion, PACKAGE_VERSION } from './core/version.ts'

/** Why a run of the server ended. */
type End = 'restart' | 'stop'

/** What lasts as long as the process. */
interface Process {
  readonly command: CommandLine
  readonly paths: DataPaths
  readonly log: Log
  readonly host: ServerHost
  /** Null if no service manager waits for messages. */
  readonly manager: ServiceManager | null
}

async function main(): Promise<void> {
  setThreadPool()
  const [first, ...rest] = process.argv.slice(2)
  if (first === 'fleet') return (await import('./app/fleet/index.ts')).runFleet(rest)
  if (first === 'fleet-join') return (await import('./app/fleet-join.ts')).runFleetJoin(rest)
  if (first === 'doctor' || first === 'switch' || first === 'restart')
    return (await import('./app/installation/index.ts')).runInstallation(first, rest)
  const command = readCommandLine(process.argv.slice(2), process.env)
  if (command.show === 'help') return print(HELP)
  if (command.show === 'version')
    return console.log(`moonraker-ts ${PACKAGE_VERSION} (${moonrakerVersion()})`)
  if (command.show === 'workshop init') {
    const { workshopText } = await import('./workshop/init.ts')
    return print(workshopText())
  }
  if (command.workshop !== undefined || command.printers > 0) return serveWorkshop(command)
  const paths = dataPaths(command.dataPath, command)
  const created = prepareConfiguration(paths)
  const { noLogFile, logFile = join(paths.logs, 'moonraker.log') } = command
  const log = createLog(command, noLogFile ? null : logFile)
  keepRunning(log)
  if (created) log.info(`wrote a first configuration to ${paths.configFile}`)
  const host = new ServerHost({ log })
  const manager = await serviceManager(host, log)
  const printer = command.virtualPrinter ? await startVirtualPrinter(command, paths) : null
  try {
    while ((await runOnce({ command, paths, log, host, manager }, printer?.socketPath)) === 'restart')
      log.info('restarting')
  } finally {
    await manager?.stopping()
    await host.stop()
    await printer?.stop()
  }
}

/** Loads what serves several printers only when it is used. */
async function serveWorkshop(command: CommandLine): Promise<void> {
  const { runWorkshop } = await import('./workshop/run.ts')
  const log = createLog(command, command.noLogFile ? null : (command.logFile ?? null))
  keepRunning(log)
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal)
  await runWorkshop(command, log, stop.signal)
}

/** The exit code after an error that no handler has caught (EX_SOFTWARE of sysexits.h): the service manager starts again. */
const UNCAUGHT = 70

/**
 * A print must not end when one request fails. After an error outside of all requests the state of the process is unknown:
 * it ends.
 */
function keepRunning(log: Log): void {
  process.on('unhandledRejection', error => log.error('unhandled rejection', error))
  process.on('uncaughtException', error => {
    log.error('uncaught error, the process ends', error)
    endProcess(UNCAUGHT)
  })
}

/** Writes the default configuration if there is no configuration file. Returns whether it did. */
function prepareConfiguration(paths: DataPaths): boolean {
  try {
    return writeDefaultConfig(paths.configFile, { klippyAddress: '{data_path}/comms/klippy.sock' })
  } catch (error) {
    throw new StartError(
      `the configuration ${paths.configFile} cannot be written: ${messageOf(error)}; give another data folder with -d`,
    )
  }
}

/** Loads what talks to the service manager only where there is one. */
async function serviceManager({ clock }: ServerHost, log: Log): Promise<ServiceManager | null> {
  if (process.env.NOTIFY_SOCKET === undefined) return null
  const { findServiceManager } = await import('./core/service-manager.ts')
  return findServiceManager(process.env, clock, log)
}

/** Loads the virtual printer only when it is used, because it costs memory. */
async function startVirtualPrinter({ speed, strict }: CommandLine, paths: DataPaths) {
  try {
    const { startPrinterInFolder } = await import('./app/virtual-printer-in-folder.ts')
    return await startPrinterInFolder(paths, { speed, strict })
  } catch (error) {
    throw new StartError(messageOf(error), { cause: error })
  }
}

/** Runs the server until a signal or a client ends it. */
async function runOnce(
  { command, paths, log, host, manager }: Process,
  klippySocket: string | undefined,
): Promise<End> {
  const { promise: ended, resolve: end } = Promise.withResolvers<End>()
  const server: RunningServer = await startServer({
    paths,
    log,
    host,
    debug: command.debug,
    onRestart: () => end('restart'),
    ...(klippySocket !== undefined && { klippySocket }),
  })
  const onSignal = () => end('stop')
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal)
  await manager?.ready()
  printBanner(server, paths)
  const keeper = keepMemorySmall(host.clock)
  const reason = await ended
  keeper.stop()
  process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
  log.info(reason === 'stop' ? 'stopping' : 'stopping for a restart')
  await server.stop()
  return reason
}

/** Milliseconds that file calls have to end before the process does. */
const LAST_CALLS = 1000

const hasFileCalls = () => process.getActiveResourcesInfo().some(name => name.startsWith('FSReq'))

/** Ends the process when its last file calls have ended, or after a second. */
async function finish(code: number): Promise<void> {
  for (let left = LAST_CALLS; left > 0 && hasFileCalls(); left -= 10) await setTimeout(10)
  endProcess(code)
}

/**
 * Ends the process. Node first waits for the calls on its threads, and those to a network disk that does not respond never
 * return: then a program that only ends takes the place of this one.
 */
function endProcess(code: number): never {
  if (hasFileCalls() && process.execve !== undefined) {
    process.emit('exit', code)
    process.execve(process.execPath, [process.execPath, '--eval', `process.exit(${code})`], {})
  }
  process.exit(code)
}

main().then(
  () => finish(0),
  (error: unknown) => {
    const expected = error instanceof StartError || error instanceof ConfigError
    const trace = error instanceof Error ? error.stack : undefined
    printError(`moonraker-ts: ${expected ? error.message : (trace ?? messageOf(error))}\n`)
    return finish(1)
  },
)
