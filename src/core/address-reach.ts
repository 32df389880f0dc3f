// How far away an address is. Devices that are near trust each other more, so a server that is far must not be able to
// make this one send requests to a near one.
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** This machine, the local networks, everything else; in this order. */
export const REACH = { machine: 0, house: 1, internet: 2 } as const
/** @see REACH */
export type Reach = (typeof REACH)[keyof typeof REACH]

/** Loopback, and the addresses that mean any address of the machine. */
const MACHINE = ['0.0.0.0/8', '127.0.0.0/8', '::/127']
/** Networks that the internet does not route (IANA's registries of special-purpose addresses). */
const HOUSE = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
  'fe80::/10',
]

/** The reach of an IP address. An IPv4 address in the form of IPv6 counts as the IPv4 address. */
export function reachOf(address: string): Reach {
  return new Networks().reachOf(address)
}

/** The networks of this machine as they are now, for many addresses. */
export class Networks {
  readonly #machine: BlockList
  readonly #house: BlockList

  constructor() {
    const own = Object.values(networkInterfaces()).flatMap(found => found ?? [])
    const addresses = own.map(({ address, family }) => `${address}/${family === 'IPv6' ? 128 : 32}`)
    this.#machine = listOf([...MACHINE, ...addresses])
    this.#house = listOf([...HOUSE, ...own.flatMap(({ cidr }) => cidr ?? [])])
  }

  /** @see reachOf */
  reachOf(address: string): Reach {
    const [plain = ''] = address.split('%')
    if (this.#machine.check(plain, familyOf(plain))) return REACH.machine
    return this.#house.check(plain, familyOf(plain)) ? REACH.house : REACH.internet
  }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [start = '', bits] = network.split('/')
    list.addSubnet(start, Number(bits), familyOf(start))
  }
  return list
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
