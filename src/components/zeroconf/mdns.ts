// Multicast DNS: announces the server as a service of the type _moonraker._tcp, over IPv4 and IPv6.
import type { Socket } from 'node:dgram'
import type { CiaoService, Responder } from '@homebridge/ciao'
import type { HostPart } from '../../component/host.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type Network, neighbourhood } from './networks.ts'

/** A service to announce. */
export interface MdnsService {
  /** For people. If the network has a service of this name, ciao adds a number. */
  readonly name: string
  /** Without `.local`. */
  readonly host: string
  readonly port: number
  readonly txt: Readonly<Record<string, string>>
  /** The network has a service of this name or host; `host` is the new one. */
  readonly onRename: (host: string) => void
}

/** An announced service. */
export interface Announcement {
  /** Announces the end of the service, so that other programs remove it from their lists. */
  withdraw(): Promise<void>
}

/** Loading ciao (source-map-support) replaces these: how the process prints errors, and how it ends on them. */
const REPLACED = [
  [Error, 'prepareStackTrace'],
  [process, 'emit'],
] as const

/** Loads ciao, and restores what it replaces. */
async function loadCiao(): Promise<typeof import('@homebridge/ciao')> {
  const before = REPLACED.map(([owner, key]) => Object.getOwnPropertyDescriptor(owner, key))
  // A bundle has only the default export of ciao, which contains all others.
  const { default: ciao } = await import('@homebridge/ciao')
  for (const [index, [owner, key]] of REPLACED.entries()) {
    const descriptor = before[index]
    if (descriptor === undefined) Reflect.deleteProperty(owner, key)
    else Object.defineProperty(owner, key, descriptor)
  }
  return ciao
}

/** The multicast group of mDNS over IPv6 (RFC 6762, section 3). */
const GROUP_IPV6 = 'ff02::fb'

/** The parts of ciao's server that are not in its types. */
interface CiaoServer {
  readonly sockets: ReadonlyMap<string, Socket>
  bindSocket(socket: Socket, network: { readonly name: string }, family: string): Promise<void>
  getNetworkManager(): { waitForInit(): Promise<void>; shutdown(): void }
}

const serverOf = (responder: Responder) => (responder as unknown as { readonly server: CiaoServer }).server

/**
 * Stops ciao's own check of the networks: it knows only those of the start, and throws errors that no caller can catch.
 * The caller of `Mdns` announces again when networks change.
 */
async function endNetworkWatch(responder: Responder): Promise<void> {
  const watch = serverOf(responder).getNetworkManager()
  await watch.waitForInit()
  watch.shutdown()
}

/** Joins the IPv6 group on each interface: ciao does so on one of them, since it leaves the interface to the system. */
function joinEachInterface(responder: Responder): void {
  const server = serverOf(responder)
  const bind = server.bindSocket.bind(server)
  server.bindSocket = async (socket, network, family) => {
    await bind(socket, network, family)
    if (family !== 'IPv6' || server.sockets.get(`${network.name}/6`) !== socket) return
    try {
      socket.addMembership(GROUP_IPV6, `::%${network.name}`)
    } catch {
      // The socket is a member of the group already.
    }
  }
}

/** Returns the network of an address; undefined for an address in none of the networks. */
type NetworkOf = ReturnType<typeof neighbourhood>

/**
 * Ignores packets from other networks (RFC 6762, section 11): ciao replies to every sender, and the sender's address
 * may be that of a victim.
 */
function ignoreOthers(responder: Responder, networks: ReadonlySet<NetworkOf>): void {
  const handleQuery = responder.handleQuery.bind(responder)
  const handleResponse = responder.handleResponse.bind(responder)
  const isNear = ({
    address,
    interface: socket,
  }: {
    readonly address: string
    readonly interface: string
  }) => {
    // The IPv6 socket also receives what the IPv4 socket handles. No router passes a link-local address on.
    if (socket.endsWith('/6')) {
      if (address.startsWith('::ffff:')) return false
      if (address.startsWith('fe80:')) return true
    }
    return networks.values().some(networkOf => networkOf(address) !== undefined)
  }
  responder.handleQuery = (packet, from) => {
    if (isNear(from)) handleQuery(packet, from)
  }
  responder.handleResponse = (packet, from) => {
    if (isNear(from)) handleResponse(packet, from)
  }
}

/** The responders of the host. ciao gives printers on the same interfaces the same one, and counts its users. */
export class Mdns {
  /** The networks of all services of a responder. */
  readonly #networks = new WeakMap<Responder, Set<NetworkOf>>()

  /** Announces `service` in `networks`, at least one; the search for a free name continues after it resolves. */
  async announce(service: MdnsService, networks: readonly Network[], log: Log): Promise<Announcement> {
    const { getResponder } = await loadCiao()
    const responder = getResponder({
      interface: [...new Set(networks.map(({ name }) => name))],
      advertiseIpv6: networks.some(({ family }) => family === 'IPv6'),
    })
    const near = this.#networks.get(responder) ?? this.#prepare(responder)
    const networkOf = neighbourhood(networks)
    near.add(networkOf)
    const release = async () => {
      near.delete(networkOf)
      await responder.shutdown()
    }
    try {
      await endNetworkWatch(responder)
      const announced = advertise(responder, service, networks, log)
      return {
        async withdraw() {
          await announced.destroy()
          await release()
        },
      }
    } catch (error) {
      await release()
      throw error
    }
  }

  #prepare(responder: Responder): Set<NetworkOf> {
    const near = new Set<NetworkOf>()
    this.#networks.set(responder, near)
    ignoreOthers(responder, near)
    joinEachInterface(responder)
    return near
  }
}

/** The host's responders. */
export const hostMdns: HostPart<Mdns> = { name: 'mDNS', create: () => new Mdns() }

function advertise(
  responder: Responder,
  { name, host, port, txt, onRename }: MdnsService,
  networks: readonly Network[],
  log: Log,
): CiaoService {
  const announced = responder.createService({
    name,
    type: 'moonraker',
    hostname: host,
    port,
    txt: { ...txt },
    restrictedAddresses: networks.map(({ address }) => address),
    disabledIpv6: networks.every(({ family }) => family === 'IPv4'),
  })
  // ciao names the IPv6 socket of an interface `eth0/6`, but looks for that name among the interfaces.
  const isOnInterface = announced.advertisesOnInterface.bind(announced)
  announced.advertisesOnInterface = (socket, ...rest) => isOnInterface(socket.replace(/\/6$/, ''), ...rest)
  announced.on('name-change', other => log.info(`'${name}' at '${host}' is in use, now '${other}'`))
  announced.on('hostname-change', onRename)
  announced.advertise().then(
    () => {
      if (announced.isDestroyed()) return
      log.info(`announced as '${announced.getFQDN()}' at ${announced.getHostname()}`)
    },
    error => log.warning(`'${name}' cannot be announced: ${messageOf(error)}`),
  )
  return announced
}
