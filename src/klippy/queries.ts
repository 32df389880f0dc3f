// Questions about status that the mirror cannot answer. Klippy answers each on its next quarter of a second,
// and each costs it one more; so what is asked in the meantime goes together.
import type { KlippyLink } from './link.ts'
import { type ObjectRequest, pick, union } from './object-request.ts'
import type { StatusReply, Subscriptions } from './subscriptions.ts'

/** Seconds that Klippy has to answer. */
const TIMEOUT = 30

export class Queries {
  readonly #link: KlippyLink
  readonly #subscriptions: Subscriptions
  #next: { readonly requests: ObjectRequest[]; readonly reply: Promise<StatusReply> } | null = null

  constructor(link: KlippyLink, subscriptions: Subscriptions) {
    this.#link = link
    this.#subscriptions = subscriptions
  }

  /** The present status: at once where it is mirrored, else from Klippy. Rejects with ApiError as the link does. */
  query(request: ObjectRequest): StatusReply | Promise<StatusReply> {
    return this.#subscriptions.fromMirror(request) ?? this.#ask(request)
  }

  async #ask(request: ObjectRequest): Promise<StatusReply> {
    if (this.#next === null) {
      const requests: ObjectRequest[] = []
      this.#next = { requests, reply: this.#sendSoon(requests) }
    }
    this.#next.requests.push(request)
    const { eventtime, status } = await this.#next.reply
    return { eventtime, status: pick(status, request) }
  }

  async #sendSoon(requests: readonly ObjectRequest[]): Promise<StatusReply> {
    await new Promise<void>(resolve => {
      setImmediate(resolve)
    })
    this.#next = null
    return (await this.#link.request('objects/query', { objects: union(requests) }, TIMEOUT)) as StatusReply
  }
}
