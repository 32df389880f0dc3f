// Limits connections of unauthenticated clients: a new one always gets a place, and an older one loses it.
import { networkOf } from '../core/network-of.ts'

/** Places for connections, of all addresses together and of each address (of IPv6: each /64 network). */
export interface Places {
  readonly all: number
  readonly ofAddress: number
}

/**
 * The connection to drop so that there is a place for one more of `address`: its own oldest, or the oldest of the
 * address with the most. `open` are the connections with their addresses, oldest first.
 */
export function connectionToDrop<T>(
  open: Iterable<readonly [T, string]>,
  address: string,
  { all, ofAddress }: Places,
): T | undefined {
  const connections = [...open]
  const byNetwork = Map.groupBy(connections, ([, each]) => networkOf(each))
  const own = byNetwork.get(networkOf(address)) ?? []
  if (own.length >= ofAddress) return own[0]?.[0]
  if (connections.length < all) return undefined
  let largest = own
  for (const network of byNetwork.values()) if (network.length > largest.length) largest = network
  return largest[0]?.[0]
}
