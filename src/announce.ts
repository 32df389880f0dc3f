// What the console says when the server is up: where it listens and what to try.
import { networkInterfaces } from 'node:os'
import type { RunningServer } from './app.ts'
import type { DataPaths } from './core/paths.ts'

/** Addresses under which the server is reached, this machine's own first. */
export function reachableUrls({
  host,
  port,
  tlsPort,
}: Pick<RunningServer, 'host' | 'port' | 'tlsPort'>): string[] {
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

/** Tells people where the server is and how to begin. */
export function announce(server: RunningServer, paths: DataPaths, write: (text: string) => void): void {
  const urls = reachableUrls(server)
  const first = urls[0] ?? ''
  write(
    `\nmoonraker-ts is up: ${urls.join('  ')}\n` +
      `  data folder  ${paths.data}\n` +
      `  try          curl ${first}/server/info\n` +
      `               curl -F file=@model.gcode -F print=true ${first}/server/files/upload\n` +
      '  Ctrl-C stops it.\n\n',
  )
  for (const warning of server.warnings.list()) write(`warning: ${warning}\n`)
}
