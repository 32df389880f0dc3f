// The connection to the broker: connects, reconnects for as long as the server runs, publishes and subscribes.
import type { IClientOptions, IConnackPacket, IPublishPacket, MqttClient } from 'mqtt'
import type { Core } from '../../component/component.ts'
import { sleep, type Timer } from '../../core/clock.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Registration } from '../../core/scope.ts'
import { nextIteration, WorkBudget } from '../../core/work-budget.ts'
import { connectionProblem } from './connection-problem.ts'
import { Outbox, send } from './outbox.ts'
import { limitPackets, MAX_PACKET_BYTES } from './packet-limit.ts'
import type { MqttBroker, MqttMessage, PublishOptions, Qos } from './service.ts'
import { type Subscription, Subscriptions } from './subscriptions.ts'
import { checkFilter, checkTopic } from './topics.ts'

/** Seconds between attempts to connect, and their random deviation in both directions. */
const RETRY = 2
const JITTER = 0.25
/** Seconds between attempts after the broker has refused the connection: credentials do not change by themselves. */
const RETRY_REFUSED = 30
/** A connection that lasted as many seconds is replaced within half a second. */
const LASTING = 10
/** Seconds that the broker has to accept a connection. */
const CONNECT_TIMEOUT = 10
/** Unsent messages, and their bytes, above which further ones with QoS 0 are refused. */
const MAX_UNSENT = { messages: 500, bytes: 8 * 1024 * 1024 }
/** Seconds that the stop waits for the last message and the end of the connection. */
const STOP_SECONDS = 2
/** The state of the server, as subscribers of its status topic get it. */
const ONLINE = JSON.stringify({ server: 'online' })
const OFFLINE = JSON.stringify({ server: 'offline' })

/** What the connection is made from. */
export interface BrokerSettings {
  readonly instanceName: string
  readonly defaultQos: Qos
  /** For messages, such as `broker.local:1883`. */
  readonly address: string
}

/** The library with the settings that all connections share. */
async function openClient(options: IClientOptions): Promise<MqttClient> {
  const { connect } = await import('mqtt')
  return connect({
    ...options,
    clean: true,
    keepalive: 60,
    connectTimeout: CONNECT_TIMEOUT * 1000,
    // A client is one connection; the next one is a new client.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Without it the library keeps the encodings of all numbers, in 8 MB.
    writeCache: false,
    // The other kinds of timers are for browsers.
    timerVariant: 'native',
    // A broker of MQTT 5 sends no longer one.
    ...(options.protocolVersion === 5 && { properties: { maximumPacketSize: MAX_PACKET_BYTES } }),
    wsOptions: { maxPayload: 2 * MAX_PACKET_BYTES },
  })
}

export class Broker implements MqttBroker {
  readonly #core: Pick<Core, 'clock' | 'log' | 'warnings'>
  readonly #settings: BrokerSettings
  readonly #subscriptions: Subscriptions
  readonly #outbox = new Outbox()
  readonly #listeners = new Set<(connected: boolean) => void>()
  /** Rejects each message with QoS 0 that is not written yet. */
  readonly #unsent = new Set<() => void>()
  #connection: IClientOptions = {}
  #client: MqttClient | null = null
  #connectedAt: number | null = null
  #retry: Timer | null = null
  #stopped = false
  /** What was reported of the present outage. */
  #reported: string | null = null
  #warning: Registration | null = null

  constructor(core: Pick<Core, 'clock' | 'log' | 'warnings'>, settings: BrokerSettings) {
    this.#core = core
    this.#settings = settings
    this.#subscriptions = new Subscriptions(core.log)
  }

  get instanceName(): string {
    return this.#settings.instanceName
  }

  get defaultQos(): Qos {
    return this.#settings.defaultQos
  }

  get connected(): boolean {
    return this.#connectedAt !== null
  }

  /** Connects with these options of the library, and connects again whenever the connection ends. */
  start(options: IClientOptions): void {
    const { instanceName, defaultQos } = this.#settings
    const topic = `${instanceName}/moonraker/status`
    const will = { topic, payload: Buffer.from(OFFLINE), qos: defaultQos, retain: true }
    this.#connection = { ...options, will }
    this.#connect()
  }

  /** Publishes that the server is offline, and disconnects. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#retry?.stop()
    const client = this.#client
    if (client !== null) await this.#leave(client)
    this.#client = null
    this.#connectedAt = null
    this.#outbox.close()
    this.#warning?.remove()
  }

  async #leave(client: MqttClient): Promise<void> {
    const left = Promise.withResolvers<void>()
    if (this.connected) this.#publishState(client, OFFLINE, () => client.end(() => left.resolve()))
    else left.resolve()
    await Promise.race([left.promise, sleep(this.#core.clock, STOP_SECONDS)])
    client.end(true)
  }

  checkTopic(topic: string): void {
    checkTopic(topic)
  }

  publish(topic: string, payload: string | Buffer, options: PublishOptions = {}): Promise<void> {
    const { qos = this.#settings.defaultQos } = options
    const message = { topic, payload, options: { ...options, qos } }
    try {
      checkTopic(topic)
    } catch (error) {
      return Promise.reject(error)
    }
    if (qos > 0) return this.#outbox.add(message)
    const client = this.#client
    if (client === null || !this.connected) return Promise.reject(notConnected())
    if (this.#unsent.size >= MAX_UNSENT.messages || client.stream.writableLength > MAX_UNSENT.bytes) {
      return Promise.reject(new ApiError(529, 'MQTT Message Queue Full'))
    }
    return new Promise((resolve, reject) => {
      // The library does not call back when the connection ends.
      const failed = () => reject(notConnected())
      this.#unsent.add(failed)
      send(client, message, error => {
        this.#unsent.delete(failed)
        if (error) reject(new ApiError(503, `MQTT Publish Error: ${messageOf(error)}`))
        else resolve()
      })
    })
  }

  subscribe(
    filter: string,
    listener: (message: MqttMessage) => void,
    qos: Qos = this.#settings.defaultQos,
  ): Registration {
    checkFilter(filter)
    const subscription: Subscription = { filter, listener, qos }
    this.#subscriptions.add(subscription)
    // Also if others have subscribed to it: the broker sends a stored message again, for the new listener.
    if (this.#client !== null && this.connected) this.#sendSubscriptions(this.#client, [filter])
    return {
      remove: () => {
        if (this.#subscriptions.remove(subscription) && this.connected) this.#client?.unsubscribe(filter)
      },
    }
  }

  onConnection(listener: (connected: boolean) => void): Registration {
    this.#listeners.add(listener)
    return { remove: () => void this.#listeners.delete(listener) }
  }

  #connect(): void {
    this.#open().catch(error => this.#closed(null, error))
  }

  async #open(): Promise<void> {
    const client = await openClient(this.#connection)
    if (this.#stopped) {
      client.end(true)
      return
    }
    this.#client = client
    let problem: unknown = null
    client.on('error', error => {
      problem ??= error
      client.end(true)
    })
    limitPackets(client.stream, error => {
      problem ??= error
      client.end(true)
    })
    client.on('disconnect', ({ reasonCode }) => {
      problem ??= Object.assign(new Error(`the broker ended the connection`), { code: reasonCode })
    })
    client.on('connect', packet => this.#opened(client, packet))
    client.handleMessage = pacer()
    client.on('message', (_topic, _payload, packet) => this.#received(packet))
    client.once('close', () => this.#closed(client, problem))
  }

  #opened(client: MqttClient, packet: IConnackPacket): void {
    const { clock, log } = this.#core
    this.#connectedAt = clock.monotonic()
    this.#reported = null
    this.#warning?.remove()
    this.#warning = null
    log.info(`connected to ${this.#settings.address}`)
    this.#publishState(client, ONLINE)
    this.#sendSubscriptions(client, [...this.#subscriptions.filters()])
    this.#outbox.connected(client, packet.properties?.receiveMaximum ?? Number.POSITIVE_INFINITY)
    this.#notify(true)
  }

  #publishState(client: MqttClient, payload: string, done: () => void = () => {}): void {
    const { instanceName, defaultQos: qos } = this.#settings
    const topic = `${instanceName}/moonraker/status`
    send(client, { topic, payload, options: { qos, retain: true } }, done)
  }

  #sendSubscriptions(client: MqttClient, filters: readonly string[]): void {
    if (filters.length === 0) return
    const wanted = Object.fromEntries(
      filters.map(filter => [filter, { qos: this.#subscriptions.qosOf(filter) }]),
    )
    client.subscribe(wanted, (error, granted = []) => {
      const refused = granted.filter(({ qos }) => qos > 2).map(({ topic }) => topic)
      if (refused.length > 0) this.#core.log.warning(`the broker refuses to send ${refused.join(', ')}`)
      else if (error && this.#client === client && this.connected) {
        this.#core.log.warning(`cannot subscribe to ${filters.join(', ')}: ${messageOf(error)}`)
      }
    })
  }

  #received({ topic, payload, retain, properties }: IPublishPacket): void {
    this.#subscriptions.dispatch({
      topic,
      payload: payload as Buffer,
      retain,
      responseTopic: properties?.responseTopic,
      correlationData: properties?.correlationData,
    })
  }

  /** A connection or an attempt has ended. */
  #closed(client: MqttClient | null, problem: unknown): void {
    if (client !== this.#client) return
    const since = this.#connectedAt
    this.#client = null
    this.#connectedAt = null
    this.#outbox.disconnected()
    for (const failed of this.#unsent) failed()
    this.#unsent.clear()
    if (since !== null) this.#notify(false)
    if (this.#stopped) return
    const isRefused = this.#report(problem, since !== null)
    const lasted = since === null ? 0 : this.#core.clock.monotonic() - since
    const wait = isRefused ? RETRY_REFUSED : RETRY
    const delay =
      lasted >= LASTING && !isRefused ? Math.random() / 2 : wait * (1 + JITTER * (2 * Math.random() - 1))
    this.#retry = this.#core.clock.after(delay, () => this.#connect())
  }

  /** Reports each kind of problem once in an outage. Returns whether the broker refuses the connection. */
  #report(problem: unknown, wasConnected: boolean): boolean {
    const { log, warnings } = this.#core
    const { text, isRefused } = connectionProblem(problem)
    if (this.#reported === text) return isRefused
    this.#reported = text
    const message = wasConnected
      ? `the connection to ${this.#settings.address} was lost: ${text}`
      : `MQTT Connection Failed: ${this.#settings.address}: ${text}`
    if (isRefused) {
      const retry = `The server tries again every ${RETRY_REFUSED} s.`
      this.#warning = warnings.add(`[mqtt]: ${message}. ${retry}`, 'mqtt connection')
    } else log.warning(`${message}; the server tries again every ${RETRY} s`)
    return isRefused
  }

  #notify(connected: boolean): void {
    for (const listener of this.#listeners) {
      try {
        listener(connected)
      } catch (error) {
        this.#core.log.error('a listener of the MQTT connection failed', error)
      }
    }
  }
}

/** Lets the library continue with the next message: in the next iteration of the event loop once many have been handled in one. */
function pacer(): MqttClient['handleMessage'] {
  const budget = new WorkBudget()
  budget.renew()
  return (_packet, next) => {
    if (!budget.isSpent) return next()
    void nextIteration().then(() => {
      budget.renew()
      next()
    })
  }
}

/** The original's text. */
function notConnected(): ApiError {
  return new ApiError(
    503,
    'MQTT Publish Error: Message publish failed: The client is not currently connected.',
  )
}
