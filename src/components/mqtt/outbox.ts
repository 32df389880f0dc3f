// Messages with QoS 1 and 2 that the broker has not acknowledged: they outlast disconnections, up to a limit.
import type { MqttClient } from 'mqtt'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { PublishOptions, Qos } from './service.ts'

/** Messages that may wait. */
const MAX_MESSAGES = 1000
/** Bytes of payload that may wait. */
const MAX_BYTES = 8 * 1024 * 1024
/** Messages on their way at the same time; brokers of MQTT 5 may set a lower limit. */
const MAX_IN_FLIGHT = 16

/** A message to publish. */
export interface Outgoing {
  readonly topic: string
  readonly payload: string | Buffer
  readonly options: PublishOptions & { readonly qos: Qos }
}

interface Entry {
  readonly message: Outgoing
  readonly bytes: number
  /** The connection on which it is on its way; null while it waits. */
  sentOn: MqttClient | null
  readonly resolve: () => void
  readonly reject: (error: ApiError) => void
}

/** Hands a message to the library. */
export function send(
  client: MqttClient,
  { topic, payload, options }: Outgoing,
  done: (error?: Error & { readonly code?: unknown }) => void,
): void {
  const { qos, retain = false, correlationData } = options
  const properties = correlationData === undefined ? undefined : { correlationData }
  client.publish(topic, payload, { qos, retain, ...(properties && { properties }) }, done)
}

/** The messages that wait for the broker, oldest first. */
export class Outbox {
  readonly #entries = new Set<Entry>()
  #bytes = 0
  #inFlight = 0
  #closed = false
  #client: MqttClient | null = null
  #window = MAX_IN_FLIGHT

  /** Resolves when the broker has acknowledged the message. Rejects with ApiError: 502, 503 or 529. */
  add(message: Outgoing): Promise<void> {
    if (this.#closed) return Promise.reject(stopping())
    const bytes = Buffer.byteLength(message.payload)
    if (this.#entries.size >= MAX_MESSAGES || this.#bytes + bytes > MAX_BYTES) {
      return Promise.reject(new ApiError(529, 'MQTT Message Queue Full'))
    }
    this.#bytes += bytes
    return new Promise((resolve, reject) => {
      this.#entries.add({ message, bytes, sentOn: null, resolve, reject })
      this.#sendNext()
    })
  }

  /** The broker is connected and accepts `receiveMaximum` messages at the same time. */
  connected(client: MqttClient, receiveMaximum: number): void {
    this.#client = client
    this.#window = Math.min(MAX_IN_FLIGHT, receiveMaximum)
    this.#sendNext()
  }

  /** The connection has ended: what was on its way is sent again on the next one. */
  disconnected(): void {
    this.#client = null
    this.#inFlight = 0
    for (const entry of this.#entries) entry.sentOn = null
  }

  /** Gives up all messages. */
  close(): void {
    this.#closed = true
    this.disconnected()
    for (const entry of this.#entries) this.#remove(entry).reject(stopping())
  }

  #sendNext(): void {
    const client = this.#client
    if (client === null) return
    for (const entry of this.#entries) {
      if (this.#inFlight >= this.#window) return
      if (entry.sentOn !== null) continue
      entry.sentOn = client
      this.#inFlight += 1
      send(client, entry.message, error => this.#done(entry, client, error))
    }
  }

  #done(entry: Entry, client: MqttClient, error?: Error & { readonly code?: unknown }): void {
    if (entry.sentOn !== client || this.#client !== client) return
    // An error without a reason of the broker's is a lost connection, after which the message is sent again.
    if (error && typeof error.code !== 'number') return
    this.#inFlight -= 1
    this.#remove(entry)
    if (error) entry.reject(new ApiError(502, `MQTT Publish Error: ${messageOf(error)}`))
    else entry.resolve()
    this.#sendNext()
  }

  #remove(entry: Entry): Entry {
    if (this.#entries.delete(entry)) this.#bytes -= entry.bytes
    return entry
  }
}

function stopping(): ApiError {
  return new ApiError(503, 'The server stops')
}
