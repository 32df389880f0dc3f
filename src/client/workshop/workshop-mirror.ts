// A mirror of the list of a workshop's printers: kept up to date by notifications, and by requests while the main printer,
// which has the WebSocket, does not run.
import type { NotificationParams } from '../../api/index.ts'
import type { Client } from '../client.ts'
import { Listeners } from '../listeners.ts'

/** Milliseconds between two requests without a WebSocket. */
const PERIOD = 3000

/** Printers that are new or different, and the names of those that are gone. */
export type WorkshopChange = NotificationParams<'notify_workshop_changed'>[0]

/** A printer of a workshop. */
export type WorkshopPrinter = WorkshopChange['changed'][number]

/** The events of a mirror. */
export type WorkshopMirrorEvents = {
  change: [change: WorkshopChange]
  /** The list is up to date again. */
  connected: []
  disconnected: [reason: Error]
}

/** What a mirror reads from. */
export interface WorkshopMirrorParts {
  readonly list: () => Promise<readonly WorkshopPrinter[]>
  readonly connect: () => Promise<Client>
}

export class WorkshopMirror {
  readonly #parts: WorkshopMirrorParts
  readonly #events = new Listeners<WorkshopMirrorEvents>()
  #printers: ReadonlyMap<string, WorkshopPrinter> = new Map()
  #client: Client | null = null
  #timer: ReturnType<typeof setInterval> | undefined
  #live = false
  /** Whether the server sends changes: it does after the connection has read the list. */
  #isFollowing = false
  #isReading = false
  #closed = false

  /** Use `Workshop.follow`. */
  constructor(parts: WorkshopMirrorParts) {
    this.#parts = parts
  }

  /** The printers by name, in the order of the list. Changed ones are replaced, never modified. */
  get printers(): ReadonlyMap<string, WorkshopPrinter> {
    return this.#printers
  }

  /** Whether the list is up to date. */
  get live(): boolean {
    return this.#live
  }

  /** Listens to an event, until the returned function is called. */
  on<E extends keyof WorkshopMirrorEvents>(
    event: E,
    listener: (...params: WorkshopMirrorEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener)
  }

  /** Reads the list, and follows it from then on. */
  async start(): Promise<void> {
    await this.#read()
    this.#timer = setInterval(() => void this.#readAgain(), PERIOD)
  }

  /** Reads the list, by a WebSocket if there can be one. */
  async #read(): Promise<void> {
    this.#client ??= await this.#connect()
    const client = this.#client?.connected ? this.#client : null
    const printers = await (client === null ? this.#parts.list() : client.call('workshop.printers'))
    this.#isFollowing = client?.connected === true
    this.#replace(printers)
  }

  async #readAgain(): Promise<void> {
    if (this.#isFollowing || this.#isReading) return
    this.#isReading = true
    try {
      await this.#read()
    } catch (error) {
      this.#lost(error as Error)
    }
    this.#isReading = false
  }

  /** Null while the main printer does not run. */
  async #connect(): Promise<Client | null> {
    const client = await this.#parts.connect().catch(() => null)
    if (this.#closed) client?.close()
    client?.on('notify_workshop_changed', change => this.#change(change))
    client?.on('connected', () => void this.#readAgain())
    client?.on('disconnected', reason => {
      this.#isFollowing = false
      this.#lost(reason)
    })
    return client
  }

  /** Takes a whole list. */
  #replace(printers: readonly WorkshopPrinter[]): void {
    const before = this.#printers
    const now = new Map(printers.map(printer => [printer.name, printer]))
    const changed = printers.filter(
      printer => JSON.stringify(before.get(printer.name)) !== JSON.stringify(printer),
    )
    const removed = [...before.keys()].filter(name => !now.has(name))
    const wasLive = this.#live
    this.#live = true
    this.#printers = now
    if (changed.length + removed.length > 0) this.#events.emit('change', [{ changed, removed }])
    if (!wasLive) this.#events.emit('connected', [])
  }

  #change(change: WorkshopChange): void {
    const printers = new Map(this.#printers)
    for (const printer of change.changed) printers.set(printer.name, printer)
    for (const name of change.removed) printers.delete(name)
    this.#printers = printers
    this.#events.emit('change', [change])
  }

  #lost(reason: Error): void {
    if (!this.#live || this.#closed) return
    this.#live = false
    this.#events.emit('disconnected', [reason])
  }

  /** Ends it. */
  close(): void {
    this.#closed = true
    this.#live = false
    clearInterval(this.#timer)
    this.#client?.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
