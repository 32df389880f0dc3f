// Checks the names in the certificate of a server, for a library that does not report which address it has connected to.
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { hostOf } from './url-host.ts'

/**
 * A check for `tls.connect` of a connection to one of `servers` (URLs): the certificate must have the host name of the
 * connection. Without a host name the connection is to an IP address: then it must have that of one of the servers.
 */
export function certificateCheck(
  servers: readonly string[],
): (host: string, certificate: PeerCertificate) => Error | undefined {
  const hosts = servers.map(server => hostOf(new URL(server)))
  const addresses = hosts.filter(host => isIP(host) !== 0)
  return (host, certificate) => {
    const names = hosts.includes(host) || addresses.length === 0 ? [host] : addresses
    const problems = names.map(name => checkServerIdentity(name, certificate))
    return problems.includes(undefined) ? undefined : problems[0]
  }
}
