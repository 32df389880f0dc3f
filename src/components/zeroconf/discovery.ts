// Announces the server in the networks in which clients reach it, and again when these networks change.
import { lookup } from 'node:dns/promises'
import type { ListeningAt } from '../../api/server.ts'
import type { Component, Core } from '../../component/component.ts'
import { sleep, type Timer } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { Scope } from '../../core/scope.ts'
import { deviceDescription } from './device-description.ts'
import {
  announcedHost,
  firstThatFits,
  hexadecimal,
  instanceName,
  isMachineName,
  machineName,
  othersAnswerMdns,
  ownCgroup,
} from './identity.ts'
import type { Announcement, Mdns, MdnsService } from './mdns.ts'
import { addressFor, type Network, networksOf } from './networks.ts'
import { Ssdp } from './ssdp.ts'

/** Seconds between checks of the networks of this machine. */
const LOOK = 60
/** Timeout in seconds for announcing the end of the service. */
const END_TIME = 1

/** What the server announces; known once it listens. */
interface Known {
  readonly at: ListeningAt
  /** 32 hexadecimal digits. */
  readonly id: string
  /** Distinguishes servers from each other, as `Moonraker`. */
  readonly name: string
  /** The name of the host for people. */
  readonly host: string
}

export class Discovery implements Component {
  readonly #core: Core
  readonly #responders: Mdns
  readonly #options: { readonly host: string; readonly ssdp: boolean }
  #at: ListeningAt | null = null
  #known: Known | null = null
  #mdns: Announcement | null = null
  #ssdp: Ssdp | null = null
  #networks: readonly Network[] = []
  /** Another program, or another machine, uses this machine's name. */
  #nameTaken = false
  #watch: Timer | null = null
  /** The present warnings. */
  readonly #problems = new Scope()
  /** The running change; changes run one after the other. */
  #work: Promise<void> = Promise.resolve()

  /** `host` is the configured name, '' for the machine's own. */
  constructor(core: Core, mdns: Mdns, options: { readonly host: string; readonly ssdp: boolean }) {
    this.#core = core
    this.#responders = mdns
    this.#options = options
  }

  /** The server listens; called before the start. */
  listening(at: ListeningAt): void {
    this.#at = at
  }

  async start(): Promise<void> {
    if (this.#at === null) return
    const id = hexadecimal(this.#core.instanceId)
    // The printers of a workshop are one service of systemd.
    const name = this.#core.printerName ?? instanceName(ownCgroup(), id)
    this.#known = { at: await withAddress(this.#at), id, name, host: this.#options.host || machineName() }
    this.#look()
    this.#watch = this.#core.clock.every(LOOK, () => this.#look())
  }

  /** Announces the server where it is not announced yet, in the background. */
  #look(): void {
    this.#work = this.#work.then(() => this.#followNetworks()).catch(error => this.#failed('mDNS', error))
  }

  #failed(what: string, error: unknown): void {
    const text = `[zeroconf]: ${what} does not work: ${messageOf(error)}`
    this.#problems.use(this.#core.warnings.add(text, `zeroconf ${what}`))
  }

  async #followNetworks(): Promise<void> {
    const known = this.#known
    if (known === null) return
    const networks = networksOf(known.at.host)
    if (JSON.stringify(networks) === JSON.stringify(this.#networks)) return
    await this.#withdraw()
    this.#problems.close()
    this.#networks = networks
    if (networks.length === 0) return
    if (this.#options.ssdp) await this.#startSsdp(known)
    await this.#announce(known)
  }

  async #announce({ at, id, name, host }: Known): Promise<void> {
    const { log, routePrefix } = this.#core
    const service: MdnsService = {
      name: firstThatFits(`${name} @ ${host}`, name),
      host: announcedHost(host, id, this.#nameTaken || othersAnswerMdns()),
      port: at.port,
      txt: {
        uuid: id,
        https_port: String(at.tlsPort ?? ''),
        version: this.#core.host.version,
        route_prefix: routePrefix,
      },
      onRename: () => this.#renamed(service.host),
    }
    this.#mdns = await this.#responders.announce(service, this.#networks, log.child('mdns'))
  }

  /** If the machine's own name is in use, announces a better name than the one that the library found. */
  #renamed(host: string): void {
    if (!isMachineName(host)) return
    this.#nameTaken = true
    this.#networks = []
    this.#look()
  }

  async #startSsdp({ id }: Known): Promise<void> {
    const { clock, log } = this.#core
    const ssdp = new Ssdp({
      device: { uuid: hyphenated(id), bootId: Math.floor(clock.now()) },
      networks: this.#networks.filter(({ family }) => family === 'IPv4'),
      location: address => `${this.#urlAt(address)}/server/zeroconf/ssdp`,
      clock,
      log: log.child('ssdp'),
    })
    try {
      await ssdp.start()
      this.#ssdp = ssdp
    } catch (error) {
      await ssdp.stop()
      this.#failed('SSDP', error)
    }
  }

  /** The device in XML, for a client that connected to this machine's `address`; null before the server listens. */
  describe(address: string): string | null {
    if (this.#known === null) return null
    const { id, name, host } = this.#known
    return deviceDescription({
      name: firstThatFits(`${name} (${host})`, name),
      uuid: hyphenated(id),
      version: this.#core.host.version,
      url: this.#urlAt(addressFor(this.#networks, address)),
    })
  }

  #urlAt(address: string): string {
    const host = address.includes(':') ? `[${address}]` : address
    return `http://${host}:${this.#at?.port}${this.#core.routePrefix}`
  }

  async #withdraw(): Promise<void> {
    const [mdns, ssdp] = [this.#mdns, this.#ssdp]
    this.#mdns = null
    this.#ssdp = null
    await Promise.all([mdns?.withdraw(), ssdp?.stop()])
  }

  /** Announces the end; a network that does not accept it does not delay the stop. */
  async stop(): Promise<void> {
    this.#watch?.stop()
    // Later changes of the networks have no effect.
    this.#known = null
    const done = this.#work.then(() => this.#withdraw())
    await Promise.race([done, sleep(this.#core.clock, END_TIME)])
  }
}

/** Replaces a host name by its address. */
async function withAddress(at: ListeningAt): Promise<ListeningAt> {
  return at.host === 'all' ? at : { ...at, host: (await lookup(at.host)).address }
}

function hyphenated(id: string): string {
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
