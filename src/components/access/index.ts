// Who gets in: the section [authorization].
import { component } from '../../component.ts'
import { lines, word } from '../../config/index.ts'
import { ApiError } from '../../core/errors.ts'
import type { Warnings } from '../../core/warnings.ts'
import type { AccessPolicy, Credentials } from '../../rpc/access.ts'
import { TRUSTED_USER, type User } from '../../rpc/caller.ts'
import { bool, int } from '../../schema/index.ts'
import { AddressList } from './address-list.ts'
import { Origins } from './origins.ts'

const options = {
  login_timeout: int({ min: 1 }).describe('Days for which a login holds').default(90),
  force_logins: bool().describe('Trusted addresses must log in too, once a user exists').default(false),
  default_source: word('moonraker', 'ldap').default('moonraker'),
  enable_api_key: bool().default(true),
  max_login_attempts: int({ above: 0 }).optional(),
  cors_domains: lines().describe('Origins whose pages may use the API; * stands for anything').default([]),
  trusted_clients: lines().describe('Addresses, ranges and host names let in without a login').default([]),
  trusted_proxies: lines().describe("Proxies whose word on a client's address counts").default([]),
  trusted_hosts: lines().describe('Further names under which browsers reach this server').default([]),
}

/** What the component needs to know of its options. */
interface AccessOptions {
  readonly trusted_clients: readonly string[]
  readonly trusted_proxies: readonly string[]
  readonly trusted_hosts: readonly string[]
  readonly cors_domains: readonly string[]
}

class Access implements AccessPolicy {
  readonly clients: AddressList
  readonly proxies: AddressList
  readonly #origins: Origins
  readonly #hosts: ReadonlySet<string>

  constructor({ trusted_clients, trusted_proxies, trusted_hosts, cors_domains }: AccessOptions) {
    this.clients = new AddressList(trusted_clients)
    this.proxies = new AddressList(trusted_proxies)
    this.#origins = new Origins(cors_domains)
    this.#hosts = new Set(trusted_hosts.map(host => host.toLowerCase()))
  }

  authenticate({ address, addressCounts, header }: Credentials): User | null {
    if (header('authorization')?.toLowerCase().startsWith('bearer ')) {
      throw new ApiError(401, 'Unauthorized')
    }
    return addressCounts && this.clients.has(address) ? TRUSTED_USER : null
  }

  allowsOrigin(origin: string): boolean {
    return this.#origins.allows(origin)
  }

  /** A proxy on this machine counts where this machine is trusted: that is what people's nginx relies on. */
  isTrustedProxy(address: string): boolean {
    const loopback = address === '::1' || address.startsWith('127.')
    return this.proxies.has(address) || (loopback && this.clients.has(address))
  }

  isNamedHost(host: string): boolean {
    return this.#hosts.has(host)
  }

  /** Tells what in the options does not work, or lets in more than people expect. */
  warn(warnings: Warnings): void {
    const lists = { trusted_clients: this.clients, trusted_proxies: this.proxies }
    for (const [option, list] of Object.entries(lists)) {
      for (const entry of list.invalid) {
        warnings.add(`[authorization] ${option}: '${entry}' is no address, range or host name; it is ignored`)
      }
      for (const entry of list.public) {
        warnings.add(
          `[authorization] ${option}: '${entry}' lets in addresses of the internet without a login`,
        )
      }
    }
    for (const domain of this.#origins.tooWide) {
      warnings.add(
        `[authorization] cors_domains: '${domain}' has a wildcard in its top-level domain; it is ignored`,
      )
    }
  }
}

export default component({
  section: 'authorization',
  presence: 'always',
  options,
  create(core, section) {
    const access = new Access(section.options)
    access.warn(core.warnings)
    return Object.assign(access, {
      async start() {
        await Promise.all([access.clients.start(core.clock), access.proxies.start(core.clock)])
      },
      stop() {
        access.clients.stop()
        access.proxies.stop()
      },
    })
  },
})
