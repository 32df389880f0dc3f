// The addresses of a listening server.
import { networkInterfaces } from 'node:os'
import type { ListeningAt } from '../api/server.ts'

/** The URLs of the server; those for this machine come first. */
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
