// Where a server takes requests: its unix socket, its own port, and its places at a listener that it shares.
import type { ListeningAt } from '../api/server.ts'
import type { Core } from '../component/component.ts'
import type { StopStack } from '../core/stop-stack.ts'
import type { AccessPolicy } from '../rpc/access-policy.ts'
import type { Registry } from '../rpc/registry.ts'
import { Backlog } from '../transports/backlog.ts'
import { Admission } from '../transports/http/admission.ts'
import { HttpApi } from '../transports/http/api.ts'
import { Authenticator } from '../transports/http/authenticator.ts'
import { type HttpHandler, HttpListener } from '../transports/http/listener.ts'
import { HttpServer } from '../transports/http/server.ts'
import { RequestScheduler } from '../transports/request-scheduler.ts'
import { listenUnix } from '../transports/unix-socket.ts'
import { WebSocketTransport } from '../transports/websocket.ts'
import type { ServerSection } from './server-section.ts'

/** A listener of several servers. */
export interface SharedListener {
  readonly admission: Admission
  /** Where it listens. */
  readonly at: ListeningAt
  /** Passes the requests below `prefix` on to `handler`; '' is everything that has no other place. */
  mount(prefix: string, handler: HttpHandler): Mounted
}

/** A place at a shared listener. */
export interface Mounted {
  /** Ends the handler's connections and what it still answers, within a limited time. */
  close(): Promise<void>
}

/** What a server has at a shared listener. */
export interface SharedPlaces {
  readonly listener: SharedListener
  /** The place of the server, as '/voron'. */
  readonly prefix: string
  /** Whether the server also listens on the port of its configuration. */
  readonly ownPort: boolean
  /** Adds to what the server offers at the top of the listener; left out where it has no place there. */
  readonly top?: (base: Registry) => Registry
}

/** What listening needs. */
export interface ListenParts {
  readonly core: Core
  readonly section: ServerSection
  readonly policy: AccessPolicy
  readonly shared: SharedPlaces | undefined
  readonly stops: StopStack
}

/** Takes requests from now on; `stops` receives the end. Rejects with StartError. Resolves with the server's address. */
export async function listen(parts: ListenParts): Promise<ListeningAt> {
  const { core, section, policy, shared, stops } = parts
  const { registry, connections, log, paths, warnings } = core
  const limits = { backlog: new Backlog(connections.counts), scheduler: new RequestScheduler() }
  const unix = await listenUnix(paths.socket, { registry, connections, ...limits, log })
  stops.add('the unix socket', () => void unix.close())
  const handlers = createHandlers(parts, limits)
  if (shared !== undefined) mountAll(shared, handlers, core, stops)
  if (shared?.ownPort === false) return shared.listener.at
  const admission = new Admission(policy, section.max_websocket_connections)
  const handler = handlers(admission, core.routePrefix, registry)
  const listener = new HttpListener({ handler, admission, log, warnings })
  stops.add('the HTTP listener', () => listener.close())
  const ports = await listener.listen({
    host: section.host,
    port: section.port,
    tlsPort: section.ssl_port,
    certificate: paths.certificate,
    key: paths.certificateKey,
  })
  return { host: section.host, ...ports }
}

/** Makes the handler of HTTP at one place. */
type CreateHandler = (admission: Admission, routePrefix: string, registry: Registry) => HttpServer

function createHandlers(
  { core, section, policy }: ListenParts,
  limits: { readonly backlog: Backlog; readonly scheduler: RequestScheduler },
): CreateHandler {
  const { connections, log, printer, warnings, clock } = core
  const authenticator = new Authenticator(policy, warnings)
  return (admission, routePrefix, registry) => {
    const common = { registry, authenticator, admission, connections, clock, routePrefix, ...limits }
    const handler = new HttpServer({
      ...common,
      api: new HttpApi(common),
      websockets: new WebSocketTransport({ ...common, log }),
      link: printer.link,
      maxWebsockets: section.max_websocket_connections,
    })
    policy.onLogout(username => handler.closeBridges(username))
    return handler
  }
}

function mountAll(
  { listener, prefix, top }: SharedPlaces,
  handlers: CreateHandler,
  { registry }: Core,
  stops: StopStack,
): void {
  const mount = (at: string, served: Registry) => {
    const mounted = listener.mount(at, handlers(listener.admission, at, served))
    stops.add(`the place ${at}/ of the shared listener`, () => mounted.close())
  }
  mount(prefix, registry)
  if (top !== undefined) mount('', top(registry))
}
