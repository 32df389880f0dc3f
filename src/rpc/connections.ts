// All open connections, and the notifications that go to every client.
import type { Chapter, ParamsOfNotification } from '../api/chapter.ts'
import type { Transport } from '../api/endpoint.ts'
import type { NotificationName, NotificationParams } from '../api/index.ts'
import { kernelRandom } from '../core/kernel-random.ts'
import { type Channel, type ClientInfo, Connection, type ConnectionCounts } from './connection.ts'
import { Message } from './message.ts'
import type { User } from './user.ts'

/** Connection ids are large and unguessable, inside JavaScript's exact range, and fit clients that use them as keys. */
const IDS = { least: 2 ** 30, end: 2 ** 47 }

/** The text of a notification; without parameters there is no `params` key, as clients expect. */
export function notificationText(method: string, params: readonly unknown[]): string {
  return JSON.stringify(params.length === 0 ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params })
}

export class Connections {
  readonly counts: ConnectionCounts = { statusMerged: 0, slowClosed: 0 }
  readonly #all = new Map<number, Connection>()
  readonly #onOpen = new Set<(connection: Connection) => void>()
  readonly #onIdentify = new Set<(connection: Connection) => void>()
  readonly #onClose = new Set<(connection: Connection) => void>()

  /** Adds the connection of a new client. */
  open(transport: Transport, address: string | null, user: User | null, channel: Channel): Connection {
    const connection = new Connection(this.#freeId(), transport, address, user, channel, this.counts)
    this.#all.set(connection.id, connection)
    for (const listener of this.#onOpen) listener(connection)
    return connection
  }

  /** Calls `listener` for each client that connects. */
  onOpen(listener: (connection: Connection) => void): void {
    this.#onOpen.add(listener)
  }

  #freeId(): number {
    for (;;) {
      const id = kernelRandom(6).readUIntBE(0, 6) % IDS.end
      if (id >= IDS.least && !this.#all.has(id)) return id
    }
  }

  /** A client has identified itself. */
  identified(connection: Connection, client: ClientInfo): void {
    connection.client = client
    for (const listener of this.#onIdentify) listener(connection)
  }

  /** Calls `listener` for each client that identifies itself. */
  onIdentify(listener: (connection: Connection) => void): void {
    this.#onIdentify.add(listener)
  }

  /** A client has disconnected. */
  closed(connection: Connection): void {
    if (!this.#all.delete(connection.id)) return
    connection.closed()
    for (const listener of this.#onClose) listener(connection)
  }

  /** Calls `listener` for each client that disconnects. */
  onClose(listener: (connection: Connection) => void): void {
    this.#onClose.add(listener)
  }

  get(id: number): Connection | undefined {
    return this.#all.get(id)
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#all.values()
  }

  /** The number of open connections. */
  get size(): number {
    return this.#all.size
  }

  /** The number of open WebSockets; unix sockets do not count. */
  get websockets(): number {
    let count = 0
    for (const { transport } of this.#all.values()) if (transport === 'websocket') count += 1
    return count
  }

  /** Notifies every client with a user. */
  notify<N extends NotificationName>(name: N, ...params: NotificationParams<N>): void {
    this.#notifyAllBut(null, notificationText(name, params))
  }

  /** Notifies every client with a user of something that a chapter outside the contract declares. */
  notifyFrom<C extends Pick<Chapter, 'notifications'>, N extends keyof C['notifications'] & string>(
    _chapter: C,
    name: N,
    ...params: ParamsOfNotification<C['notifications'][N]>
  ): void {
    this.#notifyAllBut(null, notificationText(name, params))
  }

  /** Notifies every client with a user but `one`, which the notification is about. */
  notifyOthers<N extends NotificationName>(one: Connection, name: N, ...params: NotificationParams<N>): void {
    this.#notifyAllBut(one, notificationText(name, params))
  }

  #notifyAllBut(one: Connection | null, text: string): void {
    const message = new Message(text)
    for (const connection of this.#all.values()) {
      if (connection !== one && connection.user !== null) connection.notify(message)
    }
  }

  /** Closes all connections with a close frame. */
  closeAll(code: number, reason: string): void {
    for (const connection of this.#all.values()) connection.close(code, reason)
  }

  /** Ends all connections at once. */
  terminateAll(): void {
    for (const connection of this.#all.values()) connection.terminate()
  }
}
