// Multicast DNS: makes the server known as a service of the type _moonraker._tcp.
import type { CiaoService, Responder } from '@homebridge/ciao'
import type { HostPart } from '../../component/host.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type Network, neighbourhood } from './networks.ts'

/** What is made known. */
export interface MdnsService {
  /** Shown to people; another is taken where the network has it already. */
  readonly name: string
  /** Without `.local`. */
  readonly host: string
  readonly port: number
  readonly txt: Readonly<Record<string, string>>
  /** The network has another of this name or host; `host` is the one that was taken instead. */
  readonly onRename: (host: string) => void
}

/** A service that is known until it is withdrawn. */
export interface Announcement {
  /** Says goodbye, so that nobody goes on showing it. */
  withdraw(): Promise<void>
}

/** What ciao takes over as it is loaded (source-map-support): how the process prints errors, and how it ends on them. */
const TAKEN_OVER = [
  [Error, 'prepareStackTrace'],
  [process, 'emit'],
] as const

/** Loads ciao, and leaves the process as it was. */
async function loadCiao(): Promise<typeof import('@homebridge/ciao')> {
  const before = TAKEN_OVER.map(([owner, key]) => Object.getOwnPropertyDescriptor(owner, key))
  // The names of its exports cannot be told once it is bundled; its default export is all of them.
  const { default: ciao } = await import('@homebridge/ciao')
  for (const [index, [owner, key]] of TAKEN_OVER.entries()) {
    const descriptor = before[index]
    if (descriptor === undefined) Reflect.deleteProperty(owner, key)
    else Object.defineProperty(owner, key, descriptor)
  }
  return ciao
}

interface NetworkWatch {
  waitForInit(): Promise<void>
  shutdown(): void
}

/**
 * Ends ciao's own watch over networks: it sees only those that were there at first, and throws where nobody can
 * catch it. Whoever announces does so anew when networks change.
 */
async function endNetworkWatch(responder: Responder): Promise<void> {
  const { server } = responder as unknown as { readonly server: { getNetworkManager(): NetworkWatch } }
  const watch = server.getNetworkManager()
  await watch.waitForInit()
  watch.shutdown()
}

/** Gives the network of an address; undefined for an address of none of the networks. */
type NetworkOf = ReturnType<typeof neighbourhood>

/**
 * Ignores packets from other networks (RFC 6762, section 11): ciao replies to every sender, and the sender's address
 * may be that of a victim.
 */
function ignoreOthers(responder: Responder, networks: ReadonlySet<NetworkOf>): void {
  const handleQuery = responder.handleQuery.bind(responder)
  const handleResponse = responder.handleResponse.bind(responder)
  const isNear = (address: string) => networks.values().some(networkOf => networkOf(address) !== undefined)
  responder.handleQuery = (packet, from) => {
    if (isNear(from.address)) handleQuery(packet, from)
  }
  responder.handleResponse = (packet, from) => {
    if (isNear(from.address)) handleResponse(packet, from)
  }
}

/** The responders of the host. ciao gives printers on the same interfaces the same one, and counts its users. */
export class Mdns {
  /** The networks of all services of a responder. */
  readonly #networks = new WeakMap<Responder, Set<NetworkOf>>()

  /** Announces `service` in `networks`, at least one; the search for a free name goes on after it resolves. */
  async announce(service: MdnsService, networks: readonly Network[], log: Log): Promise<Announcement> {
    const { getResponder } = await loadCiao()
    const responder = getResponder({ interface: [...new Set(networks.map(({ name }) => name))] })
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
  announced.on('name-change', other => log.info(`'${name}' at '${host}' is taken, now '${other}'`))
  announced.on('hostname-change', onRename)
  announced.advertise().then(
    () => {
      if (announced.isDestroyed()) return
      log.info(`known as '${announced.getFQDN()}' at ${announced.getHostname()}`)
    },
    error => log.warning(`'${name}' cannot be made known: ${messageOf(error)}`),
  )
  return announced
}
