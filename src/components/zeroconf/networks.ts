// The networks in which clients reach the server: it announces itself there, and answers only clients there.
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** An address of this machine, with its network. */
export interface Network {
  /** The interface's name, as `eth0`. */
  readonly name: string
  readonly address: string
  readonly family: 'IPv4' | 'IPv6'
  /** The addresses that are reached without a router, as `192.168.1.7/24`. */
  readonly cidr: string
}

/** Interfaces of containers and virtual machines, where no program looks for a printer. */
const VIRTUAL = /^(veth|docker|br-[0-9a-f]{12}|virbr|vnet|cni|flannel|cali|lxc|podman)/

/** The networks of a server that listens on `host`: an address, or `all`, `::`, `0.0.0.0`. */
export function networksOf(host: string): Network[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, family, cidr, internal }) => ({ name, address, family, cidr, internal })),
  )
  return all.flatMap(({ internal, cidr, ...network }) =>
    cidr !== null && isServed(host, { internal, ...network }) ? { ...network, cidr } : [],
  )
}

function isServed(host: string, network: Omit<Network, 'cidr'> & { readonly internal: boolean }): boolean {
  if (host !== 'all' && host !== '::' && host !== '0.0.0.0') return network.address === host
  // A link-local IPv6 address is of no use without the name of the client's own interface.
  const outside = !network.internal && !VIRTUAL.test(network.name) && !network.address.startsWith('fe80:')
  return outside && (network.family === 'IPv4' || host !== '0.0.0.0')
}

/** Returns the network in which an address is reached without a router; undefined for other addresses. */
export function neighbourhood(networks: readonly Network[]): (address: string) => Network | undefined {
  const all = networks.map(network => ({ network, near: subnetOf(network.cidr) }))
  return address => all.find(({ near }) => near.check(address, familyOf(address)))?.network
}

function subnetOf(cidr: string): BlockList {
  const [start = '', bits] = cidr.split('/')
  const subnet = new BlockList()
  subnet.addSubnet(start, Number(bits), familyOf(start))
  return subnet
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/**
 * The address to report to a client that connected to this machine's address `local`. If that is in none of the
 * networks, the client is a proxy on this machine, and the first network counts.
 */
export function addressFor(networks: readonly Network[], local: string): string {
  const plain = local.replace(/^::ffff:/, '')
  const network = networks.find(({ address }) => address === plain) ?? networks[0]
  return network?.address ?? plain
}
