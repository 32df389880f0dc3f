// A whole server with a virtual printer of its own, in this process, on free ports, in a folder of its own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerHost } from '../../src/app/host.ts'
import { type RunningServer, startServer } from '../../src/app/server.ts'
import type { RunningPrinter } from '../../src/app/virtual-printer-in-folder.ts'
import type { ComponentType } from '../../src/component/component.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { Log } from '../../src/core/log.ts'
import { type DataPaths, dataPaths } from '../../src/core/paths.ts'
import type { VirtualPrinter } from '../../src/virtual-printer/index.ts'
import { checkReply } from './check-reply.ts'

/** The options of a rig. */
export interface RigOptions {
  /** Further text of moonraker.conf; `{data}` is replaced by the path of the data folder. */
  readonly conf?: string
  /** Further lines of its [server] section. */
  readonly server?: string
  /** Lines of [authorization]; loopback is trusted where it is left out. */
  readonly authorization?: string
  /** `none` leaves the printer away. */
  readonly printer?: 'virtual' | 'none'
  /** printer.cfg; that of the strict machine where it is left out. */
  readonly printerCfg?: string
  readonly speed?: number
  readonly debug?: boolean
  /** Resolve only when Klippy is ready; where it is left out, true with a virtual printer and false without one. */
  readonly ready?: boolean
  /** The clock of the rig's own host. */
  readonly clock?: Clock
  /** A host that the test stops; the rig has its own where it is left out. */
  readonly host?: ServerHost
  /** Kinds of components in addition to the server's own. */
  readonly components?: readonly ComponentType[]
  /** Puts files into the data folder before the server starts. */
  readonly prepare?: (paths: DataPaths) => void
  /** Another Klippy's socket, in place of the virtual printer. */
  readonly klippySocket?: string
}

/** A rig; `await using` stops it. */
export interface Rig extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly socketPath: string
  readonly dataPath: string
  readonly paths: DataPaths
  readonly server: RunningServer
  readonly printer: VirtualPrinter
  /** What the server logged. */
  readonly log: readonly string[]
  /** Resolves when a client requests a restart of the server. */
  readonly restartRequested: Promise<void>
}

const TRUST_LOOPBACK = 'trusted_clients:\n  127.0.0.1\n  ::1\ncors_domains:\n  http://allowed.test'

function configuration(
  { conf = '', server = '', authorization = TRUST_LOOPBACK }: RigOptions,
  data: string,
): string {
  // Only tests of services may touch the services of the machine that they run on.
  const machine = conf.includes('[machine]') ? '' : '[machine]\nprovider: none\n'
  // Nor do tests send requests to feeds on the internet.
  const feeds = conf.includes('[announcements]') ? '' : '[announcements]\nenable_moonlight: False\n'
  const text = `[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n${server}\n[authorization]\n${authorization}\n${machine}${feeds}${conf}\n`
  return text.replaceAll('{data}', data)
}

/** Starts a rig. Every reply that its server gives is compared with the contract. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const dataPath = mkdtempSync(join(tmpdir(), 'rig-'))
  const paths = dataPaths(dataPath)
  const log: string[] = []
  const restart = Promise.withResolvers<void>()
  let printer: RunningPrinter | null = null
  let server: RunningServer | null = null
  const serverLog = new Log({
    clock: systemClock,
    file: join(paths.logs, 'moonraker.log'),
    structured: false,
    level: 'debug',
    console: line => log.push(line),
  })
  const host = options.host ?? new ServerHost({ log: serverLog, clock: options.clock ?? systemClock })
  const stop = async () => {
    await server?.stop()
    if (options.host === undefined) await host.stop()
    await printer?.stop()
    rmSync(dataPath, { recursive: true, force: true })
  }
  try {
    prepareFiles(paths, options)
    options.prepare?.(paths)
    if (options.printer !== 'none' && options.klippySocket === undefined) {
      // Loaded only if it is needed: most rigs have no printer, and it is the greater part of the code.
      const { startPrinterInFolder } = await import('../../src/app/virtual-printer-in-folder.ts')
      // A strict machine, as those of the recordings.
      const pace = { speed: options.speed ?? 10, statusInterval: 0.025 }
      printer = await startPrinterInFolder(paths, { ...pace, strict: true })
    }
    server = await startServer({
      paths,
      log: serverLog,
      host,
      klippySocket: options.klippySocket ?? printer?.socketPath ?? join(paths.comms, 'no-klippy.sock'),
      debug: options.debug ?? false,
      observe: checkReply,
      ...(options.components !== undefined && { components: options.components }),
      onRestart: restart.resolve,
    })
    const url = `http://127.0.0.1:${server.port}`
    if (options.ready ?? printer !== null) await waitUntilReady(url)
    return {
      url,
      port: server.port,
      socketPath: paths.socket,
      dataPath,
      paths,
      server,
      printer: printer?.printer as VirtualPrinter,
      log,
      restartRequested: restart.promise,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function prepareFiles(paths: DataPaths, options: RigOptions): void {
  for (const folder of [paths.config, paths.logs]) mkdirSync(folder, { recursive: true })
  writeFileSync(paths.configFile, configuration(options, paths.data))
  if (options.printerCfg !== undefined) writeFileSync(join(paths.config, 'printer.cfg'), options.printerCfg)
}

/** Resolves when Klippy is ready, as a client learns it: by a notification, or at once if it is ready already. */
async function waitUntilReady(url: string): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/websocket`)
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('error', () => reject(new Error('the server refuses the WebSocket of the rig')))
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'server.info', id: 0 }))
    })
    socket.addEventListener('message', ({ data }) => {
      const { method, result } = JSON.parse(String(data))
      if (method === 'notify_klippy_ready' || result?.klippy_state === 'ready') resolve()
    })
  })
  const closed = new Promise(resolve => {
    socket.addEventListener('close', resolve)
  })
  socket.close()
  await closed
}
