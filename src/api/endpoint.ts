// What an endpoint is: one declaration from which come the route, the JSON-RPC method, argument reading,
// the types of handler and client, and the published documents.
import { type InferShape, type InputOf, json, type Schema, type Shape } from '../schema/index.ts'

/** HTTP verbs that the API uses. */
export type Verb = 'GET' | 'POST' | 'DELETE'

/** How a call reaches the server. `internal` is a call from a template or another component. */
export type Transport = 'http' | 'websocket' | 'unix' | 'mqtt' | 'internal'

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
  readonly over?: readonly Transport[]
  readonly changes?: boolean
  readonly reading?: Endpoint['reading']
}

type NoParams = Record<never, never>

const EVERYWHERE: readonly Transport[] = ['http', 'websocket', 'unix', 'mqtt', 'internal']

function endpoint<P extends Shape, R>(routes: readonly Route[], spec: EndpointSpec<P, R>): Endpoint<P, R> {
  return {
    auth: true,
    over: EVERYWHERE,
    changes: routes.some(({ verb }) => verb !== 'GET'),
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

/** A method without an HTTP route, for connections that last. */
export function rpcOnly<R, P extends Shape = NoParams>(spec: EndpointSpec<P, R>): Endpoint<P, R> {
  return endpoint([], { over: ['websocket', 'unix'], ...spec })
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
