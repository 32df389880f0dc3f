// The status subscription of a client. The server has one per connection, so it covers all mirrors of the client.
import type { Session } from './session.ts'
import { type ObjectRequest, StatusMirror } from './status-mirror.ts'

type Status = Parameters<StatusMirror['update']>[0]

export class StatusSubscription {
  readonly #session: Session
  readonly #mirrors = new Set<StatusMirror>()
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null

  constructor(session: Session) {
    this.#session = session
    const { events } = session
    events.on('notify_status_update', (change, eventtime) => {
      for (const mirror of this.#mirrors) mirror.update(change, eventtime)
    })
    const stale = () => {
      for (const mirror of this.#mirrors) mirror.stale()
    }
    events.on('disconnected', stale)
    events.on('notify_klippy_disconnected', stale)
    // The subscription ends with the connection, and with each restart of Klippy.
    events.on('connected', () => this.#resume())
    events.on('notify_klippy_ready', () => this.#resume())
  }

  /** A mirror of `request`. Rejects as the call printer.objects.subscribe does. */
  async follow<R extends ObjectRequest>(request: R): Promise<StatusMirror<R>> {
    if (!this.#session.lasting)
      throw new Error('status cannot be followed over HTTP: connect with ws:// or a unix socket')
    const mirror = new StatusMirror<R>(request, () => this.#release(entry))
    const entry = mirror as unknown as StatusMirror
    this.#mirrors.add(entry)
    try {
      await this.#renew()
    } catch (error) {
      this.#mirrors.delete(entry)
      throw error
    }
    return mirror
  }

  /** Closes all mirrors. */
  close(): void {
    for (const mirror of this.#mirrors) mirror.close()
  }

  #release(mirror: StatusMirror): void {
    this.#mirrors.delete(mirror)
    if (this.#session.connected) this.#renew().catch(error => this.#session.events.emit('warning', [error]))
  }

  #resume(): void {
    if (this.#mirrors.size > 0) this.#renew().catch(error => this.#session.events.emit('warning', [error]))
  }

  /** Subscribes for all mirrors; requests during a pending one share the next. */
  #renew(): Promise<void> {
    this.#next ??= this.#last.then(() => {
      this.#next = null
      return this.#subscribe()
    })
    this.#last = this.#next.catch(() => {})
    return this.#next
  }

  async #subscribe(): Promise<void> {
    const mirrors = [...this.#mirrors]
    const params = { objects: union(mirrors.map(({ request }) => request)) }
    const replied = (result: unknown) => {
      const { status, eventtime } = result as { status: Status; eventtime: number }
      for (const mirror of mirrors) mirror.replace(status, eventtime)
    }
    await this.#session.call({ method: 'printer.objects.subscribe', params, replied })
  }
}

/** Everything that `requests` contain. */
function union(requests: readonly ObjectRequest[]): ObjectRequest {
  const joined: Record<string, readonly string[] | null> = {}
  for (const request of requests) {
    for (const [name, fields] of Object.entries(request)) {
      const known = joined[name]
      joined[name] = fields === null || known === null ? null : [...new Set([...(known ?? []), ...fields])]
    }
  }
  return joined
}
