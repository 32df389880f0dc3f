// The names and ids under which the server appears in the network.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** A name in the domain name system may have this many bytes between two dots (RFC 1035, section 2.3.4). */
const MAX_LABEL = 63
/** Our names are shorter: if the network has a name already, a number is appended. */
export const MAX_NAME = MAX_LABEL - ' (99)'.length

/** The instance id as 32 hexadecimal digits; an id of another form is hashed. */
export function hexadecimal(instanceId: string): string {
  if (/^[0-9a-f]{32}$/.test(instanceId)) return instanceId
  return createHash('sha256').update(instanceId).digest('hex').slice(0, 32)
}

/**
 * The name that distinguishes this server from others: that of its systemd service, otherwise one made from its id.
 * `cgroup` is the text of /proc/self/cgroup.
 */
export function instanceName(cgroup: string, id: string): string {
  const unit = /\/([^/\n]+)\.service$/m.exec(cgroup)?.[1]?.toLowerCase()
  return unit === undefined ? `Moonraker-${id.slice(0, 8)}` : `${unit[0]?.toUpperCase()}${unit.slice(1)}`
}

/** The text of /proc/self/cgroup; empty without such a file. */
export function ownCgroup(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8')
  } catch {
    return ''
  }
}

/** The most bytes of a character in UTF-8. */
const BYTES_OF_CHARACTER = 4

/** The first of the names that is short enough; if all are too long, the start of the first. */
export function firstThatFits(...names: readonly [string, ...string[]]): string {
  const found = names.find(name => Buffer.byteLength(name) <= MAX_NAME)
  return found ?? names[0].slice(0, MAX_NAME / BYTES_OF_CHARACTER)
}

/** The machine's own name, without a domain. */
export function machineName(): string {
  return hostname().split('.')[0] || 'localhost'
}

export function isMachineName(host: string): boolean {
  return host.toLowerCase() === machineName().toLowerCase()
}

/**
 * The host name under which the service is announced, below `.local`. `wanted` is the configured one. Not the machine's
 * own name if another program (Avahi, systemd-resolved) answers for it: the two would count as two machines with the
 * same name, and both would be renamed.
 */
export function announcedHost(wanted: string, id: string, othersAnswer: boolean): string {
  const own = `moonraker-${id.slice(0, 8)}`
  return othersAnswer && isMachineName(wanted) ? own : firstThatFits(wanted, own)
}

/** Port 5353, which is multicast DNS, as /proc/net/udp writes it after a local address. */
const MDNS_PORT = /^ *\d+: [0-9A-F]+:14E9 /m

/** Whether another program on this machine answers multicast DNS; true if that is unknown. */
export function othersAnswerMdns(): boolean {
  try {
    return ['udp', 'udp6'].some(name => MDNS_PORT.test(readFileSync(`/proc/net/${name}`, 'utf8')))
  } catch {
    return true
  }
}
