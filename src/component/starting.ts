// The start of one component, for the requests that come before it has ended: the server listens before its components
// start.
import { type Clock, withTimeout } from '../core/clock.ts'
import { ApiError } from '../core/errors.ts'
import type { Caller } from '../rpc/caller.ts'
import type { Registry } from '../rpc/registry.ts'

/** Seconds that a request waits. */
const TIMEOUT = 10

/** Handlers that are called when the component has started; see `Starting.hold`. */
export type AfterStart = <H extends object>(handlers: H) => H

/** Serves a chapter. */
export type ServeChapter = Registry['serve']

type Handle = (params: never, caller: Caller, registry: Registry) => unknown

export class Starting {
  readonly #clock: Clock
  readonly #ended = Promise.withResolvers<void>()
  #hasEnded = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#ended.promise.catch(() => undefined)
  }

  /** The component has started. */
  succeeded(): void {
    this.#hasEnded = true
    this.#ended.resolve()
  }

  /** The start has failed, or the server stops before its end: the requests that wait are rejected. */
  failed(reason: string): void {
    this.#ended.reject(new ApiError(503, reason))
  }

  /**
   * For methods that reply what the start reads: a request that comes before its end waits for it, and is rejected with
   * ApiError 503 if it takes longer than 10 seconds.
   */
  readonly hold: AfterStart = handlers => {
    const all = Object.entries(handlers as Readonly<Record<string, Handle>>)
    return Object.fromEntries(all.map(([name, handle]) => [name, this.#held(handle)])) as typeof handlers
  }

  #held(handle: Handle): Handle {
    return (params, caller, registry) =>
      this.#hasEnded
        ? handle(params, caller, registry)
        : this.#wait().then(() => handle(params, caller, registry))
  }

  #wait(): Promise<void> {
    return withTimeout(
      this.#clock,
      TIMEOUT,
      this.#ended.promise,
      () => new ApiError(503, 'The server is starting, try again soon'),
    )
  }
}
