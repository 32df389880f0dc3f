// Which streams of a camera are open: users always find a place, and one address without a login takes only its share.
import { ApiError } from '../../core/errors.ts'
import { networkOf } from '../../core/network-of.ts'
import type { Caller } from '../../rpc/caller.ts'

/** Requests and WebSockets that may be open at a time: each takes the camera's whole bandwidth. */
const MAX_STREAMS = 32
/** Those of clients without a login, of all and of one address; of IPv6 a network (/64) is one address. */
const MAX_UNAUTHENTICATED = 24
const MAX_OF_ADDRESS = 6

export class OpenStreams {
  #users = 0
  /** Of clients without a login, by network. */
  readonly #of = new Map<string, number>()

  /** Counts a stream until the returned function is called. Throws ApiError 503 if too many are open. */
  add({ user, address }: Caller): () => void {
    const unauthenticated = this.#of.values().reduce((sum, count) => sum + count, 0)
    if (this.#users + unauthenticated >= MAX_STREAMS)
      throw new ApiError(503, 'Too many camera streams are open')
    if (user !== null) {
      this.#users += 1
      return () => {
        this.#users -= 1
      }
    }
    const network = networkOf(address ?? '')
    const count = this.#of.get(network) ?? 0
    if (count >= MAX_OF_ADDRESS || unauthenticated >= MAX_UNAUTHENTICATED)
      throw new ApiError(503, 'Too many camera streams are open without a login')
    this.#of.set(network, count + 1)
    return () => this.#release(network)
  }

  #release(network: string): void {
    const count = (this.#of.get(network) ?? 0) - 1
    if (count > 0) this.#of.set(network, count)
    else this.#of.delete(network)
  }
}
