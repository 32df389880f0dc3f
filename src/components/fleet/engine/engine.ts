// The connection to the engine of the fleet: connects, and connects again for as long as the server runs.
import type { NatsConnection } from '@nats-io/transport-node'
import type { Core } from '../../../component/component.ts'
import { certificateCheck } from '../../../core/certificate-names.ts'
import { sleep, type Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import { Listeners } from '../../../core/listeners.ts'
import type { Registration } from '../../../core/scope.ts'
import { subjects } from '../../../fleet/contract/index.ts'
import { authenticator } from './authenticator.ts'
import type { Credential } from './credential.ts'
import { Session } from './session.ts'

/** Seconds until the first attempt after a connection was lost; all printers of a fleet lose it together. */
const FIRST_RETRY = 2
/** Seconds between attempts, at most. */
const MAX_RETRY = 60
/** Milliseconds that the engine has to accept a connection. */
const CONNECT_MS = 10_000
/** Milliseconds between two pings; two without a reply end the connection. */
const PING_MS = 60_000
/** Seconds that a stop waits until the engine has received the last message. */
const STOP_SECONDS = 2

export class Engine {
  readonly #core: Core
  readonly #servers: readonly string[]
  readonly #listeners: Listeners<[session: Session | null]>
  #credential: Credential | null = null
  #connection: NatsConnection | null = null
  #session: Session | null = null
  #attempts = 0
  #retry: Timer | null = null
  #stopped = false
  /** What was reported of the present outage. */
  #reported: string | null = null
  #warning: Registration | null = null

  constructor(core: Core, servers: readonly string[]) {
    this.#core = core
    this.#servers = servers
    this.#listeners = new Listeners(core.log)
  }

  /** The present connection; null without one. */
  get session(): Session | null {
    return this.#session
  }

  /** Why there is no connection; null while there is one. */
  get problem(): string | null {
    return this.#session === null ? (this.#reported ?? 'connecting') : null
  }

  /** Calls `listener` when a connection is there, and with null when it has ended. */
  onSession(listener: (session: Session | null) => void): Registration {
    return this.#listeners.add(listener)
  }

  start(credential: Credential): void {
    this.#credential = credential
    this.#connect()
  }

  /** Waits until the engine has received what was published, and disconnects. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#retry?.stop()
    const connection = this.#connection
    if (connection !== null) {
      await Promise.race([connection.flush().catch(() => {}), sleep(this.#core.clock, STOP_SECONDS)])
      await connection.close()
    }
    this.#warning?.remove()
  }

  #connect(): void {
    this.#open().catch(error => this.#ended(error))
  }

  async #open(): Promise<void> {
    const credential = this.#credential as Credential
    const { ca, id } = credential
    const library = await import('@nats-io/transport-node')
    const tls = { ...(ca !== null && { ca }), checkServerIdentity: certificateCheck(this.#servers) }
    const connection = await library.connect({
      servers: [...this.#servers],
      name: `moonraker-ts ${id}`,
      authenticator: authenticator(credential),
      inboxPrefix: subjects.inbox(id),
      // A connection that ends is replaced by another one, so that its parts know of each.
      reconnect: false,
      ignoreClusterUpdates: true,
      timeout: CONNECT_MS,
      pingInterval: PING_MS,
      ...(this.#needsTls && { tls }),
    })
    if (this.#stopped) return connection.close()
    this.#opened(connection, new Session(connection, library, this.#core.clock))
  }

  /** An engine on another machine is never reached without TLS, whatever it offers. */
  get #needsTls(): boolean {
    return this.#servers.some(server => server.startsWith('tls://'))
  }

  #opened(connection: NatsConnection, session: Session): void {
    this.#connection = connection
    this.#session = session
    this.#attempts = 0
    this.#reported = null
    this.#warning?.remove()
    this.#core.log.info(`connected to the engine at ${connection.getServer()}`)
    void this.#logErrors(connection)
    void connection.closed().then(error => {
      this.#connection = null
      this.#session = null
      this.#listeners.call(null)
      this.#ended(error ?? new Error('the engine closed the connection'))
    })
    this.#listeners.call(session)
  }

  async #logErrors(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'error') this.#core.log.warning(`the engine reports: ${status.error.message}`)
    }
  }

  #ended(error: unknown): void {
    if (this.#stopped) return
    const isRefused = isRefusal(error)
    this.#report(error, isRefused)
    const longest = isRefused ? MAX_RETRY : Math.min(MAX_RETRY, FIRST_RETRY * 2 ** this.#attempts)
    this.#attempts += 1
    this.#retry = this.#core.clock.after(Math.random() * longest, () => this.#connect())
  }

  /** Reports each kind of problem once in an outage. */
  #report(error: unknown, isRefused: boolean): void {
    const { log, warnings } = this.#core
    const text = messageOf(error)
    if (this.#reported === text) return
    this.#reported = text
    const message = `no connection to the engine at ${this.#servers.join(', ')}: ${text}`
    if (!isRefused) {
      log.warning(message)
      return
    }
    const advice = 'Join the fleet again if the printer was removed from it.'
    this.#warning = warnings.add(`[fleet]: ${message}. ${advice}`, 'fleet connection')
  }
}

/** Whether the engine refuses the credential: trying again soon does not help. */
function isRefusal(error: unknown): boolean {
  return /authorization|authentication|expired|revoked/i.test(messageOf(error))
}
