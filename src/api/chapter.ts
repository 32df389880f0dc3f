// What a chapter of the API is: everything that one part of the server offers, as one value. Registration, roles,
// headings of the documents, notifications and events come from it.
import { type Infer, type JsonSchema, json, object, type Schema } from '../schema/index.ts'
import type { Methods, Verb } from './endpoint.ts'

/** A notification: its parameters in order. */
export interface Notification<P extends readonly Schema<unknown>[] = readonly Schema<unknown>[]> {
  readonly summary: string
  readonly params: P
}

/** Declares a message that the server sends to its clients without a request. */
export function notification<const P extends readonly Schema<unknown>[]>(
  summary: string,
  ...params: P
): Notification<P> {
  return { summary, params }
}

type Values<P extends readonly Schema<unknown>[]> = { -readonly [K in keyof P]: Infer<P[K]> }

/** The parameters of a notification, in order. */
export type ParamsOfNotification<N> = N extends Notification<infer P> ? Values<P> : never

/** An event: something that happened inside the server, for its components. `A` are its arguments. */
export interface Event<A extends readonly unknown[] = readonly unknown[]> {
  readonly summary: string
  /** Exists in the type only. */
  readonly carries?: (...args: A) => void
}

/** Declares an event with the arguments `A`. */
export function event<A extends readonly unknown[] = []>(summary: string): Event<A> {
  return { summary }
}

/** The arguments of an event, in order. */
export type ArgsOfEvent<E> = E extends Event<infer A> ? A : never

/** An HTTP route outside the calling scheme: its reply is not `{"result": …}`. `path` is a template, as OpenAPI writes it. */
export interface RawEndpoint {
  readonly verb: Verb
  readonly path: string
  readonly summary: string
  /** The request's body by its media type. */
  readonly body?: Readonly<Record<string, JsonSchema>>
  /** The status of a success. */
  readonly status: number
  /** The body of a success by its media type. */
  readonly reply: Readonly<Record<string, JsonSchema>>
}

/** The result of endpoints that reply with status 204 and no body. */
export const NO_CONTENT = json()

/** Endpoints whose reply is the result itself, as raw endpoints by their ids. */
export function bareEndpoints(methods: Methods): Readonly<Record<string, RawEndpoint>> {
  const all = Object.entries(methods).flatMap(([name, { routes, summary, params, result }]) =>
    routes.map(({ verb, path }, index): [string, RawEndpoint] => {
      const inBody = Object.entries(params).filter(([key]) => !path.includes(`{${key}}`))
      const body = { 'application/json': object(Object.fromEntries(inBody)).json }
      const hasContent = result !== NO_CONTENT
      return [
        index === 0 ? name : `${name}.${verb.toLowerCase()}`,
        {
          verb,
          path,
          summary,
          ...(verb === 'POST' && { body }),
          status: hasContent ? 200 : 204,
          reply: hasContent ? { 'application/json': result.json } : {},
        },
      ]
    }),
  )
  return Object.fromEntries(all)
}

type Notifications = Readonly<Record<string, Notification>>
// Its own base type, since the arguments of an event are checked contravariantly.
type Events = Readonly<Record<string, { readonly summary: string }>>
type None = Record<never, never>

/** A heading of the documents. */
export interface Heading {
  readonly title: string
  /** What is below the heading, in one line. */
  readonly about: string
}

/** One chapter of the API. */
export interface Chapter<
  M extends Methods = Methods,
  N extends Notifications = Notifications,
  E extends Events = Events,
> extends Heading {
  /** Endpoints by their JSON-RPC names. */
  readonly methods: M
  /** Routes outside the calling scheme, by the ids that the OpenAPI document gives them. */
  readonly raw: Readonly<Record<string, RawEndpoint>>
  /** Messages to clients, by their names. */
  readonly notifications: N
  /** Events for other components, by their names. */
  readonly events: E
}

/** Declares a chapter; every missing part counts as empty. */
export function chapter<M extends Methods = None, N extends Notifications = None, E extends Events = None>(
  spec: Heading & Partial<Chapter<M, N, E>>,
): Chapter<M, N, E> {
  return { methods: {} as M, raw: {}, notifications: {} as N, events: {} as E, ...spec }
}
