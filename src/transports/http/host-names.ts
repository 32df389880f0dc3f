// Host names that no web page of the internet can lead to this machine. DNS rebinding: a page of attacker.example points
// that name at an address of the home network and then reads the server as its own site; the name gives it away.

import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { ipVersion } from '../../core/ip-version.ts'

/** No public name ends in one of these. */
const PRIVATE_SUFFIXES = [
  '.local',
  '.localdomain',
  '.localhost',
  '.lan',
  '.home',
  '.home.arpa',
  '.internal',
  '.intranet',
  '.private',
  '.corp',
]

/** The host of a `Host` header: lower case, without port, brackets and final dot. */
export function hostNameOf(hostAndPort: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(hostAndPort)
  return (bracketed?.[1] ?? hostAndPort.replace(/:\d+$/, '')).toLowerCase().replace(/\.$/, '')
}

/** Whether `host` is an address, a single label, has a private suffix, or is a name of this machine. */
export function isPrivateHost(host: string, resolvConf = '/etc/resolv.conf'): boolean {
  if (ipVersion(host) !== 0) return true
  // Browsers send other characters encoded; `evil.example#.local` is no name of a host.
  if (!/^[\w.-]*$/.test(host)) return false
  if (!host.includes('.')) return true
  return PRIVATE_SUFFIXES.some(suffix => host.endsWith(suffix)) || ownNames(resolvConf).includes(host)
}

/** The host's name, and how the network's resolver completes it. */
function ownNames(resolvConf: string): string[] {
  const name = hostname().toLowerCase()
  const [label] = name.split('.')
  return [name, ...searchDomains(resolvConf).map(domain => `${label}.${domain}`)]
}

/** The domains that resolv.conf (`search`, `domain`) appends to names; none where the file is missing. */
function searchDomains(resolvConf: string): string[] {
  let text: string
  try {
    text = readFileSync(resolvConf, 'utf8')
  } catch {
    return []
  }
  return text.split('\n').flatMap(line => {
    const [keyword, ...domains] = line.trim().toLowerCase().split(/\s+/)
    if (keyword !== 'search' && keyword !== 'domain') return []
    return domains.map(domain => domain.replace(/\.$/, '')).filter(domain => domain !== '')
  })
}
