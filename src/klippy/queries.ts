// Status queries: answered from the mirror where it is current, else by Klippy. Klippy replies on its next tick of
// 0.25 s, one query per caller at a time; so callers share one request.
import type { KlippyLink } from './link.ts'
import { covers, type ObjectRequest, pick, union } from './object-request.ts'
import { readStatusReply, type StatusMirror, type StatusReply } from './status-mirror.ts'

/** Seconds that Klippy has to reply. */
const TIMEOUT = 30

/** A request that callers share until it is sent. */
interface Collecting {
  readonly requests: ObjectRequest[]
  readonly reply: Promise<StatusReply>
}

/** A request that Klippy has not replied to. */
interface Sent {
  readonly request: ObjectRequest
  /** The mirror's version when it was sent. */
  readonly version: number
  readonly reply: Promise<StatusReply>
}

export class Queries {
  readonly #link: KlippyLink
  readonly #mirror: StatusMirror
  #collecting: Collecting | null = null
  #sent: Sent | null = null

  constructor(link: KlippyLink, mirror: StatusMirror) {
    this.#link = link
    this.#mirror = mirror
  }

  /**
   * The present status, at least as new as every reply that Klippy has given so far. Rejects with ApiError as the link
   * does.
   */
  query(request: ObjectRequest): StatusReply | Promise<StatusReply> {
    return (this.#link.connected ? this.#mirror.read(request) : undefined) ?? this.#queryKlippy(request)
  }

  async #queryKlippy(request: ObjectRequest): Promise<StatusReply> {
    const { eventtime, status } = await this.#sharedReply(request)
    return { eventtime, status: pick(status, request) }
  }

  #sharedReply(request: ObjectRequest): Promise<StatusReply> {
    const sent = this.#sent
    if (sent !== null && sent.version === this.#mirror.version && covers(sent.request, request))
      return sent.reply
    if (this.#collecting === null) {
      const requests: ObjectRequest[] = []
      this.#collecting = { requests, reply: this.#sendSoon(requests) }
    }
    this.#collecting.requests.push(request)
    return this.#collecting.reply
  }

  async #sendSoon(requests: readonly ObjectRequest[]): Promise<StatusReply> {
    await new Promise<void>(resolve => {
      setImmediate(resolve)
    })
    this.#collecting = null
    const request = union(requests)
    const version = this.#mirror.version
    const reply = this.#send(request, version)
    const sent = { request, version, reply }
    this.#sent = sent
    try {
      return await reply
    } finally {
      if (this.#sent === sent) this.#sent = null
    }
  }

  async #send(objects: ObjectRequest, version: number): Promise<StatusReply> {
    const reply = readStatusReply(
      await this.#link.request('objects/query', { objects }, { timeout: TIMEOUT }),
    )
    this.#mirror.refresh(reply, version)
    return reply
  }
}
