// What an endpoint is: one declaration from which come the route, the JSON-RPC method, argument reading,
// the types of handler and client, and the published documents.
import { type InferShape, type InputOf, json, type Schema, type Shape } from '../schema/index.ts'

/** HTTP verbs that the API uses. */
export type Verb = 'GET' | 'POST' | 'DELETE'

/** How a call reaches the server. `internal` is a call from a template or another component. */
export type Transport = 'http' | 'websocket' | 'unix' | 'mqtt' | 'internal'

/**
 * What a user may do, each including the one before: `viewer` reads, `operator` prints, moves and changes files,
 * `admin` also manages users, keys, the machine, updates and the configuration.
 */
export const ROLES = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** One HTTP address of an endpoint. */
export interface Route {
  readonly verb: Verb
  readonly path: string
}

/** One method of the API. Its JSON-RPC name is the key under which it is declared. */
export interface Endpoint<P extends Shape = Shape, R = unknown> {
  readonly summary: string
  readonly routes: readonly Route[]
  readonly params: P
  readonly result: Schema<R>
  /** False where a caller need not be logged in or trusted. */
  readonly auth: boolean
  /** What a caller must at least be. */
  readonly role: Role
  readonly over: readonly Transport[]
  /** Whether a call changes anything: such calls are refused to web pages of other sites, whatever the verb. */
  readonly changes: boolean
  /**
   * How arguments are read: `declared` by `params`; `loose` hands them on as they came (Klippy checks them itself);
   * `objects` is loose with the query form of printer/objects/query, where each bare key is an object.
   */
  readonly reading: 'declared' | 'loose' | 'objects'
}

/** A chapter of the API document: its methods by their JSON-RPC names. */
export type Chapter = Readonly<Record<string, Endpoint>>

/** What is said of an endpoint; all but the summary and the result have defaults. */
export interface EndpointSpec<P extends Shape, R> {
  readonly summary: string
  readonly params?: P
  readonly result: Schema<R>
  readonly auth?: boolean
  readonly role?: Role
  readonly over?: readonly Transport[]
  readonly changes?: boolean
  readonly reading?: Endpoint['reading']
}

type NoParams = Record<never, never>

/** Chapters whose changing calls only admins may make. */
const ADMIN_PATHS =
  /^\/(access|debug|server\/(restart|config|logs|database\/(compact|backup|restore))|machine(?!\/(device_power|wled|timelapse|td1)))\b/

/** What a caller must be where an endpoint does not say: it goes by what the call does and by its chapter. */
function neededRole(routes: readonly Route[], changes: boolean): Role {
  if (!changes) return 'viewer'
  return routes.some(({ path }) => ADMIN_PATHS.test(path)) ? 'admin' : 'operator'
}

const EVERYWHERE: readonly Transport[] = ['http', 'websocket', 'unix', 'mqtt', 'internal']

function endpoint<P extends Shape, R>(routes: readonly Route[], spec: EndpointSpec<P, R>): Endpoint<P, R> {
  const changes = spec.changes ?? routes.some(({ verb }) => verb !== 'GET')
  return {
    auth: true,
    role: neededRole(routes, changes),
    over: EVERYWHERE,
    changes,
    reading: 'declared',
    ...spec,
    params: spec.params ?? ({} as P),
    routes,
  }
}

/** An endpoint with several routes. */
export function routes<R, P extends Shape = NoParams>(
  all: readonly Route[],
  spec: EndpointSpec<P, R>,
): Endpoint<P, R> {
  return endpoint(all, spec)
}

function over(...verbs: Verb[]) {
  return <R, P extends Shape = NoParams>(path: string, spec: EndpointSpec<P, R>): Endpoint<P, R> =>
    endpoint(
      verbs.map(verb => ({ verb, path })),
      spec,
    )
}

/** GET `path`. */
export const get = over('GET')
/** POST `path`. */
export const post = over('POST')
/** DELETE `path`. */
export const del = over('DELETE')
/** GET and POST `path`: what the original registers for everything that Klippy answers. */
export const getOrPost = over('GET', 'POST')

/** A method without an HTTP route, for connections that last. Nothing shows whether it changes anything: say so. */
export function rpcOnly<R, P extends Shape = NoParams>(spec: EndpointSpec<P, R>): Endpoint<P, R> {
  return endpoint([], { over: ['websocket', 'unix'], role: 'operator', ...spec })
}

/** An endpoint that Klippy registered and no document declares. */
export function klippyEndpoint(path: string): Endpoint {
  return getOrPost(path, {
    summary: `Klipper's own endpoint ${path.slice('/printer/'.length)}`,
    result: json(),
    reading: 'loose',
  })
}

/** The arguments as a handler gets them. */
export type ParamsOf<E> = E extends Endpoint<infer P, unknown> ? InferShape<P> : never
/** The arguments as a caller gives them. */
export type CallOf<E> = E extends Endpoint<infer P, unknown> ? InputOf<P> : never
/** What the endpoint answers. */
export type ResultOf<E> = E extends Endpoint<Shape, infer R> ? R : never
