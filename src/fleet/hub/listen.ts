// The HTTP and the WebSockets of a hub: those of a printer's server, without Klippy.
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { StopStack } from '../../core/stop-stack.ts'
import type { Warnings } from '../../core/warnings.ts'
import type { AccessPolicy } from '../../rpc/access-policy.ts'
import type { Connections } from '../../rpc/connections.ts'
import type { Registry } from '../../rpc/registry.ts'
import { Backlog } from '../../transports/backlog.ts'
import { Admission } from '../../transports/http/admission.ts'
import { HttpApi } from '../../transports/http/api.ts'
import { Authenticator } from '../../transports/http/authenticator.ts'
import { HttpListener } from '../../transports/http/listener.ts'
import { HttpServer } from '../../transports/http/server.ts'
import { RequestScheduler } from '../../transports/request-scheduler.ts'
import { WebSocketTransport } from '../../transports/websocket.ts'

/** WebSockets of users. */
const MAX_WEBSOCKETS = 500
/** Printers download files and join without a login, many of them from one address behind a router. */
const UNAUTHENTICATED = { all: 400, ofAddress: 200 }

export interface ListenParts {
  readonly registry: Registry
  readonly connections: Connections
  readonly policy: AccessPolicy
  readonly warnings: Warnings
  readonly clock: Clock
  readonly log: Log
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  readonly certificate: string
  readonly key: string
}

/** Where a hub listens. */
export interface Listening {
  readonly host: string
  readonly port: number
  /** Null without a certificate. */
  readonly tlsPort: number | null
  /** The address of the hub on this machine. */
  readonly url: string
}

/** Listens. Rejects with StartError if a port is in use or not allowed. */
export async function listen(parts: ListenParts, stops: StopStack): Promise<Listening> {
  const { registry, connections, policy, warnings, clock, log, host, port, tlsPort, certificate, key } = parts
  const authenticator = new Authenticator(policy, warnings)
  const admission = new Admission(policy, MAX_WEBSOCKETS, UNAUTHENTICATED)
  const limits = { backlog: new Backlog(connections.counts), scheduler: new RequestScheduler() }
  const http = new HttpServer({
    api: new HttpApi({ registry, authenticator, admission, clock, routePrefix: '', backlog: limits.backlog }),
    registry,
    authenticator,
    admission,
    websockets: new WebSocketTransport({ registry, connections, clock, ...limits, log }),
    connections,
    scheduler: limits.scheduler,
    link: null,
    clock,
    routePrefix: '',
    maxWebsockets: MAX_WEBSOCKETS,
  })
  const listener = new HttpListener({ handler: http, admission, log, warnings })
  stops.add('the HTTP listener', () => listener.close())
  policy.onLogout(username => http.closeBridges(username))
  const ports = await listener.listen({ host, port, tlsPort, certificate, key })
  const name = host === 'all' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return { host, ...ports, url: `http://${name}:${ports.port}` }
}
