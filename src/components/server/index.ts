// The server's own methods: its state, its configuration, its connections.
import { CLIENT_TYPES, server as chapter } from '../../api/server.ts'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { ApiError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { API_VERSION } from '../../core/version.ts'
import type { AccessPolicy } from '../../rpc/access-policy.ts'
import type { Caller } from '../../rpc/caller.ts'
import type { ClientInfo, Connection } from '../../rpc/connection.ts'
import { demandRole, type User } from '../../rpc/user.ts'
import { accessPolicy } from '../access/service.ts'
import { filesService } from '../files/service.ts'
import { frontendsService, type ServedFrontends } from '../frontend/service.ts'
import { type MachineServices, machineServices } from '../machine/service.ts'
import { describeServer } from './about.ts'
import { serveHealth } from './health.ts'
import { klipperLog, type RollOver } from './klipper-log.ts'
import { serveRedirect } from './redirect.ts'
import { type ServerFacts, serverFacts } from './service.ts'

/** Characters in each part of an agent's identity, which every client receives. */
const MAX_AGENT_FIELD = 300

const API_VERSION_TEXT = API_VERSION.join('.')

/** The services that the chapter is served from. */
interface Parts {
  readonly facts: ServerFacts
  readonly policy: AccessPolicy
  /** The names of the roots. */
  readonly roots: () => string[]
  readonly services: () => MachineServices | null
  readonly frontends: () => ServedFrontends | null
}

/** What a client sends to identify itself. */
interface Identity {
  readonly client_name: string
  readonly version: string
  readonly type: string
  readonly url: string
  readonly access_token?: string | undefined
  readonly api_key?: string | undefined
}

/** Serves the chapter. */
function serve(core: Core, scope: Scope, { facts, policy, roots, services, frontends }: Parts): void {
  const rollOverKlipper = klipperLog(core, services)
  scope.use(serveRedirect(core.registry, policy))
  for (const registration of serveHealth(core, facts)) scope.use(registration)
  scope.use(
    core.registry.serve(chapter, {
      'server.info': ({ raw }) => serverInfo(core, facts, roots(), raw),
      'server.about': describeServer(core, scope, { policy, frontends }),
      'server.config': () => facts.config() as never,
      'server.logs.rollover': ({ application }) => rollOver(core.log, rollOverKlipper, application),
      'server.restart': () => {
        core.events.emit('server:restart')
        return 'ok' as const
      },
      'server.connection.identify': (identity, caller) => identify(core, policy, identity, caller),
      'server.websocket.id': (_params, caller) => ({ websocket_id: connectionOf(caller).id }),
    }),
  )
}

function serverInfo(
  { printer, warnings, connections, host }: Core,
  facts: ServerFacts,
  roots: string[],
  raw: boolean,
) {
  const { session, link } = printer
  return {
    klippy_connected: link.connected,
    klippy_state: session.state,
    components: facts.components(),
    failed_components: facts.failedComponents(),
    registered_directories: roots,
    warnings: raw ? warnings.list() : warnings.list().map(text => text.replaceAll('\n', '<br/>')),
    websocket_count: connections.websockets,
    moonraker_version: host.version,
    missing_klippy_requirements: session.missingRequirements,
    api_version: [...API_VERSION] as [number, number, number],
    api_version_string: API_VERSION_TEXT,
  }
}

async function rollOver(log: Core['log'], rollOverKlipper: RollOver, application: string | undefined) {
  const wanted = application === undefined ? ['moonraker', 'klipper'] : [application]
  const rolled_over: string[] = []
  const failed: Record<string, string> = {}
  for (const name of wanted) {
    if (name !== 'moonraker' && name !== 'klipper') {
      throw new ApiError(400, `No log of application '${name}': give 'moonraker' or 'klipper'`)
    }
    const problem = name === 'moonraker' ? rollOverOwn(log) : await rollOverKlipper()
    if (problem === undefined) rolled_over.push(name)
    else failed[name] = problem
  }
  return { rolled_over, failed }
}

function rollOverOwn(log: Core['log']): string | undefined {
  if (log.file === null) return 'The server does not log to a file'
  try {
    log.rollover()
    log.info('a client rolled the log over')
    return undefined
  } catch (error) {
    log.error('the log cannot be rolled over', error)
    return `The log files cannot be renamed (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}); see the log`
  }
}

function connectionOf(caller: Caller): Connection {
  if (caller.connection === null)
    throw new ApiError(400, 'Only a connection (WebSocket or unix socket) has an id')
  return caller.connection
}

function identify(
  { log, connections }: Core,
  policy: AccessPolicy,
  { client_name: name, version, url, ...identity }: Identity,
  caller: Caller,
) {
  const connection = connectionOf(caller)
  if (connection.client !== null) {
    throw new ApiError(400, `Connection already identified: ${JSON.stringify(connection.client)}`)
  }
  const client = { name, version, type: identity.type.toLowerCase(), url }
  if (!(CLIENT_TYPES as readonly string[]).includes(client.type)) {
    throw new ApiError(400, `Invalid Client Type: ${identity.type}`)
  }
  const user = policy.identify(identity, connection.user)
  if (client.type === 'agent') checkAgent(connections, client, user)
  connection.user = user
  connections.identified(connection, client)
  log.info(`client ${connection.id}: ${name} ${version}, ${client.type}, ${url}`)
  return { connection_id: connection.id }
}

/** Checks an agent: it serves requests under its name, so it needs a unique name and the role operator. */
function checkAgent(connections: Core['connections'], client: ClientInfo, user: User): void {
  demandRole({ user }, 'operator')
  const { name, version, url } = client
  if (name.trim() === '') throw new ApiError(400, 'An agent needs a client_name, under which clients call it')
  if ([name, version, url].some(text => text.length > MAX_AGENT_FIELD)) {
    throw new ApiError(
      400,
      `Name, version and URL of an agent may each have up to ${MAX_AGENT_FIELD} characters`,
    )
  }
  for (const { client: other } of connections) {
    if (other?.type === 'agent' && other.name === name) {
      throw new ApiError(400, `Agent '${name}' already registered and connected'`)
    }
  }
}

export default component({
  section: 'server',
  presence: 'always',
  listed: false,
  essential: true,
  options: {},
  needs: {
    facts: serverFacts,
    policy: accessPolicy,
    files: optional(filesService),
    services: optional(machineServices),
    frontends: optional(frontendsService),
  },
  create({ core, scope, needs }) {
    const { facts, policy, files, services, frontends } = needs
    serve(core, scope, {
      facts,
      policy,
      services,
      frontends,
      roots: () => files()?.roots.names() ?? [],
    })
    return {}
  },
})
