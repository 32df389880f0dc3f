// The networks that the server is reached in: only there it makes itself known, and only those who are there it answers.
import { networkInterfaces } from 'node:os'

/** An address of this machine, with the network that it belongs to. */
export interface Network {
  /** The interface's name, as `eth0`. */
  readonly name: string
  readonly address: string
  readonly family: 'IPv4' | 'IPv6'
  /** The addresses that are reached without a router, as `192.168.1.7/24`. */
  readonly cidr: string
}

/** Interfaces that lead to containers and virtual machines, where nobody looks for a printer. */
const VIRTUAL = /^(veth|docker|br-[0-9a-f]{12}|virbr|vnet|cni|flannel|cali|lxc|podman)/

/** The networks of a server that listens on `host`: an address, or one of those that stand for all. */
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
  // An IPv6 address of the link alone is of no use to who does not know by which interface it is reached.
  const outside = !network.internal && !VIRTUAL.test(network.name) && !network.address.startsWith('fe80:')
  return outside && (network.family === 'IPv4' || host !== '0.0.0.0')
}
