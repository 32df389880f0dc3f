// The events of a simulated printer: each is sent until the engine has stored it, one after the other.
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { type FleetEvent, HEADERS, messageOf, subjects } from '../../../src/fleet/contract/index.ts'

/** Milliseconds until an event is sent again that was not stored, and that a reply may take. */
const RETRY = 100
const TIMEOUT = 5000

/** The events of a printer where they outlive its process: with them a printer that was killed goes on. */
export interface Journal {
  /** The events of earlier processes, in their order. */
  readonly events: readonly FleetEvent[]
  /** Whether the engine has stored an event. */
  isStored(id: string): boolean
  add(event: FleetEvent): void
  /** The engine has stored an event. */
  stored(id: string): void
}

export class SimulatedOutbox {
  readonly #id: string
  readonly #journal: Journal | null
  readonly #unsent: FleetEvent[] = []
  #connection: NatsConnection | null = null
  #sending: Promise<void> | null = null
  /** All events, in their order. */
  readonly events: FleetEvent[]

  /** `id` is that of the printer; `journal` has what earlier processes have recorded. */
  constructor(id: string, journal: Journal | null) {
    this.#id = id
    this.#journal = journal
    this.events = [...(journal?.events ?? [])]
    this.#unsent.push(...this.events.filter(event => journal?.isStored(event.id) !== true))
  }

  add(event: FleetEvent): void {
    this.#journal?.add(event)
    this.events.push(event)
    this.#unsent.push(event)
    this.#send()
  }

  /** A connection is there; null: it is closed. */
  use(connection: NatsConnection | null): void {
    this.#connection = connection
    this.#send()
  }

  /** Resolves when the engine has stored all events. */
  async sent(): Promise<void> {
    while (this.#unsent.length > 0) await (this.#sending ?? pause())
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null
    })
  }

  async #sendAll(): Promise<void> {
    while (this.#connection !== null) {
      const [event] = this.#unsent
      if (event === undefined) return
      if (await this.#store(this.#connection, event).catch(() => false)) {
        this.#journal?.stored(event.id)
        this.#unsent.shift()
      } else await pause()
    }
  }

  async #store(connection: NatsConnection, event: FleetEvent): Promise<boolean> {
    const marks = headers()
    marks.set(HEADERS.messageId, event.id)
    const options = { headers: marks, timeout: TIMEOUT }
    const reply = await connection.request(subjects.events(this.#id), messageOf(event), options)
    return reply.json<{ seq?: number }>().seq !== undefined
  }
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, RETRY))
}
