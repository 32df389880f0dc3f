// The composition root: the core in the order in which it depends on itself, then the components.
import { accessSync, constants, mkdirSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import type { ComponentType, Core } from '../component/component.ts'
import { accessPolicy } from '../components/access/service.ts'
import { componentTypes } from '../components/index.ts'
import { type ServerFacts, serverFacts } from '../components/server/service.ts'
import {
  ConfigError,
  Configuration,
  fallbackWarning,
  loadSources,
  readLastGood,
  readSecrets,
  saveLastGood,
} from '../config/index.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { messageOf, StartError } from '../core/errors.ts'
import { EventBus } from '../core/events.ts'
import type { Log } from '../core/log.ts'
import { DATA_FOLDERS, type DataPaths } from '../core/paths.ts'
import { Scope } from '../core/scope.ts'
import { moonrakerVersion } from '../core/version.ts'
import { Warnings } from '../core/warnings.ts'
import { KlippyLink } from '../klippy/link.ts'
import { Printer } from '../klippy/printer.ts'
import { Queries } from '../klippy/queries.ts'
import { KlippySession } from '../klippy/session.ts'
import { Subscriptions } from '../klippy/subscriptions.ts'
import type { AccessPolicy } from '../rpc/access-policy.ts'
import { Connections } from '../rpc/connections.ts'
import { Registry, type RegistryOptions } from '../rpc/registry.ts'
import { ensureInstanceId, openStorage, type Storage } from '../storage/index.ts'
import { HttpApi } from '../transports/http/api.ts'
import { Authenticator } from '../transports/http/authenticator.ts'
import { HttpServer } from '../transports/http/server.ts'
import { listenUnix } from '../transports/unix-socket.ts'
import { WebSocketTransport } from '../transports/websocket.ts'
import { ComponentSet } from './component-set.ts'
import { withDeprecatedPaths } from './deprecated-paths.ts'
import { type ServerSection, serverOptions } from './server-section.ts'

/** What a server is started with, beside its configuration. */
export interface ServerOptions {
  readonly paths: DataPaths
  readonly log: Log
  /** Stands in for `klippy_uds_address`: the virtual printer's socket. */
  readonly klippySocket?: string
  readonly debug?: boolean
  readonly clock?: Clock
  /** Kinds of components in addition to the server's own. */
  readonly components?: readonly ComponentType[]
  /** Hears each reply; the tests compare it with the contract. */
  readonly observe?: RegistryOptions['observe']
  /** Called when a client asks for a restart. */
  readonly onRestart?: () => void
}

/** A server that runs. */
export interface RunningServer {
  readonly host: string
  readonly port: number
  /** Null where there is no certificate. */
  readonly tlsPort: number | null
  readonly warnings: Warnings
  stop(): Promise<void>
}

/**
 * Starts a server: reads the configuration, builds everything, listens, starts the components, connects to Klippy.
 * Throws StartError or ConfigError, with nothing left running, where that is not possible.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  prepareFolders(options.paths)
  const app = new App(options)
  try {
    return await app.start()
  } catch (error) {
    await app.stop()
    throw error
  }
}

/** Makes the folders of the data folder. Throws StartError where they cannot be made or written. */
function prepareFolders(paths: DataPaths): void {
  for (const folder of DATA_FOLDERS) {
    try {
      mkdirSync(paths[folder], { recursive: true })
      accessSync(paths[folder], constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (error) {
      throw new StartError(
        `the data folder ${paths.data} cannot be used: ${messageOf(error)}; ` +
          'give another with -d, or give this user the right to write there',
      )
    }
  }
}

class App {
  readonly #options: ServerOptions
  readonly #config: Configuration
  readonly #server: ServerSection
  readonly #paths: DataPaths
  readonly #warnings: Warnings
  readonly #storage: Storage
  readonly #core: Core
  readonly #scope = new Scope()
  readonly #components: ComponentSet
  #http: HttpServer | null = null
  #unix: Server | null = null

  constructor(options: ServerOptions) {
    const { paths, log } = options
    this.#options = options
    this.#warnings = new Warnings(text => log.warning(text))
    const [config, server] = readConfiguration(paths, this.#warnings)
    this.#config = config
    this.#server = server
    this.#paths = withDeprecatedPaths(paths, config, server, this.#warnings)
    this.#storage = openStorage({
      folder: this.#paths.database,
      backupFolder: join(paths.backup, 'database'),
      clock: options.clock ?? systemClock,
      warn: text => void this.#warnings.add(text),
    })
    this.#core = this.#buildCore(options.klippySocket ?? server.klippy_uds_address)
    this.#components = this.#createComponents()
  }

  #buildCore(klippySocket: string): Core {
    const { log, clock = systemClock, debug = false, observe } = this.#options
    const paths = this.#paths
    const { secrets, warnings: secretWarnings } = readSecrets(paths.secrets)
    for (const text of secretWarnings) this.#warnings.add(text)
    const version = moonrakerVersion()
    const events = new EventBus((event, error) => log.error(`a listener of ${event} failed`, error))
    const registry = new Registry({
      debug,
      onFault: (method, error) => log.error(`${method} failed`, error),
      ...(observe !== undefined && { observe }),
    })
    const link = new KlippyLink({ path: klippySocket, clock, log })
    const subscriptions = new Subscriptions(link, clock)
    const session = new KlippySession({ link, subscriptions, events, clock, log, version })
    const queries = new Queries(link, subscriptions)
    const printer = new Printer({ link, session, subscriptions, queries, events })
    const connections = new Connections()
    return {
      registry,
      connections,
      events,
      printer,
      storage: this.#storage,
      log,
      clock,
      warnings: this.#warnings,
      paths,
      secrets,
      version,
      instanceId: ensureInstanceId(
        paths.data,
        this.#storage.namespaces,
        text => void this.#warnings.add(text),
      ),
      port: this.#server.port,
      routePrefix: normalizePrefix(this.#server.route_prefix),
      maxUploadBytes: this.#server.max_upload_size * 1024 * 1024,
      debug,
    }
  }

  async start(): Promise<RunningServer> {
    this.#components.build()
    // The set does not build without it.
    const policy = this.#components.find(accessPolicy) as AccessPolicy
    this.#restartOnRequest()
    for (const text of this.#config.warnings()) this.#warnings.add(text)
    const ports = await this.#listen(new Authenticator(policy, this.#warnings))
    policy.onLogout(username => this.#http?.closeBridges(username))
    this.#core.events.emit('server:listening', { host: this.#server.host, ...ports })
    await this.#components.start()
    this.#core.printer.session.start()
    this.#keepConfiguration()
    return { ...ports, host: this.#server.host, warnings: this.#warnings, stop: () => this.stop() }
  }

  #createComponents(): ComponentSet {
    const facts: ServerFacts = {
      components: () => components.names,
      failedComponents: () => components.failed,
      config: () => this.#config.reply(),
    }
    const components = new ComponentSet({
      core: this.#core,
      config: this.#config,
      types: [...componentTypes, ...(this.#options.components ?? [])],
      services: new Map([[serverFacts.name, facts]]),
    })
    return components
  }

  /** Waits until the reply to the request is sent. */
  #restartOnRequest(): void {
    const { events } = this.#core
    this.#scope.use(events.on('server:restart', () => void setImmediate(() => this.#options.onRestart?.())))
  }

  async #listen(authenticator: Authenticator): Promise<{ port: number; tlsPort: number | null }> {
    const { registry, connections, log, paths, printer, routePrefix, clock } = this.#core
    const { host, port, ssl_port: tlsPort, max_websocket_connections: maxWebsockets } = this.#server
    this.#unix = await listenUnix(paths.socket, { registry, connections, log })
    this.#http = new HttpServer({
      api: new HttpApi({ registry, authenticator, clock, routePrefix }),
      authenticator,
      websockets: new WebSocketTransport({ registry, connections, log }),
      connections,
      link: printer.link,
      log,
      warnings: this.#warnings,
      routePrefix,
      maxWebsockets,
    })
    return this.#http.listen({
      host,
      port,
      tlsPort,
      certificate: paths.certificate,
      key: paths.certificateKey,
    })
  }

  #keepConfiguration(): void {
    try {
      saveLastGood(this.#config.sources)
    } catch (error) {
      this.#core.log.warning(`the last good configuration cannot be kept: ${messageOf(error)}`)
    }
  }

  /** Stops everything in reverse order; what fails to stop is reported and does not keep the rest. */
  async stop(): Promise<void> {
    this.#core.printer.session.stop()
    this.#unix?.close()
    await this.#http?.close()
    await this.#components.stop()
    this.#scope.close()
    await this.#storage.close()
  }
}

/** `printer1/` and `/printer1` are the same prefix. */
function normalizePrefix(prefix: string | null): string {
  const inner = (prefix ?? '').replace(/^\/+|\/+$/g, '')
  return inner === '' ? '' : `/${inner}`
}

/** The configuration with its [server] section; the last good one where the present one cannot be used. */
function readConfiguration(paths: DataPaths, warnings: Warnings): [Configuration, ServerSection] {
  const { sources, fallback } = loadSources(paths.configFile)
  if (fallback !== undefined) warnings.add(fallback)
  const config = new Configuration(sources, paths.data)
  try {
    return [config, config.read('server', serverOptions).options]
  } catch (error) {
    const lastGood = error instanceof ConfigError ? readLastGood(paths.configFile) : undefined
    if (lastGood === undefined) throw error
    warnings.add(fallbackWarning(paths.configFile, error as ConfigError))
    const good = new Configuration(lastGood, paths.data)
    return [good, good.read('server', serverOptions).options]
  }
}
