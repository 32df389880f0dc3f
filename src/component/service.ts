// Services: what one component offers to others, under a typed name.

declare const TYPE: unique symbol

/** The name of a service of type T. Components that provide or need the service share this value. */
export interface Service<T> {
  readonly name: string
  readonly [TYPE]?: T
}

/** A service that a component can work without. */
export interface OptionalService<T> {
  readonly optional: Service<T>
}

/** What a component needs, by the names under which it receives the services. */
export type Needs = Readonly<Record<string, Service<unknown> | OptionalService<unknown>>>

/** What a component provides, by the names of its members that are the services. */
export type Provides = Readonly<Record<string, Service<unknown>>>

/** The services for `Needs`: a required one is the service itself, an optional one a function. */
export type Resolved<N extends Needs> = {
  readonly [K in keyof N]: N[K] extends Service<infer T>
    ? T
    : N[K] extends OptionalService<infer T>
      ? () => T | null
      : never
}

/** The members that `Provides` names. */
export type Provided<P extends Provides> = {
  readonly [K in keyof P]: P[K] extends Service<infer T> ? T : never
}

/**
 * Names a service. The value belongs in `service.ts` of the component that provides it, next to the service's type:
 *
 *     export const jobQueueService = service<PrintQueue>('job_queue')
 */
export function service<T>(name: string): Service<T> {
  return { name }
}

/**
 * Makes a need optional. The component receives a function; call it when you use the service, not in `create`. It
 * returns null before the provider is built, while the provider is not configured, and after the provider failed or
 * stopped. An optional need puts the two components in no order, so that two components may need each other this way.
 */
export function optional<T>(needed: Service<T>): OptionalService<T> {
  return { optional: needed }
}
