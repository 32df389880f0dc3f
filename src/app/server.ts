// Composes a server: the core in the order of its parts, then the components.

import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ComponentType, Core } from '../component/component.ts'
import type { Host } from '../component/host.ts'
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
import { messageOf, StartError } from '../core/errors.ts'
import { EventBus } from '../core/events.ts'
import type { Log } from '../core/log.ts'
import { DATA_FOLDERS, type DataPaths } from '../core/paths.ts'
import { StopStack } from '../core/stop-stack.ts'
import { trimBothOf } from '../core/trim-characters.ts'
import { Warnings } from '../core/warnings.ts'
import { Printer } from '../klippy/printer.ts'
import type { AccessPolicy } from '../rpc/access-policy.ts'
import { Connections } from '../rpc/connections.ts'
import { Presence } from '../rpc/presence.ts'
import { Registry, type RegistryOptions } from '../rpc/registry.ts'
import { ensureInstanceId, openStorage, type Storage } from '../storage/index.ts'
import { Backlog } from '../transports/backlog.ts'
import { Admission } from '../transports/http/admission.ts'
import { HttpApi } from '../transports/http/api.ts'
import { Authenticator } from '../transports/http/authenticator.ts'
import { HttpListener } from '../transports/http/listener.ts'
import { HttpServer } from '../transports/http/server.ts'
import { Turns } from '../transports/turns.ts'
import { listenUnix } from '../transports/unix-socket.ts'
import { WebSocketTransport } from '../transports/websocket.ts'
import { ComponentSet } from './component-set.ts'
import { withDeprecatedPaths } from './deprecated-paths.ts'
import { ServerHost } from './host.ts'
import { loadComponents } from './load-components.ts'
import { type ServerSection, serverOptions } from './server-section.ts'

/** The options of a server that are not in its configuration. */
export interface ServerOptions {
  readonly paths: DataPaths
  /** The printer's log. */
  readonly log: Log
  /** What the servers of this process share. The server creates its own host if it is left out. */
  readonly host?: Host
  /** Kinds of components in addition to the server's own. */
  readonly components?: readonly ComponentType[]
  /** Replaces `klippy_uds_address`: the virtual printer's socket. */
  readonly klippySocket?: string
  readonly debug?: boolean
  /** Receives each reply; the tests compare it with the contract. */
  readonly observe?: RegistryOptions['observe']
  /** Called when a client requests a restart. */
  readonly onRestart?: () => void
}

/** A running server. */
export interface RunningServer {
  readonly host: string
  readonly port: number
  /** Null without a certificate. */
  readonly tlsPort: number | null
  readonly warnings: Warnings
  stop(): Promise<void>
}

/**
 * Starts a server: reads the configuration, builds everything, listens, starts the components, connects to Klippy.
 * Rejects with StartError or ConfigError, with nothing left running, if it cannot start.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  prepareFolders(options.paths)
  const stops = new StopStack(options.log)
  try {
    return await start(options, stops)
  } catch (error) {
    await stops.run()
    throw error
  }
}

/** Folders without which the server starts: the file manager warns of them, and serves them when they are there. */
const OPTIONAL_FOLDERS: readonly string[] = ['config', 'gcodes']

/** Makes the folders of the data folder. Throws StartError if a needed one cannot be made or written. */
function prepareFolders(paths: DataPaths): void {
  for (const folder of DATA_FOLDERS) {
    try {
      mkdirSync(paths[folder], { recursive: true })
      accessSync(paths[folder], constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (error) {
      if (OPTIONAL_FOLDERS.includes(folder)) continue
      throw new StartError(
        `the data folder ${paths.data} cannot be used: ${messageOf(error)}; ` +
          'give another with -d, or give this user the right to write there',
      )
    }
  }
}

/** Starts the parts in the order in which they depend on each other; `stops` receives the end of each. */
async function start(options: ServerOptions, stops: StopStack): Promise<RunningServer> {
  const { log } = options
  const host = options.host ?? ownHost(log, stops)
  const warnings = new Warnings(text => log.warning(text))
  const [config, section] = readConfiguration(options.paths, warnings)
  const paths = withDeprecatedPaths(options.paths, config, section, warnings)
  const storage = openStorage({
    folder: paths.database,
    backupFolder: join(paths.backup, 'database'),
    clock: host.clock,
    warn: text => void warnings.add(text),
  })
  stops.add('the storage', () => storage.close())
  const core = createCore({ options, host, section, paths, warnings, storage })
  const components = await createComponents(core, config, options.components)
  stops.add('the components', () => components.stop())
  components.build()
  for (const text of config.warnings()) warnings.add(text)
  const ports = await listen(core, section, components, stops)
  core.events.emit('server:listening', { host: section.host, ...ports })
  await components.start()
  // Waits until the reply to the request is sent.
  core.events.on('server:restart', () => void setImmediate(() => options.onRestart?.()))
  core.printer.session.start()
  stops.add('the session with Klippy', () => core.printer.session.stop())
  keepConfiguration(config, log)
  return { ...ports, host: section.host, warnings, stop: () => stops.run() }
}

function ownHost(log: Log, stops: StopStack): Host {
  const host = new ServerHost({ log })
  stops.add('the host', () => host.stop())
  return host
}

/** What the core is created from. */
interface CoreParts {
  readonly options: ServerOptions
  readonly host: Host
  readonly section: ServerSection
  readonly paths: DataPaths
  readonly warnings: Warnings
  readonly storage: Storage
}

function createCore({ options, host, section, paths, warnings, storage }: CoreParts): Core {
  const { log, debug = false, observe } = options
  const warn = (text: string) => void warnings.add(text)
  const { secrets, warnings: secretWarnings } = readSecrets(paths.secrets)
  for (const text of secretWarnings) warn(text)
  const events = new EventBus((event, error) => log.error(`a listener of ${event} failed`, error))
  const registry = new Registry({
    debug,
    onError: (method, error) => log.error(`${method} failed`, error),
    ...(observe !== undefined && { observe }),
  })
  const connections = new Connections()
  return {
    host,
    registry,
    connections,
    presence: new Presence(connections, host.clock),
    events,
    printer: new Printer({
      path: options.klippySocket ?? section.klippy_uds_address,
      events,
      clock: host.clock,
      log,
      warnings,
      version: host.version,
    }),
    storage,
    log,
    clock: host.clock,
    warnings,
    paths,
    secrets,
    instanceId: ensureInstanceId(paths.data, storage.namespaces, warn),
    port: section.port,
    routePrefix: normalizePrefix(section.route_prefix),
    maxUploadBytes: section.max_upload_size * 1024 * 1024,
    debug,
  }
}

async function createComponents(
  core: Core,
  config: Configuration,
  extra: readonly ComponentType[] = [],
): Promise<ComponentSet> {
  const facts: ServerFacts = {
    components: () => components.names,
    failedComponents: () => components.failed,
    started: () => components.started,
    config: () => config.reply(),
  }
  const services = new Map([[serverFacts.name, facts]])
  const types = await loadComponents([...componentTypes, ...extra], section => config.has(section), services)
  const components = new ComponentSet({ core, config, types, services })
  return components
}

async function listen(
  core: Core,
  section: ServerSection,
  components: ComponentSet,
  stops: StopStack,
): Promise<{ port: number; tlsPort: number | null }> {
  const { registry, connections, log, paths, printer, routePrefix, warnings, clock } = core
  // The set does not build without it.
  const policy = components.find(accessPolicy) as AccessPolicy
  const authenticator = new Authenticator(policy, warnings)
  const { max_websocket_connections: maxWebsockets } = section
  const admission = new Admission(policy, maxWebsockets)
  const limits = { backlog: new Backlog(connections.counts), turns: new Turns() }
  const unix = await listenUnix(paths.socket, { registry, connections, ...limits, log })
  stops.add('the unix socket', () => void unix.close())
  const http = new HttpServer({
    api: new HttpApi({ registry, authenticator, admission, clock, routePrefix, backlog: limits.backlog }),
    registry,
    authenticator,
    admission,
    websockets: new WebSocketTransport({ registry, connections, clock, ...limits, log }),
    connections,
    turns: limits.turns,
    link: printer.link,
    clock,
    routePrefix,
    maxWebsockets,
  })
  const listener = new HttpListener({ handler: http, admission, log, warnings })
  stops.add('the HTTP listener', () => listener.close())
  policy.onLogout(username => http.closeBridges(username))
  return listener.listen({
    host: section.host,
    port: section.port,
    tlsPort: section.ssl_port,
    certificate: paths.certificate,
    key: paths.certificateKey,
  })
}

function keepConfiguration({ sources }: Configuration, log: Log): void {
  try {
    saveLastGood(sources)
  } catch (error) {
    log.warning(`the last good configuration cannot be saved: ${messageOf(error)}`)
  }
}

/** `printer1/` and `/printer1` are the same prefix. */
function normalizePrefix(prefix: string | null): string {
  const inner = trimBothOf(prefix ?? '', '/')
  return inner === '' ? '' : `/${inner}`
}

/** The configuration and its section [server]; the last good configuration if the current one cannot be used. */
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
