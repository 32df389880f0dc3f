// The interfaces of the network, CAN among them.
import type { SystemInfo } from '../../../api/system-info.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { Infer } from '../../../schema/index.ts'
import { driverOf } from '../peripherals/devices.ts'
import type { Computer } from './computer.ts'

type Network = Infer<typeof SystemInfo>['network']
type Canbus = Infer<typeof SystemInfo>['canbus']

const INTERFACES = '/sys/class/net'

/** Kinds of hardware, linux/if_arp.h. */
const ETHERNET = 1
const CAN = 280

const NO_ADDRESS = '00:00:00:00:00:00'

/** Interfaces like Ethernet, wireless ones among them, that are up and have addresses. */
export async function readNetwork(files: SystemFiles, computer: Computer): Promise<Network> {
  const network = new Map<string, Network[string]>()
  for (const [label, addresses = []] of Object.entries(interfacesOf(computer))) {
    const [name = ''] = label.split(':', 1)
    const [first] = addresses
    if (first === undefined || first.internal || first.mac === NO_ADDRESS) continue
    const kind = await files.number(`${INTERFACES}/${name}/type`)
    if (kind !== null && kind !== ETHERNET) continue
    const known = network.get(name) ?? { mac_address: first.mac, ip_addresses: [] }
    known.ip_addresses.push(
      ...addresses.map(({ address, family }) => ({
        family: family === 'IPv6' ? ('ipv6' as const) : ('ipv4' as const),
        address,
        is_link_local: isLinkLocal(address),
      })),
    )
    network.set(name, known)
  }
  return Object.fromEntries(network)
}

function interfacesOf(computer: Computer): ReturnType<Computer['interfaces']> {
  try {
    return computer.interfaces()
  } catch {
    return {}
  }
}

/** 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291): good on one cable only. */
function isLinkLocal(address: string): boolean {
  return /^(169\.254\.|fe[89ab][\da-f]:)/i.test(address)
}

/** CAN interfaces that are up. */
export async function readCanbus(files: SystemFiles, computer: Computer): Promise<Canbus> {
  const canbus = new Map<string, Canbus[string]>()
  for (const name of await files.names(INTERFACES)) {
    const folder = `${INTERFACES}/${name}`
    if ((await files.number(`${folder}/type`)) !== CAN) continue
    if ((await files.text(`${folder}/operstate`)) === 'down') continue
    const index = await files.number(`${folder}/ifindex`)
    const link = index === null ? null : await computer.canLink(index).catch(() => null)
    canbus.set(name, {
      tx_queue_len: await files.number(`${folder}/tx_queue_len`),
      bitrate: link?.bitrate ?? null,
      driver: link?.driver ?? (await driverOf(files, `${folder}/device`)),
    })
  }
  return Object.fromEntries(canbus)
}
