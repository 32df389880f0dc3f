// Under which addresses a listening server is reached.
import { networkInterfaces } from 'node:os'
import type { ListeningAt } from '../api/server.ts'

/** Addresses under which the server is reached, this machine's own first. */
export function reachableUrls({ host, port, tlsPort }: ListeningAt): string[] {
  const everywhere = host === '0.0.0.0' || host === 'all' || host === '::'
  const hosts = everywhere ? ['localhost', ...ownAddresses()] : [host.includes(':') ? `[${host}]` : host]
  return [
    ...hosts.map(name => `http://${name}:${port}`),
    ...(tlsPort === null ? [] : hosts.map(name => `https://${name}:${tlsPort}`)),
  ]
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address)
}
