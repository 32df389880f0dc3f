// The client: the contract's methods and notifications, with their types.
/// <reference lib="esnext.disposable" preserve="true" />
import type { CallOf, ResultOf } from '../api/endpoint.ts'
import type { Api } from '../api/index.ts'
import { Files } from './files.ts'
import { type ConnectOptions, credentialHeaders, httpBase, linkOf } from './options.ts'
import { type CallOptions, type ClientEvents, Session } from './session.ts'
import type { ObjectRequest, StatusMirror } from './status-mirror.ts'
import { StatusSubscription } from './status-subscription.ts'

/** The name of a method, as in the API document. */
export type Method = keyof Api

/** The parameters of a method; may be left out if none is required. */
export type Params<M extends Method> =
  Record<never, never> extends CallOf<Api[M]> ? [params?: CallOf<Api[M]>] : [params: CallOf<Api[M]>]

/** A call in a batch: `['server.info']`, `['server.files.metadata', { filename: 'a.gcode' }]`. */
export type BatchCall = { [M in Method]: readonly [method: M, ...params: Params<M>] }[Method]

/** The outcomes of a batch, in order. */
export type BatchResults<C extends readonly BatchCall[]> = {
  -readonly [K in keyof C]: PromiseSettledResult<ResultOf<Api[C[K][0]]>>
}

export class Client {
  readonly #session: Session
  readonly #subscription: StatusSubscription
  /** Uploads and downloads. */
  readonly files: Files

  /** Use `connect`. */
  constructor(session: Session, files: Files) {
    this.#session = session
    this.files = files
    this.#subscription = new StatusSubscription(session)
  }

  /** Whether the client is connected; always true over HTTP. */
  get connected(): boolean {
    return this.#session.connected
  }

  /**
   * Calls a method. Rejects with CallError if the server replies with an error, ConnectionLost if there is no
   * connection or it breaks, CallTimeout after `timeout`, and the signal's reason if it aborts.
   */
  call<M extends Method>(
    method: M,
    ...rest: [...Params<M>, options?: CallOptions]
  ): Promise<ResultOf<Api[M]>> {
    const [params, options] = rest as unknown as [object?, CallOptions?]
    return this.request(method, params, options) as Promise<ResultOf<Api[M]>>
  }

  /** Calls a method that the contract does not declare: of a plugin, or an endpoint of Klipper. */
  request(method: string, params?: object, options?: CallOptions): Promise<unknown> {
    return this.#session.call({ method, params }, options)
  }

  /** Calls several methods in one frame. Never rejects: each call has an outcome, as in Promise.allSettled. */
  async batch<const C extends readonly BatchCall[]>(
    calls: C,
    options: CallOptions = {},
  ): Promise<BatchResults<C>> {
    const replies = this.#session.callAll(
      calls.map(([method, params]) => ({ method, params })),
      options,
    )
    return (await Promise.allSettled(replies)) as BatchResults<C>
  }

  /** Listens to a notification or an event of the connection, until the returned function is called. */
  on<E extends keyof ClientEvents>(event: E, listener: (...params: ClientEvents[E]) => void): () => void {
    return this.#session.events.on(event, listener)
  }

  /**
   * Follows status objects: `follow({ toolhead: ['position'], extruder: null })`, null for all fields.
   * Subscribes again after a lost connection or a restart of Klippy. Rejects as `call` does; 503 without Klippy.
   */
  follow<const R extends ObjectRequest>(request: R): Promise<StatusMirror<R>> {
    return this.#subscription.follow(request)
  }

  /** Closes the connection; pending calls reject, mirrors end. */
  close(): void {
    this.#session.close()
    this.#subscription.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** Connects to a server. Rejects if it cannot be reached or refuses the credentials. Reconnects after a lost connection. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const session = new Session(await linkOf(options), options)
  const files = new Files({ base: httpBase(options.url), headers: () => credentialHeaders(options) })
  const client = new Client(session, files)
  await session.connect()
  return client
}
