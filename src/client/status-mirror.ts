// A mirror of status objects, kept up to date by notifications.
import { Listeners } from './listeners.ts'

/** Field names by object; null for all fields. */
export type ObjectRequest = Readonly<Record<string, readonly string[] | null>>

type FieldsOf<F> = F extends readonly (infer N extends string)[]
  ? { readonly [K in N]: unknown }
  : Readonly<Record<string, unknown>>

/** The status of the requested objects. A missing field is null, a missing object is empty. */
export type StatusOf<R extends ObjectRequest> = { readonly [K in keyof R]: FieldsOf<R[K]> }

/** The fields that changed, by object. */
export type ChangeOf<R extends ObjectRequest> = { readonly [K in keyof R]?: Partial<FieldsOf<R[K]>> }

type Status = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The objects of one `follow`. Iterate it for the latest status after each change, or listen with `on`. */
export class StatusMirror<R extends ObjectRequest = ObjectRequest> {
  readonly request: R
  readonly #release: () => void
  readonly #listeners = new Listeners<{ change: [change: ChangeOf<R>, eventtime: number] }>()
  #status: Status = {}
  #eventtime = 0
  #version = 0
  #live = false
  #closed = false
  #wake: (() => void)[] = []

  constructor(request: R, release: () => void) {
    this.request = request
    this.#release = release
  }

  /** The latest values. Changed objects are replaced, never modified, so that a comparison by identity is enough. */
  get status(): StatusOf<R> {
    return this.#status as StatusOf<R>
  }

  /** Klippy's clock at the latest change, s. */
  get eventtime(): number {
    return this.#eventtime
  }

  /** False without a connection or without Klippy: the values are the last known ones then. */
  get live(): boolean {
    return this.#live
  }

  /** Calls `listener` with the changed fields. After a lost connection the whole status counts as changed. */
  on(event: 'change', listener: (change: ChangeOf<R>, eventtime: number) => void): () => void {
    return this.#listeners.on(event, listener)
  }

  /** Yields the status now, then after changes; a slow reader gets only the latest. Ends when the mirror is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StatusOf<R>, void> {
    let seen = 0
    while (!this.#closed) {
      if (seen === this.#version) await new Promise<void>(resolve => this.#wake.push(resolve))
      else {
        seen = this.#version
        yield this.status
      }
    }
  }

  /** Closes it, and unsubscribes objects that no other mirror follows. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#live = false
    this.#wakeAll()
    this.#release()
  }

  /** Replaces the whole status: the reply to a subscription. */
  replace(status: Status, eventtime: number): void {
    this.#live = true
    this.#status = Object.fromEntries(Object.keys(this.request).map(name => [name, {}]))
    this.#merge(this.#part(status), eventtime)
  }

  /** Merges changed fields; those of other mirrors are ignored. */
  update(change: Status, eventtime: number): void {
    if (!this.#live) return
    const part = this.#part(change)
    if (Object.keys(part).length > 0) this.#merge(part, eventtime)
  }

  /** The connection or Klippy is lost. */
  stale(): void {
    this.#live = false
  }

  #part(status: Status): Status {
    const part: Record<string, Readonly<Record<string, unknown>>> = {}
    for (const [name, fields] of Object.entries(this.request)) {
      const values = status[name]
      if (values === undefined) continue
      const wanted = fields === null ? values : only(values, fields)
      if (Object.keys(wanted).length > 0) part[name] = wanted
    }
    return part
  }

  #merge(part: Status, eventtime: number): void {
    const status = { ...this.#status }
    for (const name in part) status[name] = { ...status[name], ...part[name] }
    this.#status = status
    this.#eventtime = eventtime
    this.#version += 1
    this.#wakeAll()
    this.#listeners.emit('change', [part, eventtime])
  }

  #wakeAll(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const wake of waiting) wake()
  }
}

function only(values: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    fields.filter(field => Object.hasOwn(values, field)).map(field => [field, values[field]]),
  )
}
