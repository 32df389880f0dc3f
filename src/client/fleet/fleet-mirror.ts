// A mirror of printers of a fleet: the rows that a program shows, the summary, and the status of one printer.
import type { FleetLiveMessage, FleetLiveRequest, FleetPrinter, FleetSummary } from '../../api/fleet.ts'
import type { StatusChange } from '../../api/printer.ts'
import { ConnectionLost } from '../errors.ts'
import { Listeners } from '../listeners.ts'
import type { ConnectOptions } from '../options.ts'
import { Retry } from '../retry.ts'

/** Seconds without a message after which the connection counts as lost; a hub sends one each second. */
const SILENCE = 20

/** Rows that have changed, and the ids of printers that have left the fleet. */
export interface FleetChange {
  readonly changed: readonly FleetPrinter[]
  readonly removed: readonly string[]
}

/** The events of a mirror. */
export type FleetMirrorEvents = {
  change: [change: FleetChange]
  /** Once a second. */
  summary: [summary: FleetSummary]
  /** The hub has requested the status of the watched printer; `reached` is false if it is not connected to the fleet. */
  watched: [id: string, reached: boolean]
  /** Changed status of the watched printer, at most four times a second; at first all of it. */
  status: [id: string, change: StatusChange]
  /** The mirror has reconnected. */
  connected: []
  disconnected: [reason: ConnectionLost]
  /** An attempt to reconnect failed. More attempts follow. */
  warning: [error: Error]
}

export class FleetMirror {
  readonly #address: () => Promise<string>
  readonly #silence: number
  readonly #events = new Listeners<FleetMirrorEvents>()
  readonly #printers = new Map<string, FleetPrinter>()
  readonly #reconnect: Retry | null
  #shown: ReadonlySet<string>
  #watched: string | null = null
  #summary: FleetSummary = { printers: {}, jobs: {}, total: 0 }
  #socket: WebSocket | null = null
  #closed = false

  /** Use `Fleet.follow`. `address` gives the URL of the WebSocket for one connection. */
  constructor(
    address: () => Promise<string>,
    shown: readonly string[],
    { reconnect, heartbeat = SILENCE }: ConnectOptions,
  ) {
    this.#address = address
    this.#shown = new Set(shown)
    this.#silence = heartbeat
    this.#reconnect =
      reconnect === false
        ? null
        : new Retry(
            () => this.connect(),
            error => this.#events.emit('warning', [error]),
          )
  }

  /** The newest rows by the ids of their printers, of those that `show` names. */
  get printers(): ReadonlyMap<string, FleetPrinter> {
    return this.#printers
  }

  /** The newest counts of printers and jobs. */
  get summary(): FleetSummary {
    return this.#summary
  }

  get connected(): boolean {
    return this.#socket !== null
  }

  /** Listens to an event, until the returned function is called. */
  on<E extends keyof FleetMirrorEvents>(
    event: E,
    listener: (...params: FleetMirrorEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener)
  }

  /** Follows the rows of these printers in place of the ones before; of more than 200, the first ones. */
  show(ids: readonly string[]): void {
    this.#shown = new Set(ids)
    for (const id of this.#printers.keys()) if (!this.#shown.has(id)) this.#printers.delete(id)
    this.#send({ rows: ids })
  }

  /** Follows the status of this printer in place of the one before; null for none. */
  watch(id: string | null): void {
    this.#watched = id
    this.#send({ open: id })
  }

  /** Connects, and resolves with the first summary. */
  async connect(): Promise<void> {
    const socket = await this.#open(await this.#address())
    if (this.#closed) {
      socket.close()
      throw this.#lostBecause('the mirror was closed')
    }
    this.#socket = socket
    this.#send({ rows: [...this.#shown], ...(this.#watched !== null && { open: this.#watched }) })
    this.#events.emit('connected', [])
  }

  /** Opens a WebSocket; resolves at its first message. */
  #open(url: string): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url)
      let timer: ReturnType<typeof setTimeout> | undefined
      const listen = () => {
        clearTimeout(timer)
        timer = setTimeout(() => end(`no message within ${this.#silence} s`), this.#silence * 1000)
      }
      const end = (reason: string) => {
        clearTimeout(timer)
        socket.onclose = null
        socket.onmessage = null
        socket.close()
        reject(this.#lostBecause(reason))
        if (this.#socket === socket) this.#lost(reason)
      }
      socket.onmessage = ({ data }) => {
        listen()
        this.#receive(JSON.parse(String(data)) as FleetLiveMessage)
        resolve(socket)
      }
      socket.onclose = ({ code }) => end(`closed with code ${code}`)
      listen()
    })
  }

  #receive({ summary, rows = [], gone = [], opened, live }: FleetLiveMessage): void {
    // Rows that were on their way when the program named others.
    const changed = rows.filter(({ id }) => this.#shown.has(id))
    for (const row of changed) this.#printers.set(row.id, row)
    for (const id of gone) this.#printers.delete(id)
    if (changed.length + gone.length > 0) this.#events.emit('change', [{ changed, removed: gone }])
    if (summary !== undefined) {
      this.#summary = summary
      this.#events.emit('summary', [summary])
    }
    if (opened !== undefined) this.#events.emit('watched', [opened.id, opened.reached])
    if (live !== undefined) this.#events.emit('status', [live.id, live.status])
  }

  #send(message: FleetLiveRequest): void {
    this.#socket?.send(JSON.stringify(message))
  }

  #lost(reason: string): void {
    this.#socket = null
    this.#events.emit('disconnected', [this.#lostBecause(reason)])
    if (!this.#closed) this.#reconnect?.start()
  }

  #lostBecause(reason: string): ConnectionLost {
    return new ConnectionLost(`no connection to the hub: ${reason}`)
  }

  /** Closes the connection permanently. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#reconnect?.stop()
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
