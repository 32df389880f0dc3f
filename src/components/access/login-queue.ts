// The queue of logins whose password is checked, fair by network: a flood of logins from many networks delays those of
// other clients by a moment, and never takes all places.
import { Networks, REACH } from '../../core/address-reach.ts'
import { ApiError } from '../../core/errors.ts'
import { networkOf, siteOf } from '../../core/network-of.ts'

/** The most queued logins of known networks, and of others. */
const MAX_QUEUED = 64
/** Networks that are remembered after a login; the oldest are forgotten first. */
const MAX_KNOWN = 1000
/** Milliseconds for which the networks of this machine are used again. */
const MAX_AGE = 60_000

type Place = PromiseWithResolvers<void>

/** A bounded queue that serves networks round robin. */
class FairQueue {
  /** By network, in the order in which the networks are served. */
  readonly #placesOf = new Map<string, Place[]>()
  #size = 0

  /** Adds a login. If the queue is full, removes the newest one of the network with the most, or fails with 503. */
  add(network: string): Promise<void> {
    const places = this.#placesOf.get(network) ?? []
    if (this.#size >= MAX_QUEUED) this.#makeRoom(places.length)
    const place = Promise.withResolvers<void>()
    places.push(place)
    this.#placesOf.set(network, places)
    this.#size += 1
    return place.promise
  }

  #makeRoom(own: number): void {
    const [[network, places] = ['', []]] = [...this.#placesOf].sort(([, a], [, b]) => b.length - a.length)
    const last = places.length > own + 1 ? places.pop() : undefined
    if (last === undefined) throw tooMany()
    this.#size -= 1
    if (places.length === 0) this.#placesOf.delete(network)
    last.reject(tooMany())
  }

  /** Removes the next place; undefined if none waits. */
  next(): Place | undefined {
    const [first] = this.#placesOf
    if (first === undefined) return undefined
    const [network, places] = first
    const place = places.shift()
    this.#size -= 1
    this.#placesOf.delete(network)
    if (places.length > 0) this.#placesOf.set(network, places)
    return place
  }
}

function tooMany(): ApiError {
  return new ApiError(503, 'Too many logins at once, try again later')
}

/** The networks that users log in from: those near this machine, and those of earlier logins since the start. */
export class KnownNetworks {
  readonly #networks = new Set<string>()
  #near: Networks | null = null
  #readAt = 0

  /** A user has logged in. */
  add(address: string | null): void {
    if (address === null) return
    const network = networkOf(address)
    this.#networks.delete(network)
    this.#networks.add(network)
    const [oldest] = this.#networks
    if (this.#networks.size > MAX_KNOWN && oldest !== undefined) this.#networks.delete(oldest)
  }

  /** `address` is null on the unix socket. */
  has(address: string | null): boolean {
    return address === null || this.#networks.has(networkOf(address)) || this.#isNear(address)
  }

  #isNear(address: string): boolean {
    const now = performance.now()
    if (this.#near === null || now - this.#readAt > MAX_AGE) {
      this.#near = new Networks()
      this.#readAt = now
    }
    return this.#near.reachOf(address) !== REACH.internet
  }
}

export class LoginQueue {
  readonly #known: KnownNetworks
  readonly #maxRunning: number
  /** The queue of known networks, and the queue of the others. */
  readonly #queues = [new FairQueue(), new FairQueue()] as const
  /** The index of the queue that is served next. */
  #next = 0
  #running = 0

  constructor(known: KnownNetworks, maxRunning: number) {
    this.#known = known
    this.#maxRunning = maxRunning
  }

  /** Runs `check` for a client at `address` once it has left its queue; resolves and rejects with it. Rejects with ApiError 503 when full. */
  async run<T>(address: string | null, check: () => Promise<T>): Promise<T> {
    if (this.#running < this.#maxRunning) this.#running += 1
    else if (this.#known.has(address)) await this.#queues[0].add(address === null ? '' : networkOf(address))
    else await this.#queues[1].add(siteOf(address ?? ''))
    try {
      return await check()
    } finally {
      this.#release()
    }
  }

  /** Starts the next login directly, from the two queues alternately. */
  #release(): void {
    this.#next = 1 - this.#next
    const [first, second] = this.#next === 1 ? this.#queues : this.#queues.toReversed()
    const next = first?.next() ?? second?.next()
    if (next === undefined) this.#running -= 1
    else next.resolve()
  }
}
