// One connection to the engine, as the parts of the component use it.
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Clock } from '../../../core/clock.ts'
import { WRONG_REVISION } from '../../../fleet/contract/index.ts'

/** Milliseconds that the engine has for a reply. */
const REPLY_MS = 10_000
/** Seconds between two checks of whether the engine keeps up. */
const CHECK_EVERY = 10
/** Seconds without a reply to the check after which the connection counts as slow. */
const SLOW = 2

type Library = typeof import('@nats-io/transport-node')

/** The engine refused a write, since the expected revision is not the newest one. */
export class WrongRevision extends Error {
  override readonly name = 'WrongRevision'
}

/** What the engine replies to a message that a stream stores. */
interface Acknowledgement {
  readonly seq?: number
  readonly error?: { readonly err_code?: number; readonly description?: string }
}

export class Session {
  readonly #connection: NatsConnection
  readonly #library: Library
  readonly #clock: Clock
  #checkedAt = Number.NEGATIVE_INFINITY
  #isChecking = false

  constructor(connection: NatsConnection, library: Library, clock: Clock) {
    this.#connection = connection
    this.#library = library
    this.#clock = clock
  }

  /** Whether the engine is one of several, of which another one may become the leader of a stream. */
  get isCluster(): boolean {
    return this.#connection.info?.cluster !== undefined
  }

  /** Publishes without an acknowledgement. */
  publish(subject: string, payload: string): void {
    if (this.#connection.isClosed()) return
    this.#connection.publish(subject, payload)
    this.#check()
  }

  /**
   * Publishes, and resolves with the sequence number under which a stream has stored the message. Rejects with
   * WrongRevision, or with an error of the library.
   */
  async store(subject: string, payload: string, headers: Readonly<Record<string, string>>): Promise<number> {
    const { seq, error } = (await this.#request(subject, payload, headers)).json<Acknowledgement>()
    if (error?.err_code === WRONG_REVISION) throw new WrongRevision(error.description)
    if (error !== undefined || seq === undefined) throw new Error(error?.description ?? 'no acknowledgement')
    return seq
  }

  /** Sends an empty request. Rejects with an error of the library. */
  get(subject: string): Promise<Msg> {
    return this.#request(subject, '', {})
  }

  #request(subject: string, payload: string, headers: Readonly<Record<string, string>>): Promise<Msg> {
    const all = this.#library.headers()
    for (const [name, value] of Object.entries(headers)) all.set(name, value)
    return this.#connection.request(subject, payload, {
      timeout: REPLY_MS,
      ...(Object.keys(headers).length > 0 && { headers: all }),
    })
  }

  subscribe(subject: string, listener: (message: Msg) => void): void {
    this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) listener(message)
      },
    })
  }

  /** Resolves when the engine has received everything so far. Rejects when the connection ends before. */
  flush(): Promise<void> {
    return this.#connection.flush()
  }

  /** Whether the engine does not keep up with what is published: what a later message replaces must wait. */
  get isSlow(): boolean {
    return this.#isChecking && this.#clock.monotonic() - this.#checkedAt > SLOW
  }

  #check(): void {
    const now = this.#clock.monotonic()
    if (this.#isChecking || now - this.#checkedAt < CHECK_EVERY) return
    this.#checkedAt = now
    this.#isChecking = true
    this.flush()
      .catch(() => {})
      .finally(() => {
        this.#isChecking = false
      })
  }
}
