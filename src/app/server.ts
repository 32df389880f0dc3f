// Composes a server: the core in the order of its parts, then the components.

import { accessSync, constants } from 'node:fs'
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
import { makeFoldersSync } from '../core/make-folders.ts'
import { DATA_FOLDERS, type DataPaths } from '../core/paths.ts'
import { StopStack } from '../core/stop-stack.ts'
import { Warnings } from '../core/warnings.ts'
import { KlippyDisconnected } from '../klippy/link.ts'
import { Printer } from '../klippy/printer.ts'
import type { AccessPolicy } from '../rpc/access-policy.ts'
import { Connections } from '../rpc/connections.ts'
import { Presence } from '../rpc/presence.ts'
import { Registry, type RegistryOptions } from '../rpc/registry.ts'
import { ensureInstanceId, openStorage, type Storage } from '../storage/index.ts'
import { ComponentSet } from './component-set.ts'
import { withDeprecatedPaths } from './deprecated-paths.ts'
import { ServerHost } from './host.ts'
import { listen, type SharedPlaces } from './listen.ts'
import { loadComponents } from './load-components.ts'
import { normalizePrefix, type ServerSection, serverOptions } from './server-section.ts'

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
  /** Places at a listener that the server shares with others. */
  readonly shared?: SharedPlaces
  /** False for a server that leaves services, power and updates of the machine to another one of the same process. */
  readonly managesMachine?: boolean
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

/** The section of updates, which belongs to one printer of a machine. */
const UPDATES = 'update_manager'

/** Makes the folders of the data folder. Throws StartError if a needed one cannot be made or written. */
function prepareFolders(paths: DataPaths): void {
  for (const folder of DATA_FOLDERS) {
    try {
      makeFoldersSync(paths[folder])
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
  const [config, section] = readConfiguration(options, warnings)
  const paths = withDeprecatedPaths(options.paths, config, section, warnings)
  const storage = openStorage({
    folder: paths.database,
    backupFolder: join(paths.backup, 'database'),
    clock: host.clock,
    warn: text => void warnings.add(text),
  })
  stops.add('the storage', () => storage.close())
  const core = createCore({ options, host, section, paths, warnings, storage })
  const components = await createComponents(core, config, options)
  stops.add('the components', () => components.stop())
  components.build()
  for (const text of config.warnings()) warnings.add(text)
  // The set does not build without it.
  const policy = components.find(accessPolicy) as AccessPolicy
  const at = await listen({ core, section, policy, shared: options.shared, stops })
  core.events.emit('server:listening', at)
  await components.start()
  // Waits until the reply to the request is sent.
  core.events.on('server:restart', () => void setImmediate(() => options.onRestart?.()))
  core.printer.session.start()
  stops.add('the session with Klippy', () => core.printer.session.stop())
  keepConfiguration(config, log)
  return { ...at, warnings, stop: () => stops.run() }
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
  const events = new EventBus((event, error) => {
    // Klippy was restarted or stopped meanwhile, and `klippy:ready` follows.
    if (error instanceof KlippyDisconnected) log.debug(`a listener of ${event}: ${error.message}`)
    else log.error(`a listener of ${event} failed`, error)
  })
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
    ...addressOf(options.shared, section, warnings),
    maxUploadBytes: section.max_upload_size * 1024 * 1024,
    printerName: options.shared?.prefix.slice(1) ?? null,
    managesMachine: options.managesMachine ?? true,
    debug,
  }
}

async function createComponents(
  core: Core,
  config: Configuration,
  { components: extra = [] }: ServerOptions,
): Promise<ComponentSet> {
  const facts: ServerFacts = {
    components: () => components.names,
    failedComponents: () => components.failed,
    started: () => components.started,
    config: () => config.reply(),
  }
  const services = new Map([[serverFacts.name, facts]])
  const isLeftOut = !core.managesMachine && config.has(UPDATES)
  if (isLeftOut) {
    config.ignore(UPDATES)
    core.warnings.add(`[${UPDATES}] is ignored: updates belong to the main printer of the workshop`)
  }
  const isUsed = (section: string) => config.has(section) && !(isLeftOut && section === UPDATES)
  const types = await loadComponents([...componentTypes, ...extra], isUsed, services)
  const components = new ComponentSet({ core, config, types, services })
  return components
}

function keepConfiguration({ sources }: Configuration, log: Log): void {
  try {
    saveLastGood(sources)
  } catch (error) {
    log.warning(`the last good configuration cannot be saved: ${messageOf(error)}`)
  }
}

/** The address that the server names to others: of its own port, or of its place at a shared listener. */
function addressOf(
  shared: SharedPlaces | undefined,
  { port, route_prefix }: ServerSection,
  warnings: Warnings,
): Pick<Core, 'port' | 'routePrefix'> {
  if (shared === undefined) return { port, routePrefix: normalizePrefix(route_prefix) }
  if (route_prefix !== null) {
    warnings.add("'route_prefix' in section [server] is ignored: workshop.conf gives this printer its path")
  }
  return shared.ownPort
    ? { port, routePrefix: '' }
    : { port: shared.listener.at.port, routePrefix: shared.prefix }
}

/** The configuration and its section [server]; the last good configuration if the current one cannot be used. */
function readConfiguration({ paths }: ServerOptions, warnings: Warnings): [Configuration, ServerSection] {
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
