// The command `moonraker-ts fleet`: runs a hub with its engine, until a signal ends it.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { reachableUrls } from '../../core/addresses.ts'
import { systemClock } from '../../core/clock.ts'
import { CoalescingClock } from '../../core/coalescing-clock.ts'
import { messageOf, StartError } from '../../core/errors.ts'
import { Log } from '../../core/log.ts'
import { makeFoldersSync } from '../../core/make-folders.ts'
import { keepMemorySmall, keepNewSpaceSmall } from '../../core/memory.ts'
import { print } from '../../core/output.ts'
import { StopStack } from '../../core/stop-stack.ts'
import { PRINTER_KEY_ROLE, PRINTER_PERMISSIONS } from '../../fleet/contract/index.ts'
import { connectEngine } from '../../fleet/hub/engine/link.ts'
import { LocalEngine } from '../../fleet/hub/engine/local.ts'
import { type Hub, startHub } from '../../fleet/hub/hub.ts'
import { makeCertificate } from './certificate.ts'
import { FLEET_HELP, type FleetCommandLine, readFleetCommandLine } from './command-line.ts'
import { caOf, type FleetFiles, fleetFiles } from './files.ts'

/** Milliseconds. */
const DAY = 86_400_000

/** Runs the command with the arguments after `fleet`. Rejects with StartError if the hub cannot start. */
export async function runFleet(args: readonly string[]): Promise<void> {
  const command = readFleetCommandLine(args)
  const files = fleetFiles(command.folder)
  switch (command.command) {
    case 'help':
      return print(FLEET_HELP)
    case 'permissions':
      return print(permissionsText())
    case 'certificate':
      await makeCertificate(files, command.names)
      return print(`${files.certificate}: start the hub again to use it\n`)
    case null:
      return runUntilSignal(command, files)
  }
}

/** For the operators of a cluster of their own. */
function permissionsText(): string {
  return `# The scoped signing key of the account, role ${PRINTER_KEY_ROLE}; the name of a credential is the id of the printer.\n${JSON.stringify(PRINTER_PERMISSIONS, null, 2)}\n`
}

async function runUntilSignal(command: FleetCommandLine, files: FleetFiles): Promise<void> {
  keepNewSpaceSmall()
  const log = createLog(command, files)
  const stops = new StopStack(log)
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  process.once('SIGTERM', end).once('SIGINT', end)
  process.on('unhandledRejection', error => log.error('unhandled rejection', error))
  // Until the hub listens, it waits for the engine with timers only, and they do not keep a process running.
  const running = setInterval(() => undefined, DAY)
  try {
    const hub = await Promise.race([startAll(command, files, { log, stops }), ended.then(() => null)])
    if (hub === null) return log.info('stopping before the hub is up')
    printBanner(hub, command, files)
    const keeper = keepMemorySmall(systemClock)
    stops.add('the care for memory', () => keeper.stop())
    if (command.demo > 0) {
      const { startDemo } = await import('./demo.ts')
      const createCode = () => hub.createCode()
      await startDemo({ folder: files.demo, count: command.demo, createCode, log, stops })
    }
    await ended
    log.info('stopping')
  } finally {
    await stops.run()
    clearInterval(running)
  }
}

function createLog({ verbose }: FleetCommandLine, { logs }: FleetFiles): Log {
  try {
    makeFoldersSync(logs)
  } catch (error) {
    throw new StartError(`the folder ${logs} cannot be created: ${messageOf(error)}; give another with -d`)
  }
  return new Log({
    clock: systemClock,
    file: join(logs, 'fleet.log'),
    structured: false,
    level: verbose ? 'debug' : 'info',
    console: line => print(`${line}\n`),
  })
}

/** Starts the engine, unless another runs it, and the hub. */
async function startAll(
  command: FleetCommandLine,
  files: FleetFiles,
  { log, stops }: { readonly log: Log; readonly stops: StopStack },
): Promise<Hub> {
  const clock = new CoalescingClock(systemClock)
  const ca = caOf(files)
  const { certificate, key } = files
  const engine =
    command.engine.length > 0
      ? null
      : await LocalEngine.start({
          folder: files.engine,
          certificate,
          key,
          port: command.enginePort,
          clock,
          log,
        })
  if (engine !== null) stops.add('the engine', () => engine.stop())
  const servers = engine === null ? command.engine : [engine.address]
  const connection = await connectEngine({
    servers,
    credentials: engine?.credentials ?? (command.credentials as string),
    ca: ca ?? undefined,
    anyName: engine !== null,
    name: `hub ${hostname()}`,
    clock,
    log,
  })
  stops.add('the connection to the engine', () => connection.close())
  const url = command.url ?? (ca === null ? null : `https://${hostname()}:${command.tlsPort}`)
  const hub = await startHub({
    connection,
    engine,
    blobs: files.blobs,
    maxFilesBytes: command.filesBytes,
    host: command.host,
    port: command.port,
    tlsPort: command.tlsPort,
    certificate,
    key,
    ca,
    hubUrl: url,
    engineUrls: engineUrls(command, servers, url),
    proxies: command.proxies,
    clock,
    log,
  })
  stops.add('the hub', () => hub.stop())
  return hub
}

/** Where printers reach the engine: that of the hub's own is on the host of the hub. */
function engineUrls(
  command: FleetCommandLine,
  servers: readonly string[],
  url: string | null,
): readonly string[] {
  if (command.engineUrls.length > 0) return command.engineUrls
  const [first = ''] = servers
  if (command.engine.length > 0 || url === null || !first.startsWith('tls:')) return servers
  return [`tls://${new URL(url).hostname}:${command.enginePort}`]
}

function printBanner(hub: Hub, command: FleetCommandLine, files: FleetFiles): void {
  const { firstUser } = hub
  const urls = reachableUrls(hub)
  const isSecure = hub.tlsPort !== null
  const lines = [
    '',
    `The hub is up: ${urls.join('  ')}`,
    `  data folder  ${files.folder}`,
    ...(firstUser === null
      ? []
      : [
          `  first user   ${firstUser.username}, password ${firstUser.password}`,
          '               It is shown only now; change it after the first login.',
        ]),
    '  to join      "Add printer" on the page gives a code; on the printer: moonraker-ts fleet-join CODE',
    ...(isSecure || command.engine.length > 0
      ? []
      : [
          '               Without a certificate only printers on this machine can join:',
          `               moonraker-ts fleet certificate ${hostname()} ADDRESS -d ${files.folder}`,
        ]),
    '  Ctrl-C stops it; prints go on.',
    '',
    '',
  ]
  print(lines.join('\n'))
}
