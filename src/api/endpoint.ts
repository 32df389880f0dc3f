// What an endpoint is: one declaration from which come the route, the JSON-RPC method, argument reading,
// the types of handler and client, and the published documents.
import type { InferShape, InputOf, Schema, Shape } from '../schema/index.ts'

/** HTTP verbs that the API uses. */
export type Verb = 'GET' | 'POST' | 'DELETE'

/** The transports that the server serves, and how JSON-RPC travels over each. A further transport is one line here. */
export const TRANSPORTS = {
  http: 'POST /server/jsonrpc; without notifications',
  websocket: 'GET /websocket (upgrade), one message in each frame',
  unix: 'comms/moonraker.sock in the data folder, each message ended by the byte 0x03',
  mqtt: 'topics INSTANCE/moonraker/api/request and …/response of the broker of section [mqtt]',
} as const

/** How a call reaches the server. `internal` is a call from a template or another component. */
export type Transport = keyof typeof TRANSPORTS | 'internal'

/** Every transport, calls from inside among them: the default. */
export const ALL_TRANSPORTS = [
  ...(Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[]),
  'internal',
] as const

/**
 * The client's own connection to the server: without calls from inside, and without transports on which third parties
 * may read along, such as a message broker.
 */
export const DIRECT_TRANSPORTS = ['http', 'websocket', 'unix'] as const satisfies readonly Transport[]

/**
 * What a user may do, each role including the one before: `viewer` reads, `operator` prints, moves and changes files,
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
  /** False where the caller needs neither a login nor a trusted address. */
  readonly auth: boolean
  /** The lowest role that may call it. */
  readonly role: Role
  readonly transports: readonly Transport[]
  /** Whether it subscribes the caller's connection to updates: POST /server/jsonrpc does not serve it. */
  readonly subscribes: boolean
  /** Whether a call changes anything. The server refuses such calls to web pages of other sites, whatever the verb. */
  readonly changes: boolean
  /** Whether arguments go to the handler as they arrive: Klippy checks them itself, with its own error texts. */
  readonly passThrough: boolean
  /** Example arguments for the documents, where types alone are not clear enough. */
  readonly example?: Readonly<Record<string, unknown>>
}

/** Methods by their JSON-RPC names. */
export type Methods = Readonly<Record<string, Endpoint>>

/** What a chapter states about an endpoint; all but the summary and the result have defaults. */
export interface EndpointSpec<P extends Shape, R> {
  readonly summary: string
  readonly params?: P
  readonly result: Schema<R>
  readonly auth?: boolean
  readonly role?: Role
  readonly transports?: readonly Transport[]
  readonly subscribes?: boolean
  readonly changes?: boolean
  readonly passThrough?: boolean
  readonly example?: InputOf<P>
}

type NoParams = Record<never, never>

/** Declares an endpoint at `where`. Two forms, since without `params` their type must not be inferred from the context. */
interface Declare<W extends readonly unknown[]> {
  <P extends Shape, R>(
    ...args: [...where: W, spec: EndpointSpec<P, R> & { readonly params: P }]
  ): Endpoint<P, R>
  <R>(
    ...args: [...where: W, spec: EndpointSpec<NoParams, R> & { readonly params?: never }]
  ): Endpoint<NoParams, R>
}

/** The roles that the endpoints of a chapter need where they name none. */
interface DefaultRoles {
  /** For calls that change nothing; a viewer if left out. */
  readonly readingRole?: Role
  readonly changingRole: Role
}

type AnySpec = EndpointSpec<Shape, unknown>

/** The functions that declare endpoints. */
export function endpoints({ readingRole = 'viewer', changingRole }: DefaultRoles) {
  const declare = (all: readonly Route[], spec: AnySpec): Endpoint => {
    const changes = spec.changes ?? all.some(({ verb }) => verb !== 'GET')
    return {
      auth: true,
      role: changes ? changingRole : readingRole,
      transports: ALL_TRANSPORTS,
      subscribes: false,
      changes,
      passThrough: false,
      params: {},
      ...spec,
      routes: all,
    }
  }
  const withVerbs = (...verbs: Verb[]) =>
    ((path: string, spec: AnySpec) =>
      declare(
        verbs.map(verb => ({ verb, path })),
        spec,
      )) as Declare<[path: string]>
  return {
    /** GET `path`. */
    get: withVerbs('GET'),
    /** POST `path`. */
    post: withVerbs('POST'),
    /** DELETE `path`. */
    del: withVerbs('DELETE'),
    /** GET and POST `path`: the original registers both for everything that Klippy answers. */
    getOrPost: withVerbs('GET', 'POST'),
    /** An endpoint with several routes. */
    routes: declare as Declare<[all: readonly Route[]]>,
    /** A method without an HTTP route, for WebSockets and unix sockets. No verb shows whether it changes anything. */
    rpcOnly: ((spec: AnySpec) =>
      declare([], { transports: ['websocket', 'unix'], role: 'operator', ...spec })) as Declare<[]>,
  }
}

export const { get, post, del, getOrPost, routes, rpcOnly } = endpoints({ changingRole: 'operator' })

/** The arguments as a handler receives them. */
export type ParamsOf<E> = E extends Endpoint<infer P, unknown> ? InferShape<P> : never
/** The arguments as a caller gives them. */
export type CallOf<E> =
  E extends Endpoint<infer P, unknown>
    ? [keyof P] extends [never]
      ? Record<string, never>
      : InputOf<P>
    : never
/** What the endpoint returns. */
export type ResultOf<E> = E extends Endpoint<Shape, infer R> ? R : never
