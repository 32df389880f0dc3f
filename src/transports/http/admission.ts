// Which HTTP connections may be open. Those of unauthenticated clients have few places of their own, so that they never
// use that of a user.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { networkOf } from '../../core/network-of.ts'
import type { AccessPolicy } from '../../rpc/access-policy.ts'
import { connectionToDrop, type Places } from '../connection-limit.ts'
import { plainAddress } from './authenticator.ts'
import { refuse } from './refuse.ts'

/** Connections of users that may be open in addition to their WebSockets. */
const MAX_CONNECTIONS = 500
/** Connections of one address, WebSockets included; of a trusted proxy there may be more. */
const MAX_OF_ADDRESS = 250
/** Connections of unauthenticated clients; a browser opens six at a time. */
const UNAUTHENTICATED: Places = { all: 100, ofAddress: 32 }

const UNAVAILABLE = '503 Service Unavailable'

/** A connection of an unauthenticated client. */
interface Held {
  readonly address: string
  /** Its present response, if any. */
  res: ServerResponse | null
}

/** The part of the access rules that the limits depend on. */
type Policy = Pick<AccessPolicy, 'trustsAddress' | 'isTrustedProxy' | 'isKnownNetwork'>

export class Admission {
  readonly #policy: Policy
  readonly #maxUsers: number
  readonly #places: Places
  #count = 0
  readonly #countOf = new Map<string, number>()
  /** Oldest first. */
  readonly #unauthenticated = new Map<Duplex, Held>()

  constructor(policy: Policy, maxWebsockets: number, unauthenticated = UNAUTHENTICATED) {
    this.#policy = policy
    this.#places = unauthenticated
    this.#maxUsers = MAX_CONNECTIONS + maxWebsockets
  }

  /** Admits a new connection, or refuses it with 503. */
  admit(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '')
    const isProxy = this.#policy.isTrustedProxy(address)
    this.#add(socket, networkOf(address))
    if (!isProxy && (this.#countOf.get(networkOf(address)) ?? 0) > MAX_OF_ADDRESS) {
      refuse(
        socket,
        UNAVAILABLE,
        `Too many connections of this address: at most ${MAX_OF_ADDRESS} are allowed`,
      )
    } else if (!isProxy && !this.#policy.trustsAddress(address)) this.#hold(socket, { address, res: null })
    else if (this.#count - this.#unauthenticated.size > this.#maxUsers) {
      refuse(socket, UNAVAILABLE, 'Too many connections')
    }
  }

  #add(socket: Socket, network: string): void {
    const countOf = (change: number) => {
      this.#count += change
      const count = (this.#countOf.get(network) ?? 0) + change
      if (count === 0) this.#countOf.delete(network)
      else this.#countOf.set(network, count)
    }
    countOf(1)
    socket.once('close', () => {
      this.#unauthenticated.delete(socket)
      countOf(-1)
    })
  }

  #hold(socket: Duplex, held: Held): void {
    const open = [...this.#unauthenticated].map(([each, { address }]) => [each, address] as const)
    const dropped = this.toDrop(open, held.address, this.#places)
    if (dropped !== undefined) this.#drop(dropped)
    this.#unauthenticated.set(socket, held)
  }

  /** @see connectionToDrop */
  toDrop<T>(open: Iterable<readonly [T, string]>, address: string, places: Places): T | undefined {
    return connectionToDrop(open, address, places, each => this.#policy.isKnownNetwork(each))
  }

  #drop(socket: Duplex): void {
    const res = this.#unauthenticated.get(socket)?.res
    this.#unauthenticated.delete(socket)
    const isAnswering = res?.headersSent === true && !res.writableFinished
    if (isAnswering) socket.destroy()
    else refuse(socket, UNAVAILABLE, 'Too many connections of clients that are not logged in')
  }

  /** TLS is established: `secure` replaces the socket of the connection. */
  secured(secure: Socket): void {
    for (const [socket, held] of this.#unauthenticated) {
      const { remoteAddress, remotePort } = socket as Socket
      if (remotePort !== secure.remotePort || remoteAddress !== secure.remoteAddress) continue
      this.#unauthenticated.delete(socket)
      this.#unauthenticated.set(secure, held)
      secure.once('close', () => this.#unauthenticated.delete(secure))
      return
    }
  }

  /** A user has sent a request, or the connection has become a WebSocket, of which there is another limit. */
  release(socket: Duplex): void {
    if (this.#unauthenticated.size > 0) this.#unauthenticated.delete(socket)
  }

  /** An unauthenticated client at `address` has sent the request to which `res` is the response. */
  unauthenticated(socket: Duplex, res: ServerResponse, address: string): void {
    const held = this.#unauthenticated.get(socket)
    if (held !== undefined) {
      held.res = res
      return
    }
    // A connection of a proxy is for other clients too, so that only the request holds a place.
    this.#hold(socket, { address, res })
    res.once('close', () => this.#unauthenticated.delete(socket))
  }
}
