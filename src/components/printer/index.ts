// The printer's methods, most of which Klippy serves, and the notifications of Klippy's state.
import { printer as chapter, klippyEndpoint } from '../../api/printer.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { ApiError } from '../../core/errors.ts'
import type { Registration, Scope } from '../../core/scope.ts'
import { readObjectRequest, readSubscription } from '../../klippy/object-request.ts'
import type { StatusReply } from '../../klippy/status-mirror.ts'
import type { Caller } from '../../rpc/caller.ts'
import type { Connection } from '../../rpc/connection.ts'
import { type PrintWarnings, printWarningsService } from '../analysis/service.ts'

/** Klippy's endpoints that only the server may use: another caller would change what the server receives. */
const OWN_ENDPOINTS = new Set([
  'list_endpoints',
  'gcode/subscribe_output',
  'register_remote_method',
  'objects/subscribe',
])

/** Arguments as the client sent them. */
type Loose = Readonly<Record<string, unknown>>

/** What the chapter's methods need besides the core. */
interface ChapterParts {
  readonly subscribers: Subscribers
  readonly checks: () => PrintWarnings | null
}

function serveChapter(core: Core, scope: Scope, { subscribers, checks }: ChapterParts): void {
  const { printer } = core
  const call = (endpoint: string) => (params: unknown) => printer.call(endpoint, params) as Promise<never>
  const plain = (endpoint: string) => () => printer.call(endpoint) as Promise<'ok'>
  scope.use(
    core.registry.serve(chapter, {
      // Without arguments: Klippy takes `client_info` as the name of the server.
      'printer.info': plain('info') as () => Promise<never>,
      'printer.emergency_stop': plain('emergency_stop'),
      'printer.restart': plain('gcode/restart'),
      'printer.firmware_restart': plain('gcode/firmware_restart'),
      'printer.objects.list': call('objects/list'),
      'printer.objects.query': params => answerQuery(core, params) as never,
      'printer.objects.subscribe': (params, caller) =>
        subscribers.subscribe(params, caller) as Promise<never>,
      'printer.query_endstops.status': call('query_endstops/status'),
      'printer.gcode.script': params => runScript(core, params),
      'printer.gcode.help': call('gcode/help'),
      'printer.print.start': async ({ filename, warnings }, { user }) => {
        const state = await printer.startPrint(filename, user?.username)
        return warnings ? { state, warnings: await warningsOf(checks(), filename) } : state
      },
      'printer.print.pause': plain('pause_resume/pause'),
      'printer.print.resume': plain('pause_resume/resume'),
      'printer.print.cancel': () => printer.cancelPrint(),
    }),
  )
}

async function warningsOf(checks: PrintWarnings | null, filename: string): Promise<string[] | null> {
  const warnings = await checks?.warningsOf(filename)
  return warnings ? [...warnings] : null
}

function answerQuery({ printer }: Core, params: Loose): StatusReply | Promise<StatusReply> {
  if (!printer.link.connected) throw new ApiError(503, 'Klippy Host not connected')
  return printer.query(readObjectRequest(params))
}

/** Klippy rejects a script that is not a text; only texts reach the console's store. */
function runScript({ printer }: Core, params: Loose): Promise<'ok'> {
  if (typeof params.script === 'string') return printer.runGcode(params.script)
  return printer.call('gcode/script', params) as Promise<'ok'>
}

/** The clients' subscriptions. */
class Subscribers {
  readonly #core: Core
  readonly #followers = new Map<Connection, { statusChanged: Connection['sendStatus'] }>()

  constructor(core: Core) {
    this.#core = core
    core.connections.onClose(connection => this.#forget(connection))
  }

  async subscribe(params: Loose, caller: Caller): Promise<StatusReply> {
    const own = caller.subscribe
    const connection = own === undefined ? (caller.connection ?? this.#named(params)) : null
    const request = readSubscription(params)
    if (!this.#core.printer.link.connected) throw new ApiError(503, 'Klippy Host not connected')
    if (connection === null) return own!(request)
    const follower = this.#followers.get(connection) ?? {
      statusChanged: connection.sendStatus.bind(connection),
    }
    this.#followers.set(connection, follower)
    return this.#core.printer.subscribe(follower, request)
  }

  /** Over HTTP the updates go to the connection of this id. */
  #named({ connection_id }: Loose): Connection {
    const id = typeof connection_id === 'string' ? Number(connection_id) : connection_id
    const connection = typeof id === 'number' ? this.#core.connections.get(id) : undefined
    if (connection !== undefined) return connection
    throw new ApiError(400, 'No connection associated with subscription request')
  }

  #forget(connection: Connection): void {
    const follower = this.#followers.get(connection)
    if (follower === undefined) return
    this.#followers.delete(connection)
    this.#core.printer.unsubscribe(follower)
  }
}

/** Serves each endpoint that Klippy lists, as `printer.*`. While Klippy is disconnected, calls fail with an error. */
class KlippyEndpoints {
  readonly #core: Core
  readonly #served = new Map<string, Registration>()

  constructor(core: Core) {
    this.#core = core
  }

  /** Serves the endpoints that Klippy lists now, and removes the others. */
  refresh(): void {
    const { registry, printer } = this.#core
    const listed = new Map(
      printer.session.endpoints.map(path => [`printer.${path.replaceAll('/', '.')}`, path]),
    )
    for (const [name, registration] of this.#served) {
      if (listed.has(name)) continue
      registration.remove()
      this.#served.delete(name)
    }
    for (const [name, endpoint] of listed) {
      if (OWN_ENDPOINTS.has(endpoint) || registry.has(name)) continue
      const handle = (params: unknown) => printer.call(endpoint, params)
      this.#served.set(name, registry.serve(klippyEndpoint(endpoint), { [name]: handle }))
    }
  }

  clear(): void {
    for (const registration of this.#served.values()) registration.remove()
    this.#served.clear()
  }
}

/** Notifies all clients of Klippy's state and console lines. */
function notifyClients({ events, connections }: Core, scope: Scope): void {
  scope.use(events.on('klippy:ready', () => connections.notify('notify_klippy_ready')))
  scope.use(events.on('klippy:shutdown', () => connections.notify('notify_klippy_shutdown')))
  scope.use(events.on('klippy:disconnected', () => connections.notify('notify_klippy_disconnected')))
  scope.use(events.on('klippy:gcode_response', line => connections.notify('notify_gcode_response', line)))
}

export default component({
  section: 'klippy_apis',
  presence: 'always',
  options: {},
  needs: { checks: optional(printWarningsService) },
  create({ core, scope, needs: { checks } }): Component {
    const endpoints = new KlippyEndpoints(core)
    serveChapter(core, scope, { subscribers: new Subscribers(core), checks })
    scope.use(core.events.on('klippy:identified', () => endpoints.refresh()))
    scope.use(core.events.on('klippy:ready', () => endpoints.refresh()))
    scope.defer(() => endpoints.clear())
    notifyClients(core, scope)
    return {}
  },
})
