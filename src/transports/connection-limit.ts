// Limits connections of unauthenticated clients: a new one always gets a place, and an older one loses it.
import { networkOf, siteOf } from '../core/network-of.ts'

/** Places for connections, of all addresses together and of each address (of IPv6: each /64 network). */
export interface Places {
  readonly all: number
  readonly ofAddress: number
}

/**
 * The connection to drop so that there is a place for one more of `address`: its own oldest, or the oldest of the range
 * on the internet with the most. Networks that are near, or that users log in from, lose a connection only to each other.
 * `open` are the connections with their addresses, oldest first.
 */
export function connectionToDrop<T>(
  open: Iterable<readonly [T, string]>,
  address: string,
  { all, ofAddress }: Places,
  isKnownNetwork: (address: string) => boolean,
): T | undefined {
  const connections = [...open]
  const network = networkOf(address)
  const own = connections.filter(([, each]) => networkOf(each) === network)
  if (own.length >= ofAddress) return own[0]?.[0]
  if (connections.length < all) return undefined
  const unknown = connections.filter(([, each]) => !isKnownNetwork(each))
  const areaOf = unknown.length > 0 ? siteOf : networkOf
  const byArea = Map.groupBy(unknown.length > 0 ? unknown : connections, ([, each]) => areaOf(each))
  let largest = byArea.get(areaOf(address)) ?? []
  for (const area of byArea.values()) if (area.length > largest.length) largest = area
  return largest[0]?.[0]
}
