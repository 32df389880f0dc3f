// A workshop: several printers in one process, each with its own server, behind one shared listener.
import type { ListeningAt } from '../api/server.ts'
import type { WorkshopReload } from '../api/workshop.ts'
import type { Core } from '../component/component.ts'
import type { Host } from '../component/host.ts'
import { overlap, type Site } from '../components/frontend/static-site.ts'
import { ConfigError } from '../config/index.ts'
import { ConcurrencyLimit } from '../core/concurrency-limit.ts'
import { ApiError, StartError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { pageFiles } from '../core/page-files.ts'
import { type DataPaths, dataPaths } from '../core/paths.ts'
import { SerialQueue } from '../core/serial-queue.ts'
import { Warnings } from '../core/warnings.ts'
import type { Caller } from '../rpc/caller.ts'
import type { Infer } from '../schema/index.ts'
import { Admission } from '../transports/http/admission.ts'
import { HttpListener } from '../transports/http/listener.ts'
import type { LocalPrinter, RemotePrinter, WorkshopConfig } from './config.ts'
import { LocalSlot } from './local-slot.ts'
import { WorkshopMetrics } from './metrics.ts'
import { Overview } from './overview.ts'
import { Pictures } from './pictures.ts'
import { RemoteSlot } from './remote-slot.ts'
import { Router } from './router.ts'
import { type PrinterEntry, type Slot, UNKNOWN_STATE } from './slot.ts'
import { type TopParts, topRegistry } from './top.ts'
import { UsersOfAll, withoutMain } from './without-main.ts'

/** Printers that start at the same time. */
const STARTS = 4
/** WebSockets of each printer that count for the connections of the shared listener. */
const WEBSOCKETS = 50

/** What a workshop is started with. */
export interface WorkshopOptions {
  /** Reads the configuration, now and at a reload. Rejects with ConfigError. */
  readonly read: () => Promise<WorkshopConfig>
  /** The certificate and its key for HTTPS; the files need not exist. */
  readonly certificate: string
  readonly key: string
  readonly host: Host
  readonly log: Log
  /** Makes the log of a printer. Throws StartError if it cannot be written. */
  readonly createLog: (name: string, paths: DataPaths) => Log
  readonly debug?: boolean
  /** Klippy's sockets by the names of printers, in place of those of their configurations: virtual printers. */
  readonly klippySockets?: ReadonlyMap<string, string>
}

/** What a reload changed. */
type Changes = Infer<typeof WorkshopReload>

/** A running workshop. */
export interface RunningWorkshop {
  readonly at: ListeningAt
  readonly warnings: Warnings
  /** The entries of all printers. */
  list(): PrinterEntry[]
  /** Reads the configuration again and applies it. Rejects with ConfigError, with nothing changed. */
  reload(): Promise<Changes>
  stop(): Promise<void>
}

/** Listens, then starts the printers. Rejects with StartError or ConfigError if the shared listener cannot work. */
export async function startWorkshop(options: WorkshopOptions): Promise<RunningWorkshop> {
  const workshop = new Workshop(options, await options.read())
  await workshop.start()
  return workshop
}

class Workshop implements RunningWorkshop {
  readonly warnings: Warnings
  readonly #options: WorkshopOptions
  #config: WorkshopConfig
  readonly #slots = new Map<string, Slot>()
  /** What each slot was made from, to notice changes. */
  readonly #made = new Map<string, string>()
  readonly #overview: Overview
  readonly #pictures: Pictures
  readonly #metrics: WorkshopMetrics
  readonly #router: Router
  readonly #listener: HttpListener
  readonly #users = new UsersOfAll(() => this.#slots.values())
  readonly #starts = new ConcurrencyLimit({
    what: 'printers that start',
    maxRunning: STARTS,
    maxQueued: Number.POSITIVE_INFINITY,
  })
  readonly #reloads = new SerialQueue()
  readonly #files = pageFiles()

  constructor(options: WorkshopOptions, config: WorkshopConfig) {
    const { host, log } = options
    this.#options = options
    this.#config = config
    this.warnings = new Warnings(text => log.warning(text))
    this.#overview = new Overview(host.clock, () => this.#slots.values())
    this.#pictures = new Pictures(host)
    this.#metrics = new WorkshopMetrics({
      host,
      slots: () => this.#slots.values(),
      main: () => this.#main,
      users: this.#users,
    })
    const trust = {
      trustsAddress: (address: string) => this.#main?.policy?.trustsAddress(address) ?? false,
      isKnownNetwork: (address: string) => this.#main?.policy?.isKnownNetwork(address) ?? false,
      isTrustedProxy: (address: string) => this.#main?.policy?.isTrustedProxy(address) ?? false,
    }
    const admission = new Admission(trust, WEBSOCKETS * (config.printers.length + 1))
    this.#router = new Router({
      clock: host.clock,
      admission,
      isPrinter: name => this.#slots.get(name) instanceof LocalSlot,
      withoutMain: withoutMain(topRegistry(this.#top), this.#users, { host, admission }),
    })
    this.#listener = new HttpListener({ handler: this.#router, admission, log, warnings: this.warnings })
  }

  get at(): ListeningAt {
    return this.#router.at
  }

  get #main(): Slot | undefined {
    return this.#slots.get(this.#config.main)
  }

  get #top(): TopParts {
    return {
      version: this.#options.host.version,
      title: () => this.#config.title,
      files: this.#files,
      list: caller => this.#listFor(caller),
      reload: () => this.reload().catch(forCaller),
      picture: (name, caller) => this.#picture(name, caller),
      metrics: request => this.#metrics.answer(request),
      site: () => this.#site,
      onError: (method, error) => this.#options.log.error(`${method} failed`, error),
    }
  }

  async start(): Promise<void> {
    const { host, port, tlsPort } = this.#config
    const { certificate, key, log } = this.#options
    this.#checkSite(this.#config)
    try {
      const ports = await this.#listener.listen({ host, port, tlsPort, certificate, key })
      this.#router.at = { host, ...ports }
    } catch (error) {
      if (!(error instanceof StartError)) throw error
      throw new StartError(error.message.replace('[server]', '[workshop]'), { cause: error })
    }
    for (const text of this.#config.warnings) this.warnings.add(text)
    for (const printer of this.#config.printers) this.#add(printer)
    log.info(`workshop of ${this.#config.printers.map(({ name }) => name).join(', ')}`)
  }

  list(): PrinterEntry[] {
    return [...this.#slots.values()].map(({ entry }) => entry)
  }

  reload(): Promise<Changes> {
    return this.#reloads.run(() => this.#reload())
  }

  async #reload(): Promise<Changes> {
    const before = this.#config
    const config = await this.#options.read()
    this.#checkSite(config)
    this.#config = config
    const names = new Set(config.printers.map(({ name }) => name))
    const stopped = [...this.#slots.keys()].filter(name => !names.has(name))
    const changed = config.printers.filter(printer => {
      const made = this.#made.get(printer.name)
      return made !== undefined && made !== this.#ingredients(printer)
    })
    const restarted = changed.map(({ name }) => name)
    await Promise.all([...stopped, ...restarted].map(name => this.#remove(name)))
    const added = config.printers.filter(({ name }) => !this.#slots.has(name))
    const old = new Map(this.#slots)
    this.#slots.clear()
    for (const printer of config.printers) {
      const slot = old.get(printer.name)
      if (slot === undefined) this.#add(printer)
      else this.#slots.set(printer.name, slot)
    }
    this.#overview.changed()
    const started = added.map(({ name }) => name).filter(name => !restarted.includes(name))
    this.#options.log.info(`reloaded: ${started.length} started, ${stopped.length} stopped`)
    return { started, stopped, restarted, warnings: [...config.warnings, ...listenerWarning(before, config)] }
  }

  /** What a slot is made from, as text. */
  #ingredients(printer: LocalPrinter | RemotePrinter): string {
    const { main, frontend } = this.#config
    return JSON.stringify([printer, printer.name === main ? ['main', frontend] : null])
  }

  #add(printer: LocalPrinter | RemotePrinter): void {
    const slot = this.#createSlot(printer)
    this.#slots.set(printer.name, slot)
    this.#made.set(printer.name, this.#ingredients(printer))
    slot.watch(this.#overview.isWatched)
    slot.start()
  }

  #createSlot(printer: LocalPrinter | RemotePrinter): Slot {
    const { host, log, createLog, debug = false, klippySockets } = this.#options
    const onChange = () => this.#overview.changed()
    if ('url' in printer) return new RemoteSlot({ printer, host, onChange })
    const isMain = printer.name === this.#config.main
    const klippySocket = klippySockets?.get(printer.name)
    return new LocalSlot({
      printer,
      host,
      log,
      createLog: paths => createLog(printer.name, paths),
      starts: this.#starts,
      places: {
        listener: this.#router,
        ...(isMain && { top: base => topRegistry(this.#top, base) }),
      },
      managesMachine: isMain,
      debug,
      onChange,
      onBuilt: ({ connections }: Core) =>
        connections.onClose(connection => this.#overview.forget(connection)),
      ...(klippySocket !== undefined && { klippySocket }),
    })
  }

  async #remove(name: string): Promise<void> {
    await this.#slots.get(name)?.stop()
    this.#slots.delete(name)
    this.#made.delete(name)
  }

  /** All printers for the users of the main one; while it does not run, those whose users include the caller. */
  #listFor({ user, connection }: Caller): PrinterEntry[] {
    const entries = this.#overview.list(connection)
    const visible = this.#users.printersOf(user)
    if (visible === undefined) return entries
    const { main } = this.#config
    return entries.flatMap(entry => {
      if (visible.has(entry.name)) return [entry]
      const error = 'its server does not run: see its log'
      return entry.name === main ? [{ ...UNKNOWN_STATE, name: main, path: `/${main}`, error }] : []
    })
  }

  async #picture(name: string, { user }: Caller): Promise<Buffer> {
    const slot = this.#slots.get(name)
    const visible = this.#users.printersOf(user)
    if (slot === undefined || visible?.has(name) === false) throw new ApiError(404, `No printer '${name}'`)
    return this.#pictures.take(slot)
  }

  get #site(): Site | null {
    const { frontend, printers } = this.#config
    if (frontend === null) return null
    return {
      name: 'workshop',
      path: frontend,
      apartFrom: printers.flatMap(printer => ('url' in printer ? [] : [printer.dataPath])),
      servers: () =>
        printers.map(printer =>
          'url' in printer ? printer : { name: printer.name, path: `/${printer.name}` },
        ),
    }
  }

  /** Throws StartError for a front-end whose files are apart from no data folder: everyone can read them. */
  #checkSite({ frontend, printers }: WorkshopConfig): void {
    if (frontend === null) return
    for (const printer of printers) {
      if ('url' in printer) continue
      const { data, configFile } = dataPaths(printer.dataPath)
      if (!overlap(frontend, data) && !overlap(frontend, configFile)) continue
      throw new StartError(
        `every client can read the files of a front-end: 'frontend' in section [workshop] must be apart from ${data}`,
      )
    }
  }

  async stop(): Promise<void> {
    await this.#reloads.run(async () => {
      this.#overview.stop()
      this.#pictures.stop()
      this.#metrics.stop()
      await Promise.all([...this.#slots.values()].map(slot => slot.stop()))
      await this.#listener.close()
    })
  }
}

/** The caller of a reload receives what is wrong in workshop.conf. */
function forCaller(error: unknown): never {
  const isExpected = error instanceof ConfigError || error instanceof StartError
  throw isExpected ? new ApiError(400, error.message, { cause: error }) : error
}

function listenerWarning(before: WorkshopConfig, now: WorkshopConfig): string[] {
  const isSame = before.host === now.host && before.port === now.port && before.tlsPort === now.tlsPort
  return isSame ? [] : ["'host', 'port' and 'ssl_port' take effect when the process starts again"]
}
