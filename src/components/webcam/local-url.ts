// The URLs of a webcam as this machine reaches them: relative ones are on this machine, and URLs of this machine use the
// loopback address, without a firewall or router in between.
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { hostOf } from '../../core/url-host.ts'

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ['http:', '80'],
  ['https:', '443'],
  ['rtsp:', '554'],
])

/** Timeout in seconds for the lookup of a host name. */
const LOOKUP_SECONDS = 2

/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A'

/** The whole URL; '' stays ''. An unknown form stays as it is. */
export async function localUrl(url: string): Promise<string> {
  if (url === '') return ''
  const whole = /^\w+:\/\/[^/]+/.test(url) ? url : `http://${ownHost()}/${url.replace(/^\/+/, '')}`
  const parsed = URL.parse(whole)
  const [, scheme, authority = '', rest] = /^(\w+:\/\/)([^/?#]+)(.*)/s.exec(whole) ?? []
  const port = parsed?.port || DEFAULT_PORTS.get(parsed?.protocol ?? '')
  if (parsed === null || port === undefined || !(await isOwnHost(hostOf(parsed)))) return whole
  const host = await loopbackOf(Number(port))
  const login = authority.slice(0, authority.lastIndexOf('@') + 1)
  return host === undefined ? whole : `${scheme}${login}${host}:${port}${rest}`
}

/** Addresses of this machine under which others reach it. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address)
}

/** The form used in a URL. */
function ownHost(): string {
  const addresses = ownAddresses()
  const [sixth] = addresses.filter(address => !address.startsWith('fe80:') && isIP(address) === 6)
  return addresses.find(address => isIP(address) === 4) ?? (sixth === undefined ? '127.0.0.1' : `[${sixth}]`)
}

/** Whether a host is this machine, by an address other than the loopback address. */
async function isOwnHost(host: string): Promise<boolean> {
  const address = isIP(host) === 0 ? await addressOf(host) : host
  return address !== undefined && ownAddresses().includes(address)
}

async function addressOf(host: string): Promise<string | undefined> {
  const found = lookup(host).then(
    ({ address }) => address,
    () => undefined,
  )
  return Promise.race([found, delay(LOOKUP_SECONDS * 1000, undefined, { ref: false })])
}

/** The loopback address, if a program listens at `port` of every address. */
async function loopbackOf(port: number): Promise<string | undefined> {
  const [fourth, sixth] = await Promise.all(['tcp', 'tcp6'].map(readSockets))
  if (listensEverywhere(fourth ?? '', port)) return '127.0.0.1'
  return listensEverywhere(sixth ?? '', port) ? '[::1]' : undefined
}

/** The kernel's table of sockets; empty on systems that have none. */
function readSockets(name: string): Promise<string> {
  return readFile(`/proc/net/${name}`, 'latin1').catch(() => '')
}

/** Whether a table of sockets (/proc/net/tcp or tcp6) has one that listens at `port` of every address. */
export function listensEverywhere(sockets: string, port: number): boolean {
  const everywhere = new RegExp(`^0+:${port.toString(16).toUpperCase().padStart(4, '0')}$`)
  return sockets.split('\n').some(row => {
    const [, local = '', , state] = row.trim().split(/\s+/)
    return state === LISTENING && everywhere.test(local)
  })
}
