// The WebSocket /fleet/live: the summary and the rows that a page shows, once a second, and the status of one printer.
import type { NatsConnection, Subscription } from '@nats-io/transport-node'
import type { WebSocket } from 'ws'
import type { FleetLiveMessage, FleetLiveRequest } from '../../api/fleet.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import type { Scope } from '../../core/scope.ts'
import type { Registry, SocketListener } from '../../rpc/registry.ts'
import type { User } from '../../rpc/user.ts'
import { isPlainObject } from '../../schema/index.ts'
import { liveSchema, PRINTER_ID, readMessage, subjects } from '../contract/index.ts'
import type { Commands } from './commands.ts'
import { rowOf, rowState } from './printers/rows.ts'
import { summaryOf } from './printers/summary.ts'
import type { Store } from './store/store.ts'

/** Rows that a page may follow. */
const MAX_ROWS = 200
/** Seconds between messages. */
const PERIOD = 1
/** Above so many unread bytes a page gets nothing new until it has read them: the newest rows come then. */
const MAX_UNREAD = 256 * 1024
/** Seconds for which a printer sends its status, and after which it gets the command again. */
const WATCH_SECONDS = 60
const WATCH_AGAIN = 45

/** What pages follow. */
export interface LiveParts {
  readonly registry: Registry
  readonly store: Store
  readonly commands: Commands
  readonly connection: NatsConnection
  readonly clock: Clock
}

/** Serves the WebSocket. */
export function serveLive(scope: Scope, parts: LiveParts): void {
  const pages = new Pages(parts)
  scope.defer(() => pages.stop())
  scope.use(
    parts.registry.serveSocket({
      path: '/fleet/live',
      handle: ({ accept, caller }) => accept(ws => pages.add(ws, caller.user)),
    }),
  )
}

/** All open pages, with one timer and one summary for all of them. */
class Pages {
  readonly #parts: LiveParts
  readonly #pages = new Set<Page>()
  #timer: Timer | null = null
  readonly #unfollow: () => void

  constructor(parts: LiveParts) {
    this.#parts = parts
    this.#unfollow = parts.store.directory.onChange(({ id }) => {
      for (const page of this.#pages) page.changed(id)
    })
  }

  add(ws: WebSocket, user: User | null): SocketListener {
    const page = new Page(ws, user, this.#parts)
    this.#pages.add(page)
    page.send(this.#summary())
    this.#timer ??= this.#parts.clock.every(PERIOD, () => this.#tick())
    return { message: text => page.receive(text), closed: () => this.#remove(page) }
  }

  #remove(page: Page): void {
    page.close()
    this.#pages.delete(page)
    if (this.#pages.size > 0) return
    this.#timer?.stop()
    this.#timer = null
  }

  #summary(): string {
    return textOf({ summary: summaryOf(this.#parts.store) })
  }

  #tick(): void {
    const summary = this.#summary()
    for (const page of this.#pages) page.tick(summary)
  }

  stop(): void {
    this.#timer?.stop()
    this.#unfollow()
  }
}

/** One page: the rows that it shows, and the printer that it has opened. */
class Page {
  readonly #ws: WebSocket
  readonly #user: User | null
  readonly #parts: LiveParts
  /** The rows, each with its state when it was sent: a silent printer becomes late without a message. */
  #rows: Map<string, string> = new Map()
  /** Rows that have changed since they were sent. */
  readonly #changed = new Set<string>()
  /** The printer that the page wants to follow. */
  #wanted: string | null = null
  /** Whether the page has changed that in this period: each change costs a command to a printer. */
  #hasSwitched = false
  #opened: { readonly id: string; readonly subscription: Subscription; readonly timer: Timer } | null = null

  constructor(ws: WebSocket, user: User | null, parts: LiveParts) {
    this.#ws = ws
    this.#user = user
    this.#parts = parts
  }

  changed(id: string): void {
    if (this.#rows.has(id)) this.#changed.add(id)
  }

  send(text: string): void {
    this.#ws.send(text)
  }

  tick(summary: string): void {
    this.#hasSwitched = false
    this.#openWanted()
    if (this.#ws.bufferedAmount > MAX_UNREAD) return
    this.send(summary)
    const { directory } = this.#parts.store
    for (const [id, sent] of this.#rows) {
      const printer = directory.get(id)
      if (printer !== undefined && rowState(directory, printer) !== sent) this.#changed.add(id)
    }
    this.#sendRows()
  }

  #sendRows(): void {
    if (this.#changed.size === 0) return
    const { directory } = this.#parts.store
    const gone: string[] = []
    const rows = [...this.#changed].flatMap(id => {
      const printer = directory.get(id)
      if (printer === undefined) gone.push(id)
      if (printer === undefined) return []
      const row = rowOf(directory, printer)
      this.#rows.set(id, row.state)
      return [row]
    })
    this.#changed.clear()
    this.send(textOf({ rows, gone }))
  }

  /** `{"rows": [ID…]}`: the rows that the page shows; `{"open": ID|null}`: the printer whose status it follows. */
  receive(text: string): void {
    const message = parsed(text)
    if (Array.isArray(message.rows)) {
      const ids = message.rows.filter((id): id is string => typeof id === 'string' && PRINTER_ID.test(id))
      this.#rows = new Map(ids.slice(0, MAX_ROWS).map(id => [id, '']))
      this.#changed.clear()
      for (const id of this.#rows.keys()) this.#changed.add(id)
      if (this.#ws.bufferedAmount <= MAX_UNREAD) this.#sendRows()
    }
    if (message.open === null) {
      this.#wanted = null
      this.#closePrinter()
    } else if (typeof message.open === 'string' && PRINTER_ID.test(message.open)) {
      this.#wanted = message.open
      this.#openWanted()
    }
  }

  /** Opens the wanted printer; the second one within a period waits for the next. */
  #openWanted(): void {
    const id = this.#wanted
    if (id === null || this.#hasSwitched || this.#opened?.id === id) return
    if (this.#parts.store.directory.get(id) === undefined) return
    this.#hasSwitched = true
    this.#closePrinter()
    this.#openPrinter(id)
  }

  #openPrinter(id: string): void {
    const { connection, clock } = this.#parts
    const subscription = connection.subscribe(subjects.live(id), {
      callback: (error, message) => {
        if (error !== null || this.#ws.bufferedAmount > MAX_UNREAD) return
        const reading = readMessage(liveSchema, message.data)
        if (reading.kind === 'message') this.send(textOf({ live: { id, ...reading.value } }))
      },
    })
    const timer = clock.every(WATCH_AGAIN, () => void this.#watch(id))
    this.#opened = { id, subscription, timer }
    void this.#watch(id)
  }

  /** Commands the printer to send its status. One that is not connected shows that at once. */
  async #watch(id: string): Promise<void> {
    const { commands } = this.#parts
    const reached = await commands
      .send(id, { do: 'watch', args: { seconds: WATCH_SECONDS } }, this.#user)
      .then(() => true)
      .catch(() => false)
    if (this.#opened?.id === id) this.send(textOf({ opened: { id, reached } }))
  }

  #closePrinter(): void {
    this.#opened?.timer.stop()
    this.#opened?.subscription.unsubscribe()
    this.#opened = null
  }

  close(): void {
    this.#closePrinter()
  }
}

function textOf(message: FleetLiveMessage): string {
  return JSON.stringify(message)
}

/** What a client sent, as it is; nothing for what is no message. */
function parsed(text: string): { readonly [K in keyof FleetLiveRequest]: unknown } {
  try {
    const message: unknown = JSON.parse(text)
    return isPlainObject(message) ? message : {}
  } catch {
    return {}
  }
}
