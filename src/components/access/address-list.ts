// Lists of addresses, ranges and host names in the configuration.
import { BlockList, SocketAddress } from 'node:net'
import type { Clock, Timer } from '../../core/clock.ts'
import { ipVersion } from '../../core/ip-version.ts'

/** Addresses whose result is kept: the same clients send many requests. */
const MAX_KNOWN = 256
/** Seconds between lookups of host names. */
const LOOKUP_SECONDS = 300

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i

/** Ranges that are not routed on the internet, by address and prefix length. */
const PRIVATE_RANGES = [
  ['127.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
] as const

type Family = 'ipv4' | 'ipv6'

function familyOf(address: string): Family | undefined {
  const version = ipVersion(address)
  if (version === 0) return undefined
  return version === 4 ? 'ipv4' : 'ipv6'
}

interface Range {
  readonly address: string
  readonly prefix: number
  readonly family: Family
}

/** Without Node's expressions for addresses: every start reads the list, and the one for IPv6 takes long to compile. */
function isAddress(address: string, family: Family): boolean {
  try {
    return new SocketAddress({ address, family }).family === family
  } catch {
    return false
  }
}

function readRange(text: string): Range | undefined {
  const [address = '', prefixText] = text.split('/', 2)
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  if (!isAddress(address, family)) return undefined
  const bits = family === 'ipv4' ? 32 : 128
  if (prefixText === undefined) return { address, prefix: bits, family }
  const prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Number.NaN
  return prefix >= 0 && prefix <= bits ? { address, prefix, family } : undefined
}

function isPrivate({ address, prefix, family }: Range): boolean {
  const networks = new BlockList()
  for (const [network, length, ofFamily] of PRIVATE_RANGES) {
    if (length <= prefix && ofFamily === family) networks.addSubnet(network, length, family)
  }
  return networks.check(address, family)
}

export class AddressList {
  readonly #ranges = new BlockList()
  #resolved = new BlockList()
  readonly #names: string[] = []
  readonly #known = new Map<string, boolean>()
  /** Entries that are not an address, a range or a host name. */
  readonly invalid: string[] = []
  /** Entries that contain addresses of the internet. */
  readonly public: string[] = []
  #timer: Timer | null = null

  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry)
  }

  #add(entry: string): void {
    const range = readRange(entry)
    if (range !== undefined) {
      this.#ranges.addSubnet(range.address, range.prefix, range.family)
      if (!isPrivate(range)) this.public.push(entry)
    } else if (HOST_NAME.test(entry) && !/^[\d.]+$/.test(entry)) this.#names.push(entry)
    else this.invalid.push(entry)
  }

  /** Whether `address` is in the list. */
  has(address: string): boolean {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    const found = this.#check(address)
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(address, found)
    return found
  }

  #check(address: string): boolean {
    const family = familyOf(address)
    if (family === undefined) return false
    return this.#ranges.check(address, family) || this.#resolved.check(address, family)
  }

  /** Looks up the addresses of host names now and at intervals; unknown names have none. */
  async start(clock: Clock): Promise<void> {
    if (this.#names.length === 0) return
    this.#timer = clock.every(LOOKUP_SECONDS, () => void this.#resolve())
    await this.#resolve()
  }

  stop(): void {
    this.#timer?.stop()
  }

  async #resolve(): Promise<void> {
    const { lookup } = await import('node:dns/promises')
    const found = await Promise.allSettled(this.#names.map(name => lookup(name, { all: true })))
    const resolved = new BlockList()
    for (const result of found) {
      if (result.status === 'rejected') continue
      for (const { address, family } of result.value)
        resolved.addAddress(address, family === 4 ? 'ipv4' : 'ipv6')
    }
    this.#resolved = resolved
    this.#known.clear()
  }
}
