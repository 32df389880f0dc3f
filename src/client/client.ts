// The client that programs use: the contract's methods and notifications, with their types.
/// <reference lib="esnext.disposable" preserve="true" />
import type { CallOf, ResultOf } from '../api/endpoint.ts'
import type { Api } from '../api/index.ts'
import { Files } from './files.ts'
import { Following } from './following.ts'
import { type ConnectOptions, credentialHeaders, httpBase, linkOf } from './options.ts'
import { type CallOptions, type ClientEvents, Session } from './session.ts'
import type { ObjectRequest, StatusMirror } from './status-mirror.ts'

/** The name of a method, as in the API document. */
export type Method = keyof Api

/** What a method takes; may be left out where nothing is required. */
type Params<M extends Method> =
  Record<never, never> extends CallOf<Api[M]> ? [params?: CallOf<Api[M]>] : [params: CallOf<Api[M]>]

/** A call in a batch: `['server.info']`, `['server.files.metadata', { filename: 'a.gcode' }]`. */
export type BatchCall = { [M in Method]: readonly [method: M, ...params: Params<M>] }[Method]

/** The outcomes of a batch, in order. */
export type BatchResults<C extends readonly BatchCall[]> = {
  -readonly [K in keyof C]: PromiseSettledResult<ResultOf<Api[C[K][0]]>>
}

export class Client {
  readonly #session: Session
  readonly #following: Following
  /** Uploads and downloads. */
  readonly files: Files

  /** Use `connect`. */
  constructor(session: Session, files: Files) {
    this.#session = session
    this.files = files
    this.#following = new Following(session)
  }

  /** Whether there is a connection now. Over HTTP always. */
  get connected(): boolean {
    return this.#session.connected
  }

  /**
   * Calls a method. Rejects with CallError where the server answers with an error, ConnectionLost without a
   * connection or when it breaks, CallTimeout after `timeout`, and the signal's reason when it aborts.
   */
  call<M extends Method>(
    method: M,
    ...rest: [...Params<M>, options?: CallOptions]
  ): Promise<ResultOf<Api[M]>> {
    const [params, options] = rest as unknown as [object?, CallOptions?]
    return this.request(method, params, options) as Promise<ResultOf<Api[M]>>
  }

  /** Calls a method that the contract does not know: of a plugin, or an endpoint that Klipper registered. */
  request(method: string, params?: object, options?: CallOptions): Promise<unknown> {
    return this.#session.ask({ method, params }, options)
  }

  /** Calls several methods in one frame. Never rejects: each outcome tells of itself, as in Promise.allSettled. */
  async batch<const C extends readonly BatchCall[]>(
    calls: C,
    options: CallOptions = {},
  ): Promise<BatchResults<C>> {
    const answers = this.#session.askAll(
      calls.map(([method, params]) => ({ method, params })),
      options,
    )
    return (await Promise.allSettled(answers)) as BatchResults<C>
  }

  /** Listens to a notification or to the connection's own events, until the returned function is called. */
  on<E extends keyof ClientEvents>(event: E, listener: (...params: ClientEvents[E]) => void): () => void {
    return this.#session.events.on(event, listener)
  }

  /**
   * Follows status objects: `follow({ toolhead: ['position'], extruder: null })`, null for all fields.
   * Goes on by itself after a lost connection or a restart of Klippy. Rejects as `call` does; 503 without Klippy.
   */
  follow<const R extends ObjectRequest>(request: R): Promise<StatusMirror<R>> {
    return this.#following.follow(request)
  }

  /** Ends the connection and all that goes on over it. */
  close(): void {
    this.#session.close()
    this.#following.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** Connects to a server. Rejects when it cannot be reached or refuses the credentials; later losses are made good. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const session = new Session(await linkOf(options), options)
  const files = new Files({ base: httpBase(options.url), headers: () => credentialHeaders(options) })
  const client = new Client(session, files)
  await session.connect()
  return client
}
